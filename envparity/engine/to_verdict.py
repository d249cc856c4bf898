"""A run to its verdict in an event loop of its own: whatever ends it, what it started is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from envparity.engine.run import Run
from envparity.errors import Interrupted
from envparity.judge.finding import Verdict
from envparity.support.signals import ENDING, ending_on_signals

__all__ = ["run_to_verdict"]


def run_to_verdict(make_run: Callable[[], Run]) -> Verdict:
    """Run in an event loop of its own, and leave nothing behind however it ends.

    `make_run` is called before the loop begins: it may take its time (building images), and a signal ends it at once.
    Raises `Interrupted` after SIGINT, SIGTERM or SIGHUP, when the cleaning is done; a second does not cut it short.
    """
    with ending_on_signals():
        run = make_run()

    async def main() -> Verdict:
        received: list[int] = []
        loop = asyncio.get_running_loop()
        work = asyncio.create_task(_verdict_then_close(run))

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
            raise Interrupted(received[0]) from None

    return asyncio.run(main())


async def _verdict_then_close(run: Run) -> Verdict:
    try:
        return await run.verdict()
    finally:
        await asyncio.shield(asyncio.create_task(run.close()))
