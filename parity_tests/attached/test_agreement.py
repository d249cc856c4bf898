"""What is seen of an environment from outside is what the container launcher sees of it: the same findings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from envparity import Boot, Finding, Observation, Project, Scenario, Stack, choose_launcher, load_project
from envparity.engine.observer import Observer
from envparity.judge import judge
from envparity.launch.attached.launcher import AttachedLauncher
from envparity.launch.port import Launcher
from envparity.model.deployment import Credential, Deployed
from envparity.model.reach import plays
from parity_tests.faults.catalogue import CATALOGUE, Fault, apply_to_copy

pytestmark = pytest.mark.docker

SHOWN_FROM_OUTSIDE = ("F06", "F09", "F23", "F28")
FAULTS = [fault for fault in CATALOGUE if fault.id in SHOWN_FROM_OUTSIDE]
HOST = 'host = "api.staging.netra.example"'
PER_MINUTE = 600  # it is our own
SHOWN_EVERYWHERE = "F06"
"""The fault that no conversation gets past: of it all scenarios are played, of the others those of their heads."""


def tree(fault: Fault | None, folder: Path) -> Path:
    """A copy of what is tested, in which staging's ingress is called as the loopback interface is."""
    root = apply_to_copy(fault, folder)
    file = root / "environments" / "staging.toml"
    text = file.read_text(encoding="utf-8")
    assert text.count(HOST) == 1
    file.write_text(text.replace(HOST, 'host = "localhost"'), encoding="utf-8")
    return root


def playable(project: Project, only: Sequence[str]) -> tuple[Scenario, ...]:
    scenarios = tuple(scenario for scenario in project.backend.scenarios if plays(project, "staging", scenario))
    return tuple(scenario for scenario in scenarios if scenario.name.partition("[")[0] in only) if only else scenarios


async def observed(launcher: Launcher, stack: Stack, project: Project, scenarios: Sequence[Scenario]) -> Observation:
    """What that stack shows: its startup, and these scenarios."""
    observer = Observer(project.backend, launcher.name, launcher.run_id, lambda _event: None, project.attached)
    await observer.see_through(stack, scenarios)
    first = await observer.replicas(stack)
    return await observer.record(stack, first, await observer.player.peaceful(stack, scenarios), {})


async def both_ways(
    root: Path, monkeypatch: pytest.MonkeyPatch, only: Sequence[str] = ()
) -> tuple[list[Finding], list[Finding], Observation]:
    """The findings of the container launcher; of one attached to the very same staging; and what that one saw."""
    project = load_project(root / "netra_backend" / "backend.toml", root / "environments", ("local", "staging"))
    launcher = await asyncio.to_thread(choose_launcher, "container", project, print)
    try:
        async with (
            launcher.boot(project.environments["local"], Boot(), print) as local,
            launcher.boot(project.environments["staging"], Boot(), print) as staging,
        ):
            monkeypatch.setenv("STAGING_JWT_SECRET", staging.settings["JWT_SECRET"])
            host, port = staging.endpoint.address
            assert host == "127.0.0.1"
            deployed = Deployed(
                f"wss://localhost:{port}/ws",
                secret=Credential(variable="STAGING_JWT_SECRET"),
                max_connections_per_minute=PER_MINUTE,
                ca=str(authority(launcher, root)),
            )
            seen_from_outside = replace(project, attached={"staging": deployed})
            scenarios = playable(seen_from_outside, only)
            attached = AttachedLauncher(seen_from_outside)
            seen = await asyncio.gather(
                observed(launcher, local, project, scenarios), observed(launcher, staging, project, scenarios)
            )
            async with attached.boot(seen_from_outside.environments["staging"], Boot(), print) as outside:
                other = await observed(attached, outside, seen_from_outside, scenarios)
    finally:
        await launcher.close()
    within = judge(project, seen).findings
    without = judge(seen_from_outside, (seen[0], other)).findings
    return list(within), list(without), other


def authority(launcher: Launcher, root: Path) -> Path:
    """The certificate of the run's authority, as a file for `ca`."""
    file = root / "ca.crt"
    file.write_bytes(launcher._means.authority.certificate_pem)  # type: ignore[attr-defined]  # noqa: SLF001
    return file


def places(findings: Sequence[Finding]) -> set[tuple[str, str]]:
    return {finding.identity for finding in findings if "staging" in finding.environments}


async def test_a_clean_staging_is_clean_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No false alarm, although nothing is known of its settings, its log and its replicas."""
    within, outside, seen = await both_ways(tree(None, tmp_path), monkeypatch)
    assert (within, outside) == ([], [])
    assert seen.attached is not None
    assert "certificate for localhost, issued by envparity run" in seen.attached.certificate
    assert len(seen.transcripts) >= 50
    assert seen.replicas[0].startup is not None
    assert seen.settings == ()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
async def test_a_fault_shows_from_outside_as_it_does_from_within(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same rules at the same places, and the fault's own among them."""
    only = () if fault.id == SHOWN_EVERYWHERE else fault.plays
    within, outside, _ = await both_ways(tree(fault, tmp_path), monkeypatch, only)
    assert fault.code in {finding.code for finding in outside}
    assert places(outside) == places(within)


def test_every_fault_that_shows_from_outside_is_there() -> None:
    """None can be lost in silence."""
    assert {fault.id for fault in FAULTS} == set(SHOWN_FROM_OUTSIDE)
