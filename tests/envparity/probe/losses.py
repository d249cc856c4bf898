"""Peers that hang or say nothing, and what a probe told of them."""

from __future__ import annotations

import asyncio

from envparity.probe.outcome import ProbeOutcome


async def hang(*_: object) -> None:
    await asyncio.get_running_loop().create_future()


def trouble(outcome: ProbeOutcome) -> tuple[str, str]:
    """Phase, and what came instead."""
    assert outcome.trouble is not None
    return outcome.trouble.phase, outcome.trouble.got
