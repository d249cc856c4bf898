"""What a script does to the environment: done, undone behind it, and told with what was seen of it."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from envparity.errors import DeadlineExceeded
from envparity.model.step import (
    BlackHole,
    Close,
    Connect,
    Cut,
    DisturbsDependency,
    Expect,
    HangUp,
    JumpClock,
    Restart,
    RestartAll,
    RestartReplicas,
    Restore,
    Rotate,
    Send,
    Silence,
    Slow,
    StartReplica,
    Stopped,
    StopReplica,
    Throttle,
    UntilReady,
    action_of,
)
from envparity.observe.disturbed import ConnectionAttempt, OutageSeen
from envparity.observe.transcript import Departure
from tests.envparity.conversation.one_server import (
    LONG_S,
    SHORT_S,
    OneServer,
    departed,
    kept,
    played,
    serving,
    silent,
    welcoming,
)


async def test_the_environment_is_done_to_as_the_script_says() -> None:
    """In its order, but that stopping goes on beside the conversation."""
    async with serving(silent) as stack:
        told = kept(
            await played(
                stack,
                Connect("valid"),
                Restart("postgres"),
                Cut("redis"),
                Restore("redis"),
                UntilReady(),
                StopReplica("a"),
                Stopped("a"),
                StartReplica("a"),
            )
        )
    assert stack.done == ["restart postgres", "cut redis", "restore redis", "until_ready", "stop 0", "start 0"]
    assert told[-2]["stopped"] == "a"
    assert told[-2]["exit_code"] == 0
    assert told[-2]["seconds"] < LONG_S


async def test_what_was_cut_and_stopped_is_brought_back_after_a_departure() -> None:
    """The scenarios that follow find the environment as it was, even where bringing it back fails in part."""
    async with serving(silent) as stack:
        stack.fails = {"stop", "restore"}
        await departed(
            stack, Connect("valid"), Cut("redis"), StopReplica("a"), Expect(("welcome",)), authenticate_s=SHORT_S
        )
    assert stack.done == ["cut redis", "stop 0", "restore redis", "start 0"]


async def test_rotated_keys_are_those_of_before_behind_the_scenario() -> None:
    """Each rotation brings up the next key; what was published before it stays where that is asked for."""
    async with serving(silent) as stack:
        kept(await played(stack, Connect("valid"), Rotate("idp"), Rotate("idp", keep=True), Rotate("other", keep=True)))
    assert stack.commands == [
        ("idp", "rotate", "1", "1"),
        ("idp", "rotate", "2", "1"),
        ("other", "rotate", "1", "0"),
        ("idp", "rotate", "0", "0"),
        ("other", "rotate", "0", "0"),
    ]


class DisturbedServer(OneServer):
    """One whose dependencies can be disturbed; the backend does not answer once that was."""

    throttled: float | None = None

    async def disturb_dependency(self, step: DisturbsDependency) -> None:
        self._do(f"{action_of(step)} {step.dependency}")

    def outages(self, name: str) -> tuple[OutageSeen, ...]:
        tried = (ConnectionAttempt(0.1, 0), ConnectionAttempt(0.3, None))
        return (OutageSeen(9.0), OutageSeen(1.0, tried, connected_s=0.2))

    async def readiness(self) -> tuple[int | None, ...]:
        return (200, None)

    async def throttle_replica(self, index: int, share: float, for_s: float) -> None:
        self.throttled = share
        try:
            await asyncio.Event().wait()
        finally:
            self.throttled = None
            self._do(f"throttle {index}")

    async def jump_clock(self, index: int, by_s: float) -> None:
        self._do(f"clock {index} {by_s:+g}")

    async def restart_all(self, *, dependencies: bool) -> None:
        self._do(f"restart {'all' if dependencies else 'replicas'}")


async def test_what_is_disturbed_is_undone_and_told_with_what_was_seen_of_it() -> None:
    """Ended after its seconds, or behind the scenario; who tried to connect is told of where a proxy sees it."""
    async with serving(welcoming) as server:
        stack = DisturbedServer(server.endpoint)
        steps = (
            Connect("valid"),
            Cut("redis", for_s=0.05),
            HangUp("redis", for_s=0.05),
            JumpClock("a", -5),
            Throttle("a", for_s=9),
            RestartAll(5),
            RestartReplicas(2),
            Slow("postgres", by_s=1),
            Expect(("welcome",)),
            Close(1000),
        )
        transcript = await played(stack, *steps)
    kept(transcript)
    assert stack.done == [
        *("cut redis", "restore redis", "hang_up redis", "restore redis", "clock 0 -5", "restart all"),
        *("restart replicas", "restart replicas", "slow postgres", "throttle 0", "restore postgres"),
    ]
    told = {disturbed.action: disturbed for disturbed in transcript.disturbed}
    assert list(told) == ["cut", "hang_up", "jump_clock", "throttle", "restart_all", "restart_replicas", "slow"]
    assert (told["cut"].outage, told["hang_up"].outage) == stack.outages("redis")
    assert round(told["hang_up"].ended_s - told["hang_up"].began_s, 3) >= 0.05  # each is said to a millisecond
    assert [disturbed.outage for disturbed in transcript.disturbed].count(None) == 5
    assert transcript.readiness == ()


async def test_what_is_away_beside_the_script_is_back_by_itself_or_behind_it() -> None:
    """A replica that is started meanwhile meets it; nothing waits for it, and it does not outlast the scenario."""
    async with serving(welcoming) as server:
        stack = DisturbedServer(server.endpoint)
        steps = (
            Connect("valid"),
            HangUp("redis", for_s=0.8, beside=True),
            StopReplica("a"),
            Stopped("a"),
            StartReplica("a"),
            Expect(("welcome",)),
            Silence(1.0),
            BlackHole("postgres", for_s=600, beside=True),
            Close(1000),
        )
        transcript = await played(stack, *steps)
    kept(transcript)
    assert stack.done == [
        *("hang_up redis", "stop 0", "start 0", "restore redis"),
        *("black_hole postgres", "restore postgres"),
    ]


async def test_who_leaves_the_script_after_a_disturbance_is_asked_for_readiness() -> None:
    """At that moment: later somebody has undone what was done."""
    async with serving(silent) as server:
        stack = DisturbedServer(server.endpoint)
        transcript = await played(
            stack, Connect("valid"), BlackHole("redis"), Expect(("welcome",)), authenticate_s=SHORT_S
        )
        assert transcript.departure is not None
        assert transcript.readiness == (200, None)
        assert (await played(stack, Connect("valid"), Expect(("welcome",)), authenticate_s=SHORT_S)).readiness == ()
        refused = await departed(server, Connect("valid"), BlackHole("redis"))
        assert refused.got == "nothing can be disturbed here: black_hole"


async def test_an_environment_that_fails_departs() -> None:
    """With what the launcher said."""
    async with serving(silent) as stack:
        stack.fails = {"until_ready"}
        departure = await departed(stack, Connect("valid"), UntilReady())
        assert departure == Departure(1, "control", "until_ready", "cannot until_ready", "")
        departure = await departed(stack, Connect("valid"), Stopped("a"))
        assert departure.got == "replica 0 was not stopped before"


async def test_a_replica_that_takes_too_long_to_end_departs() -> None:
    """Longer than the phase allows is too long, even if it ended by itself."""

    class Slow(OneServer):
        async def stop_replica(self, index: int) -> None:
            await super().stop_replica(index)
            await asyncio.sleep(0.05)

    async with serving(silent) as stack:
        slow = Slow(stack.endpoint)
        departure = await departed(slow, Connect("valid"), StopReplica("a"), Stopped("a"), stop_s=0.01)
    assert departure.kind == "control"
    assert departure.got.startswith("waited 0.01 s for replica 0 to end after SIGTERM: it took ")


async def test_cancelled_it_leaves_no_task_and_no_connection_behind() -> None:
    """Ctrl-C at any moment."""
    asked, gone = asyncio.Event(), asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        try:
            await connection.recv()
            asked.set()
            await connection.recv()
        except ConnectionClosed:
            gone.set()

    async with serving(handler) as stack:
        before = asyncio.all_tasks()
        steps = (Connect("valid"), Send({"type": "ping"}), Silence(60))
        playing = asyncio.create_task(played(stack, *steps))
        await asyncio.wait_for(asked.wait(), LONG_S)
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing
        await asyncio.wait_for(gone.wait(), LONG_S)
        left = {task for task in asyncio.all_tasks() - before if "conversation" in str(task.get_coro())}
        assert left == set()


async def test_a_replica_can_be_started_that_was_not_stopped() -> None:
    """It may have ended by itself."""
    async with serving(silent) as stack:
        kept(await played(stack, Connect("valid"), StartReplica("a")))
    assert stack.done == ["start 0"]


async def test_deadlines_of_the_launcher_depart_too() -> None:
    """A wait that took too long is told in its own words."""

    class Slow(OneServer):
        async def restart_dependency(self, name: str) -> None:
            raise DeadlineExceeded(f"{name} to restart", 15)

    async with serving(silent) as stack:
        slow = Slow(stack.endpoint)
        departure = await departed(slow, Connect("valid"), Restart("postgres"))
    assert departure == Departure(1, "control", "restart postgres", "waited 15 s for postgres to restart", "")
