"""A deployed environment that is still being rolled out: its gateway is there, and reaches nobody."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from envparity.engine.events import Event, Waiting
from envparity.model.backend import HealthPaths
from tests.envparity.launch.attached.deployed import BACKEND, FakeDeployed, told, verdict_on


@pytest.mark.parametrize("paths", [HealthPaths(), HealthPaths(None, None, None)])
async def test_a_gateway_that_reaches_nobody_yet_is_asked_again(paths: HealthPaths) -> None:
    """As while a release is rolled out: what is looked at is the backend, whether it has paths of health or not."""
    fake = FakeDeployed(rolled_out_after=2)
    async with fake.running() as deployed:
        project = deployed.project()
        phases = msgspec.structs.replace(BACKEND.phases, boot_s=60)
        backend = msgspec.structs.replace(BACKEND, health=paths, phases=phases)
        verdict = await verdict_on(replace(project, backend=backend))
    assert told(verdict) == []


async def test_a_gateway_that_reaches_nobody_for_as_long_as_a_boot_may_take_is_told() -> None:
    async with FakeDeployed(rolled_out_after=10**6).running() as deployed:
        events: list[Event] = []
        verdict = await verdict_on(deployed.project(), events)
    waits = [event for event in events if isinstance(event, Waiting) and "502" in event.waited_for]
    assert len(waits) == 1, "who waits for so long is told of it"
    assert ("EP102", "answers 502") in told(verdict)
