"""A run to its verdict in an event loop of its own: whatever ends it, what it started is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from envparity.engine.run import Run
from envparity.errors import EnvparityError, Interrupted
from envparity.judge.finding import Verdict
from envparity.launch.cleanup.orphans import owning_children
from envparity.observe.record import Observation
from envparity.support.signals import ENDING, ending_on_signals

__all__ = ["run_to_observations", "run_to_verdict"]

T = TypeVar("T")


def run_to_verdict(make_run: Callable[[], Run]) -> Verdict:
    """Run in an event loop of its own, and leave nothing behind however it ends.

    `make_run` is called before the loop begins: it may take its time (building images), and a signal ends it at once.
    Raises `Interrupted` after SIGINT, SIGTERM or SIGHUP, when the cleaning is done; a second does not cut it short.
    What was seen until then is told as the verdict of a run that was broken off; a second signal ends that.
    """
    return _run_to(make_run, Run.verdict, Run.break_off)


def run_to_observations(make_run: Callable[[], Run]) -> tuple[Observation, ...]:
    """The same without judging: what every planned case showed."""
    return _run_to(make_run, Run.observe_all, lambda _run, _ended: "")


def _run_to(
    make_run: Callable[[], Run], end: Callable[[Run], Awaitable[T]], tell: Callable[[Run, Interrupted], str]
) -> T:
    with owning_children():
        return _run_alone(make_run, end, tell)


def _run_alone(
    make_run: Callable[[], Run], end: Callable[[Run], Awaitable[T]], tell: Callable[[Run, Interrupted], str]
) -> T:
    with ending_on_signals():
        run = make_run()

    async def main() -> T:
        received: list[int] = []
        failed: list[str] = []
        loop = asyncio.get_running_loop()
        work = asyncio.create_task(_then_close(run, end, failed))

        def stop(number: int) -> None:
            if not received:
                work.cancel()
            received.append(number)

        for number in ENDING:
            loop.add_signal_handler(number, stop, number)
        try:
            return await work
        except asyncio.CancelledError:
            if not received:
                raise
            raise Interrupted(received[0], *failed) from None

    try:
        return asyncio.run(main())
    except Interrupted as ended:
        with ending_on_signals():
            ended.seen = tell(run, ended)
        raise


async def _then_close(run: Run, end: Callable[[Run], Awaitable[T]], failed: list[str]) -> T:
    """What ended the run is raised, and not what its cleaning `failed` at for the same reason."""
    try:
        ended = await end(run)
    except BaseException:
        try:
            await asyncio.shield(asyncio.create_task(run.close()))
        except EnvparityError as error:
            failed.append(str(error))
        raise
    await asyncio.shield(asyncio.create_task(run.close()))
    return ended
