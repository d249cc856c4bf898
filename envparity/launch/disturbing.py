"""What the proxy of a dependency does for a step that disturbs it, and what it saw meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable

from envparity.launch.outage import Outage
from envparity.launch.overtaking import OvertakingAnswers
from envparity.launch.proxy import Proxy
from envparity.launch.toxics import BrokenAnswer, Latency, LostRequest, SlowAnswers
from envparity.model.step.disturbing import (
    BlackHole,
    BreakAnswer,
    BreakRequest,
    DisturbsDependency,
    HangUp,
    Refuse,
    Slow,
)
from envparity.observe.disturbed import ConnectionAttempt, OutageSeen

__all__ = ["begin", "end", "outages_of"]

_NAME = "disturbance"


async def begin(proxy: Proxy, step: DisturbsDependency, *, tell_apart: bool) -> None:
    """Begin it, in place of what that proxy does already. With `tell_apart` it is asked which replica connects."""
    await end(proxy)
    match step:
        case Slow(by_s=by_s, reverse=True):
            proxy.add(OvertakingAnswers(name=_NAME, longest_ms=by_s * 1000))
        case Slow(by_s=by_s, answers=None):
            proxy.add(Latency(name=_NAME, latency_ms=by_s * 1000))
        case Slow(by_s=by_s, answers=int(answers)):
            proxy.add(SlowAnswers(name=_NAME, delay_ms=by_s * 1000, answers=answers))
        case BreakAnswer(nth=int(nth)):
            proxy.add(BrokenAnswer(name=_NAME, nth=nth))
        case BreakRequest(nth=int(nth)):
            proxy.add(LostRequest(name=_NAME, nth=nth))
        case BlackHole():
            await proxy.vanish("black_hole", tell_apart=tell_apart)
        case HangUp():
            await proxy.vanish("hang_up", tell_apart=tell_apart)
        case Refuse():
            await proxy.vanish("refuse", tell_apart=tell_apart)


async def end(proxy: Proxy) -> None:
    """Have all be as before: whatever was late may come now, and whoever connects is let through."""
    if proxy.has(_NAME):
        proxy.remove(_NAME)
    await proxy.up()


def outages_of(proxy: Proxy, replica_of: Callable[[Hashable], int | None]) -> tuple[OutageSeen, ...]:
    """Every time that dependency was away since it was started."""
    now_s = asyncio.get_running_loop().time()
    return tuple(_seen(outage, now_s, replica_of) for outage in proxy.outages)


def _seen(outage: Outage, now_s: float, replica_of: Callable[[Hashable], int | None]) -> OutageSeen:
    ended_s = now_s if outage.ended_s is None else outage.ended_s
    return OutageSeen(
        lasted_s=round(ended_s - outage.began_s, 3),
        attempts=tuple(
            ConnectionAttempt(round(at_s - outage.began_s, 4), None if who is None else replica_of(who))
            for at_s, who in outage.attempts
        ),
        more=outage.more,
        connected_s=None if outage.connected_s is None else round(outage.connected_s - ended_s, 3),
        watched_s=round(now_s - ended_s, 3),
        seen=outage.sees,
    )
