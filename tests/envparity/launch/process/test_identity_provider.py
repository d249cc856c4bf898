"""An identity provider as a process of this machine."""

from __future__ import annotations

import asyncio

import pytest

from envparity.config.project import load_project
from envparity.conversation.driver import play
from envparity.launch.controls import warm_boots
from envparity.launch.process.kind import process_launcher
from envparity.launch.process.stack import ProcessStack
from envparity.model.case import Boot
from envparity.model.project import Project
from tests.envparity.launch.identity_stack import SLEEPING, WITH_PROVIDER, serves_its_clients
from tests.envparity.running import TREE

PORTER = TREE / "parity_tests" / "cases" / "signed_in" / "provider"
PLAYED = ("greeted", "keys_are_rotated")

pytestmark = [pytest.mark.processes, pytest.mark.asyncio]


async def test_it_serves_its_clients() -> None:
    """All that `serves_its_clients` asks."""
    launcher = process_launcher(Project(SLEEPING, {"desk": WITH_PROVIDER}, "2026-01-01"))
    try:
        async with launcher.boot(WITH_PROVIDER, Boot(), lambda _: None) as stack:
            assert isinstance(stack, ProcessStack)
            await serves_its_clients(stack)
    finally:
        await launcher.close()


async def test_warm_boots_are_of_issuers_of_their_own() -> None:
    """What one rotates is none of the other's business, nor of the environment's."""
    project = load_project(PORTER / "backend.toml", PORTER / "environments", ["desk"])
    greeted, rotated = (
        next(scenario for scenario in project.backend.scenarios if scenario.name == name) for name in PLAYED
    )
    launcher = process_launcher(project)
    try:
        async with launcher.boot(project.environments["desk"], Boot(), lambda _: None) as stack:
            await stack.until_decided()
            async with warm_boots(stack, 2) as warm, warm.boot(Boot()) as first, warm.boot(Boot()) as other:
                await asyncio.gather(first.until_decided(), other.until_decided())
                issuers = {each.settings["ISSUER"] for each in (stack, first, other)}
                assert len(issuers) == 3
                assert {each.settings["tokens.issuer"] for each in (stack, first, other)} == issuers
                for scenario, each in ((rotated, first), (greeted, other), (greeted, stack), (greeted, first)):
                    played = await play(scenario, each, project.backend, None)
                    assert played.departure is None, (scenario.name, played.departure)
    finally:
        await launcher.close()
