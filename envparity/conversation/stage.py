"""What a script does to the environment: stop and start replicas, restart, cut and restore dependencies."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from envparity.conversation.action_outcome import ControlOutcome
from envparity.conversation.actions import Control
from envparity.conversation.disturbances import Disturbances
from envparity.conversation.stopping import DrainHealth, health_while
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.controls import (
    Disturbable,
    KillsReplicas,
    dependency_controls,
    network_controls,
    replica_controls,
)
from envparity.launch.port import Stack
from envparity.model.step import (
    Cut,
    Disturbance,
    DisturbsDependency,
    JumpClock,
    RestartAll,
    RestartReplicas,
    Throttle,
)
from envparity.observe.disturbed import Disturbed
from envparity.support.stalls import Deadline, within

__all__ = ["Stage"]

_EVERY_S = 0.05
_FIRST_WITHIN_S = 20.0


class _Stopped(NamedTuple):
    """How long the end of a replica took, whether it was within the deadline, and its health meanwhile."""

    seconds: float
    in_time: bool
    health: DrainHealth


class Stage:
    """Carries out control steps, and remembers what has to be brought back.

    `stop_s` is how long a replica may take to end, `now` gives seconds.
    """

    def __init__(self, stack: Stack, stop_s: float, now: Callable[[], float]) -> None:
        self._stack, self._stop_s, self._now = stack, stop_s, now
        self._cut: set[str] = set()
        self._rotated: dict[str, tuple[int, int]] = {}  # how often, and from which key on they are published
        self._stopping: dict[int, asyncio.Task[_Stopped]] = {}
        self._beside: list[asyncio.Task[None]] = []  # what ends by itself while the script goes on
        self._done = Disturbances(now)

    async def do(self, action: Control) -> ControlOutcome:
        """Do it. Returns what came of it, or why it failed."""
        try:
            return await self._do(action)
        except (DeadlineExceeded, LaunchError) as error:
            return ControlOutcome(str(error))

    async def restore(self) -> None:
        """Bring back what the script did not: nobody after it shall suffer from it."""
        for ending in self._beside:
            ending.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)
        for name in sorted(self._cut):
            with contextlib.suppress(DeadlineExceeded, LaunchError):
                await network_controls(self._stack).restore_dependency(name)
        for name in sorted(self._rotated):
            with contextlib.suppress(DeadlineExceeded, LaunchError):
                await self._rotate(name, 0, 0)
        for index in list(self._stopping):
            with contextlib.suppress(DeadlineExceeded, LaunchError):
                await self._start(index)

    async def _do(self, action: Control) -> ControlOutcome:
        replica = action.replica or 0
        match action.action:
            case "stop_replica":
                self._stopping[replica] = asyncio.create_task(self._stop(replica))
            case "kill_replica":
                self._stopping[replica] = asyncio.create_task(_killed(self._stack, replica))
                await self._stopping[replica]
            case "stopped":
                return await self._stopped(replica)
            case "start_replica":
                await self._start(replica)
            case "restart":
                await dependency_controls(self._stack).restart_dependency(action.target)
            case "cut":
                await self._disturb(action, network_controls(self._stack).cut_dependency(action.target))
            case "restore":
                await self._restore(action.target)
            case "command" | "revoke":
                await dependency_controls(self._stack).command_dependency(action.target, action.words)
            case "rotate":
                generation, first = self._rotated.get(action.target, (0, 0))
                await self._rotate(action.target, generation + 1, first if action.keep else generation + 1)
            case "until_ready":
                await replica_controls(self._stack).until_ready()
            case _:
                await self._disturb(action, self._disturbance(action, replica))
        return ControlOutcome()

    @property
    def disturbed(self) -> tuple[Disturbed, ...]:
        """What was disturbed so far, with what was seen of it."""
        return self._done.seen(self._stack)

    async def readiness(self) -> tuple[int | None, ...]:
        """What the readiness of each replica answers now, where something was disturbed."""
        if not self._done.any or not isinstance(self._stack, Disturbable):
            return ()
        with contextlib.suppress(DeadlineExceeded, LaunchError):
            return await self._stack.readiness()
        return ()

    async def _disturb(self, action: Control, begin: Awaitable[None]) -> None:
        """Begin it, and where it says for how long, wait for that and end it."""
        step = action.disturbance
        lasts = action.action == "cut" or isinstance(step, DisturbsDependency)
        if lasts:
            self._cut.add(action.target)
        place = self._done.begin(action.action, action.target)
        await begin
        for_s = getattr(step, "for_s", None)
        if lasts and for_s is not None:
            if getattr(step, "beside", False):
                self._beside.append(asyncio.create_task(self._restore_later(action.target, for_s)))
            else:
                await asyncio.sleep(for_s)
                await self._restore(action.target)
        elif not lasts:
            self._done.end(place)

    def _disturbance(self, action: Control, replica: int) -> Awaitable[None]:
        """What a step that only ever disturbs asks of the stack. Raises `LaunchError` where that cannot do it."""
        stack, step = self._stack, action.disturbance
        if not isinstance(stack, Disturbable) or step is None or isinstance(step, Cut):
            raise LaunchError(f"nothing can be disturbed here: {action.action}")
        if isinstance(step, Throttle):
            return self._throttle(stack, step, replica)
        return _asked(stack, step, replica)

    async def _throttle(self, stack: Disturbable, step: Throttle, replica: int) -> None:
        """Beside the conversation, which goes on."""
        self._beside.append(asyncio.create_task(stack.throttle_replica(replica, step.share, step.for_s)))

    async def _restore_later(self, name: str, for_s: float) -> None:
        """So many seconds after somebody has tried to connect."""
        await _attempted(self._stack, name)
        await asyncio.sleep(for_s)
        await self._restore(name)

    async def _restore(self, name: str) -> None:
        await network_controls(self._stack).restore_dependency(name)
        self._cut.discard(name)
        self._done.restored(name)

    async def _rotate(self, name: str, generation: int, first: int) -> None:
        self._rotated[name] = generation, first
        await dependency_controls(self._stack).command_dependency(name, ("rotate", str(generation), str(first)))

    async def _stop(self, replica: int) -> _Stopped:
        """SIGTERM, and wait for the end."""
        began, deadline = self._now(), Deadline(self._stop_s)
        stops = replica_controls(self._stack).stop_replica(replica)
        health = await health_while(self._stack, replica, stops)
        return _Stopped(round(self._now() - began, 3), not deadline.passed, health)

    async def _stopped(self, replica: int) -> ControlOutcome:
        if replica not in self._stopping:
            raise LaunchError(f"replica {replica} was not stopped before")
        seconds, in_time, health = await self._stopping[replica]
        if not in_time:
            raise DeadlineExceeded(f"replica {replica} to end after SIGTERM", self._stop_s, f"it took {seconds:g} s")
        exit_code = (await self._stack.observe_replica(replica)).exit_code
        return ControlOutcome("", exit_code, seconds, *health)

    async def _start(self, replica: int) -> None:
        stopping = self._stopping.pop(replica, None)
        if stopping is not None:
            with contextlib.suppress(DeadlineExceeded, LaunchError):
                await stopping
        await replica_controls(self._stack).start_replica(replica)


async def _attempted(stack: Stack, name: str) -> None:
    """Wait until somebody has tried to connect to that dependency, for which who starts may need a while."""
    deadline = Deadline(_FIRST_WITHIN_S)
    while isinstance(stack, Disturbable) and not deadline.passed:
        if any(outage.tried for outage in stack.outages(name)[-1:]):
            break
        await asyncio.sleep(_EVERY_S)


async def _killed(stack: Stack, replica: int) -> _Stopped:
    """SIGKILL, and wait for the end. Raises `LaunchError` where nobody can do that here."""
    if not isinstance(stack, KillsReplicas):
        raise LaunchError("a replica cannot be killed here")
    await stack.kill_replica(replica)
    return _Stopped(0.0, in_time=True, health=DrainHealth())


async def _asked(stack: Disturbable, step: Disturbance, replica: int) -> None:
    if isinstance(step, DisturbsDependency):
        await stack.disturb_dependency(step)
        return
    match step:
        case JumpClock(by_s=by_s):
            await stack.jump_clock(replica, by_s)
        case RestartReplicas(times=times):
            for _ in range(times):
                await stack.restart_all(dependencies=False)
        case RestartAll(within_s=within_s):
            try:
                async with within(within_s):
                    await stack.restart_all(dependencies=True)
            except TimeoutError:
                raise DeadlineExceeded("everything to be ready after a restart", within_s) from None
