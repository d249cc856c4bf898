"""Deadlines count the time that the machine granted, and say how much it did not."""

from __future__ import annotations

import asyncio

import pytest

from envparity.support.stalls import STALLS, Deadline, Granted, StallMeter, Stalls, within


class Machine:
    """A clock, a run queue and a kernel's figure, all set by the test."""

    def __init__(self, cores: int = 2) -> None:
        self.now_s, self.running, self.pressure_s = 0.0, 1, 0.0
        self.meter = StallMeter(lambda: self.now_s, lambda: self.running, lambda: self.pressure_s, cores)

    def let_pass(self, seconds: float) -> None:
        """That much time, in samples of 50 ms as the meter takes them."""
        for _ in range(round(seconds / 0.05)):
            self.now_s += 0.05
            self.meter.sample(0.05, 0.05)


def test_a_quiet_machine_changes_no_deadline() -> None:
    """As many as there are processors may run, and nobody waits."""
    machine = Machine()
    machine.running = 2
    deadline = Deadline(5, machine.meter)
    machine.let_pass(4.9)
    assert not deadline.passed
    machine.let_pass(0.2)
    assert deadline.passed


def test_who_gets_a_fourth_of_a_processor_has_four_times_as_long() -> None:
    """Eight want one of two processors: a second of it takes four."""
    machine = Machine()
    machine.running = 8
    deadline = Deadline(5, machine.meter)
    machine.let_pass(19.5)
    assert not deadline.passed
    machine.let_pass(1)
    assert deadline.passed


def test_no_deadline_is_put_off_for_ever() -> None:
    """Whatever is measured, ten times its length is the end."""
    machine = Machine()
    machine.running = 10_000
    deadline = Deadline(1, machine.meter)
    machine.let_pass(10.1)
    assert deadline.passed


def test_a_loop_that_wakes_up_late_is_a_stall() -> None:
    """Who is late has not been given the time, whatever the run queue looks like by then."""
    machine = Machine()
    mark = machine.meter.mark()
    machine.now_s += 3.05
    machine.meter.sample(3.05, 0.05)
    assert machine.meter.since(mark) == Stalls(3.05, 3.0, 3.0, 0.0)


def test_the_figures_of_a_boot_are_its_own() -> None:
    """What was before the mark does not count."""
    machine = Machine()
    machine.running = 8
    machine.meter.sample(6.0, 0.05)
    mark = machine.meter.mark()
    machine.pressure_s = 1.5
    machine.let_pass(2)
    assert machine.meter.since(mark) == Stalls(2.0, 1.5, 0.0, 1.5)


@pytest.mark.parametrize(
    ("stalls", "too_great"),
    [(Stalls(10, 5, 0.5), False), (Stalls(10, 9.5, 0.5), True), (Stalls(100, 6, 5.5), True), (Stalls(0, 0, 0), False)],
)
def test_when_nothing_can_be_said(stalls: Stalls, too_great: bool) -> None:
    """A tenth of what was wanted, or a harness that is away for seconds, is too little to judge anybody's speed."""
    assert stalls.too_great is too_great


async def test_within_is_a_timeout_that_waits_for_its_deadline() -> None:
    """It passes when the deadline has, and not when its plain time has."""
    machine = Machine()

    async def wait() -> None:
        async with within(0.01, machine.meter):
            asyncio.get_running_loop().call_later(0.05, machine.let_pass, 0.1)
            await asyncio.Event().wait()

    async with asyncio.timeout(5):
        with pytest.raises(TimeoutError):
            await wait()
    assert machine.now_s == pytest.approx(0.1)


async def test_one_sampler_serves_all_who_measure() -> None:
    """The first starts it and the last stops it."""
    meter = StallMeter()
    async with meter.measuring():
        async with meter.measuring():
            pass
        assert [task.get_name() for task in asyncio.all_tasks()].count("stalls") == 1
    assert "stalls" not in [task.get_name() for task in asyncio.all_tasks()]


def test_the_machine_has_one_meter() -> None:
    """Deadlines that are told nothing else ask that."""
    assert Deadline(1)._meter is STALLS


def test_what_several_replicas_were_granted_is_one_figure() -> None:
    """Seconds and periods are added; a group without a limit has no periods."""
    limited, free = Granted(1.5, 20, 5, 0.25), Granted(0.5)
    assert sum([limited, free, limited], Granted()) == Granted(3.5, 40, 10, 0.5)


def test_of_a_moment_nobody_can_say_how_much_of_it_was_stalled() -> None:
    """Two samples that waited are no stalled machine: what failed meanwhile did not fail for want of time."""
    assert (Stalls(0.03, 0.03, 0.03).share, Stalls(0.03, 0.03, 0.03).too_great) == (0.0, False)
    assert (Stalls(2.0, 2.0, 0.03).share, Stalls(2.0, 2.0, 0.03).too_great) == (1.0, True)
    assert (Stalls(0.9, 0.9, 0.03).share, Stalls(0.9, 0.9, 0.03).too_great) == (1.0, False)
