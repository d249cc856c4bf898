"""What is the same failure in another boot, and what keeps a boot from showing it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from envparity.judge import Finding, singles
from envparity.judge.sameness import disguises, is_same_failure, masks, members
from envparity.model.case import Case
from envparity.observe.record import Observation
from envparity.observe.startup import read_log
from envparity.observe.transcript import Departure, LoggedLines, Transcript
from tests.envparity.judge.builders import (
    BACKEND,
    FAILURE,
    WELCOME,
    close,
    departed,
    failed,
    handshake,
    judged,
    observation,
    project,
    received,
    replica,
    timed_out,
    transcript,
)


def found(code: str, *observations: Observation) -> Finding:
    """The single finding of that code."""
    (finding,) = [single for single in singles(project(), observations) if single.code == code]
    return finding


def talk(*events: Any, kind: str, step: int = 1, scenario: str = "chat", got: str = "nothing") -> Transcript:
    script = departed(kind, *events, scenario=scenario, got=got)
    return replace(script, departure=Departure(step, kind, "a frame", got, "a"))  # type: ignore[arg-type]


def conversation(code: str, *events: Any, kind: str, **changes: Any) -> Finding:
    return found(code, observation("staging", transcripts=(talk(*events, kind=kind, **changes),)))


CLOSED = conversation("EP303", handshake(), close(1006), kind="close", got="close 1006")
SILENT = conversation("EP306", handshake(), timed_out("welcome"), kind="timeout")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (conversation("EP303", handshake(), close(1006), kind="close", got="close 1006"), True),
        (conversation("EP303", handshake(), close(1008), kind="close", got="close 1008"), False),
        (conversation("EP303", handshake(), close(1006), kind="close", got="close 1006", step=3), False),
        (conversation("EP303", handshake(), close(1006), kind="close", got="close 1006", scenario="login"), False),
        (SILENT, False),
    ],
)
def test_a_departure_is_the_same_at_the_same_step_in_the_same_way(other: Finding, same: bool) -> None:
    """A close is not a hang, another code is another close, and another step is earlier or later."""
    assert is_same_failure(CLOSED, other) is same


def test_an_error_frame_is_told_from_another_by_its_code() -> None:
    """Both are frames that were not expected, at the same step."""

    def refused(code: str) -> Finding:
        frame = received({"type": "error", "code": code, "message": "no"})
        return conversation("EP301", handshake(), frame, kind="frame", got=code)

    assert is_same_failure(refused("AUTH_FAILED"), refused("AUTH_FAILED"))
    assert not is_same_failure(refused("AUTH_FAILED"), refused("RATE_LIMITED"))


@pytest.mark.parametrize(
    ("words", "code", "same"),
    [
        ("connecting to 127.0.0.1:5433: refused", 3, True),
        ("no such broker", 3, False),
        ("connecting to 127.0.0.1:5432: refused", 1, False),
    ],
)
def test_a_process_that_ended_with_other_last_words_did_not_end_in_the_same_way(
    words: str, code: int, same: bool
) -> None:
    """Numbers do not count, for a port is another in each boot."""

    def ended(words: str, code: int) -> Finding:
        gone = replica(exit_code=code, log=("starting", words, ""))
        return found("EP105", observation("staging", replace(gone, startup=None)))

    assert is_same_failure(ended("connecting to 127.0.0.1:5432: refused", 3), ended(words, code)) is same


def test_who_is_killed_has_no_last_words() -> None:
    """How far a process had come when its memory was used up is chance."""

    def killed(words: str) -> Finding:
        gone = replica(exit_code=137, oom_killed=True, log=(words,))
        return found("EP105", observation("staging", replace(gone, startup=None)))

    assert is_same_failure(killed("step redis passed"), killed("step postgres running"))


def test_an_internal_error_is_told_by_what_was_raised() -> None:
    """Not by where in memory that was."""

    def broken(raised: str) -> Finding:
        trace = ("Traceback (most recent call last):", '  File "a.py", line 1, in <module>', raised)
        logged = (LoggedLines("replica 1", trace),)
        script = replace(talk(handshake(), close(1011), kind="close", got="close 1011"), logged=logged)
        return found("EP305", observation("staging", transcripts=(script,)))

    first = broken("TypeError: <Handler object at 0x7fa3ce95cbd0> is no str")
    assert is_same_failure(first, broken("TypeError: <Handler object at 0x7fb1ce95cbe1> is no str"))
    assert not is_same_failure(first, broken("KeyError: 'user'"))


def test_of_a_frame_that_differs_in_several_fields_the_one_that_is_printed_counts() -> None:
    """Another field of the same frame is another finding, whatever the rule calls it."""

    def differs(**limits: int) -> Finding:
        there = transcript(handshake(), received(WELCOME | {"limits": {"per_minute": 30} | limits}), close())
        here = transcript(handshake(), received(WELCOME | {"limits": {"per_minute": 30, "size": 1}}), close())
        return found(
            "EP401",
            observation("local", transcripts=(here,)),
            observation("staging", transcripts=(there,)),
        )

    both, rate, size = differs(per_minute=10, size=2), differs(per_minute=10, size=1), differs(size=2)
    assert is_same_failure(both, rate)
    assert not is_same_failure(both, size)
    assert is_same_failure(size, both), "a boot that shows it beside another field shows it"


def test_a_startup_that_fails_elsewhere_is_another_failure_and_hides_what_comes_later() -> None:
    """Nobody knows what a conversation would have been, nor what a later step would have said."""

    def fails(component: str) -> Finding:
        why = FAILURE | {"component": component}
        return found("EP101", observation("staging", replica(failed(why)), transcripts=()))

    assert is_same_failure(fails("auth"), fails("auth"))
    assert not is_same_failure(fails("auth"), fails("redis"))
    assert masks(fails("auth"), fails("redis"), ())
    assert masks(CLOSED, fails("redis"), ("chat",))
    assert not masks(fails("auth"), CLOSED, ("chat",)), "startup was over by then"


def test_a_failure_without_a_code_of_its_own_is_told_from_others_by_its_words() -> None:
    """All that a log says is a line; another line is another failure."""

    def logged(line: str, code: str) -> Finding:
        mapping = replace(BACKEND.report, log_failed="^failed: (?P<description>.*)")
        why = read_log([f"failed: {line}"], mapping)
        assert why is not None
        failures = tuple(replace(failure, code=code or failure.code) for failure in why.failures)
        return found("EP101", observation("staging", replica(startup=replace(why, failures=failures)), transcripts=()))

    first = logged("no broker at 10.0.0.7:5672", "")
    assert is_same_failure(first, logged("no broker at 10.0.0.9:5673", ""))
    assert not is_same_failure(first, logged("no key", ""))
    assert is_same_failure(logged("no broker", "BROKER"), logged("it has gone", "BROKER"))


def test_a_conversation_that_leaves_its_script_otherwise_hides_what_comes_later_in_it_alone() -> None:
    """Other scenarios have connections of their own."""
    assert masks(CLOSED, SILENT, ("chat",))
    assert not masks(CLOSED, replace(SILENT, scenario="login"), ("chat",))


def test_a_silence_may_be_a_close_in_disguise() -> None:
    """A frame that was not expected is nothing that an ingress makes of a silence."""
    assert disguises(CLOSED, SILENT)
    assert disguises(SILENT, CLOSED)
    assert disguises(CLOSED, replace(SILENT, step=4)), "nobody had to wait for anything when it was cut off"
    assert not disguises(replace(CLOSED, step=4), SILENT), "what is silent earlier is silent without that close"
    assert not disguises(CLOSED, CLOSED)
    frame = conversation("EP301", handshake(), received({"type": "pong"}), kind="frame", got="pong")
    assert not disguises(SILENT, frame)


def test_conversations_that_go_separate_ways_hide_the_fields_of_what_would_have_come() -> None:
    """A frame that is not there has no field that differs."""
    usual = observation("local", transcripts=(transcript(handshake(), received(WELCOME), close()),))

    def differs(*frames: dict[str, Any]) -> Finding:
        there = transcript(handshake(), *map(received, frames), close())
        return found("EP401", usual, observation("staging", transcripts=(there,)))

    field = differs(WELCOME | {"limits": {"per_minute": 10}})
    parts = differs({"type": "maintenance"}, WELCOME)
    assert masks(field, parts, ("chat",))
    assert not masks(parts, field, ("chat",))


def test_the_members_of_a_merged_finding_are_found_again() -> None:
    """Of each environment and each scenario; not those of another nature."""
    scripts = tuple(
        talk(handshake(), close(code), kind="close", scenario=name, got=f"close {code}")
        for name, code in (("chat", 1006), ("login", 1006), ("logout", 1008))
    )
    boots = [observation(name, transcripts=scripts) for name in ("local", "staging")]
    whole, other = judged(*boots).findings
    found = singles(project(), boots)
    assert {(member.scenario, member.cases) for member in members(whole, found)} == {
        ("chat", (Case("local", "shop").id,)),
        ("chat", (Case("staging", "shop").id,)),
        ("login", (Case("local", "shop").id,)),
        ("login", (Case("staging", "shop").id,)),
    }
    assert {member.scenario for member in members(other, found)} == {"logout"}


def closed_with_1011(*raised: str) -> Finding:
    """A close with 1011 in whose moments these exceptions were logged: its own, and those of what was beside it."""
    lines = [line for name in raised for line in ("Traceback (most recent call last):", '  File "a.py", line 1', name)]
    script = transcript(handshake(), close(1011), logged=(LoggedLines("replica 1", tuple(lines)),))
    return found("EP305", observation("staging", transcripts=(script,)))


def test_the_exception_of_another_conversation_in_the_same_moments_makes_no_other_failure() -> None:
    """Which of them comes last in the log is chance; without one that both have it is another failure."""
    own, other, third = "KeyError: chat", "ValueError: login", "OSError: third"
    assert is_same_failure(closed_with_1011(own, other), closed_with_1011(other, own))
    assert is_same_failure(closed_with_1011(own, other), closed_with_1011(own))
    assert is_same_failure(closed_with_1011(own), closed_with_1011())
    assert not is_same_failure(closed_with_1011(own, other), closed_with_1011(third))
