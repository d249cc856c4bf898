"""How the replicas of a stack of this machine start, and what is seen of each."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from envparity.errors import DeadlineExceeded
from envparity.launch.local.parts import BootedReplica
from envparity.model.backend import Backend
from envparity.model.case import Boot
from envparity.observe.record import HttpAnswer, Replica, StartupReport
from envparity.observe.startup import read_log

__all__ = ["ReplicaStartup"]

_BECOMES_READY_S = 3.0


@dataclass(frozen=True)
class ReplicaStartup:
    """Of one boot. `looked_at` are the replicas whose readiness was asked for.

    `log_of` gives what a replica has written, without the secrets, `told_by` the lines of it that held some; `end_of`
    its exit code, None while it runs, and whether it was killed for want of memory.
    """

    backend: Backend
    boot: Boot
    replicas: Sequence[BootedReplica]
    log_of: Callable[[int], Awaitable[tuple[str, ...]]]
    told_by: Callable[[int], Awaitable[dict[str, str]]]
    end_of: Callable[[int], Awaitable[tuple[int | None, bool]]]
    looked_at: set[int] = field(default_factory=set)

    async def until_listening(self) -> None:
        """Wait until every replica that has not ended answers HTTP at all."""
        timeout_s = self.backend.phases.boot_s
        await asyncio.gather(
            *(replica.probe.until_listening(timeout_s, self._ended_check(replica)) for replica in self.replicas)
        )

    async def until_decided(self, beside: Sequence[Awaitable[object]]) -> float:
        """Wait until every replica's startup has passed, failed or ended; note those that did none of it in time.

        What goes on `beside` is waited for as well. Gives the seconds that it took.
        """
        timeout_s = self.backend.phases.boot_s

        async def decide(replica: BootedReplica) -> None:
            began = time.monotonic()
            ended = self._ended_check(replica)
            log = lambda: self.log_of(replica.index)  # noqa: E731
            decided = await replica.probe.until_decided(timeout_s, ended, log)
            if not decided and not await ended():
                replica.undecided_after_s = round(time.monotonic() - began, 1)

        began = time.monotonic()
        await asyncio.gather(*map(decide, self.replicas), *beside)
        return round(time.monotonic() - began, 3)

    async def until_ready(self, index: int | None) -> None:
        """Wait until that replica is ready, or all are."""
        chosen = self.replicas if index is None else [self.replicas[index]]
        timeout_s = self.backend.phases.boot_s
        await asyncio.gather(
            *(
                replica.probe.until_ready(f"replica {replica.index}", timeout_s, self._ended_check(replica))
                for replica in chosen
            )
        )

    async def observe(self, index: int) -> Replica:
        """Health, exit status and log of one replica, now."""
        replica = self.replicas[index]
        health = self.backend.health
        live, ready, startup = await asyncio.gather(
            replica.probe.ask(health.live), self.readiness(replica), replica.probe.startup()
        )
        exit_code, oom_killed = await self.end_of(index)
        listening = exit_code is None and await replica.probe.listens()
        log = await self.log_of(index)
        return Replica(
            index=index,
            live=live,
            ready=ready,
            startup=startup or self._read_log(log, listening=listening),
            exit_code=exit_code,
            oom_killed=oom_killed,
            log=log,
            credentials=await self.told_by(index),
            undecided_after_s=replica.undecided_after_s,
            listening=listening,
        )

    async def statuses(self) -> tuple[int | None, ...]:
        """What the readiness of each replica answers now; None where it has none, or does not answer."""
        path = self.backend.health.ready
        answers = await asyncio.gather(*(replica.probe.ask(path) for replica in self.replicas))
        return tuple(None if answer is None else answer.status for answer in answers)

    async def liveness(self, index: int) -> int | None:
        """What the liveness of that replica answers now; None where it has none, or does not answer."""
        return await self._status(index, self.backend.health.live)

    async def ready_status(self, index: int) -> int | None:
        """What its readiness answers now; None where it does not answer, or says nothing of draining."""
        health = self.backend.health
        return None if health.draining is None else await self._status(index, health.ready)

    async def metrics(self, index: int) -> str:
        """The metrics of that replica, as text; "" where it shows none."""
        answer = await self.replicas[index].probe.ask(self.backend.health.metrics)
        return (
            answer.body
            if answer is not None and isinstance(answer.body, str) and answer.status == HTTPStatus.OK
            else ""
        )

    async def readiness(self, replica: BootedReplica) -> HttpAnswer | None:
        """What its readiness answers; where nothing was kept from it, after a moment in which it may become ready.

        A dependency that answers late on a busy machine makes one answer say no; that is no readiness that says no.
        """
        path, boot = self.backend.health.ready, self.boot
        answer = await replica.probe.ask(path)
        failed = replica.probe.decided_with is not None and replica.probe.decided_with.status == "fail"
        withheld = boot.withheld or boot.unreachable_at_start or boot.silent_start or replica.index in self.looked_at
        self.looked_at.add(replica.index)
        if answer is None or answer.status == HTTPStatus.OK or failed or withheld:
            return answer
        with contextlib.suppress(DeadlineExceeded):
            await replica.probe.until_ready(f"replica {replica.index}", _BECOMES_READY_S, self._ended_check(replica))
        return await replica.probe.ask(path)

    async def _status(self, index: int, path: str | None) -> int | None:
        answer = await self.replicas[index].probe.ask(path)
        return None if answer is None or answer.status == 0 else answer.status

    def _read_log(self, log: Sequence[str], *, listening: bool) -> StartupReport | None:
        """The startup of a backend that has no report, by its log."""
        return None if self.backend.health.startup else read_log(log, self.backend.report, listening=listening)

    def _ended_check(self, replica: BootedReplica) -> Callable[[], Awaitable[bool]]:
        async def ended() -> bool:
            return (await self.end_of(replica.index))[0] is not None

        return ended
