"""One environment of processes: what a replica is given, and what can be done to what it depends on."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from envparity.config.project import load_project
from envparity.dependency.kind import CA_PATH
from envparity.errors import LaunchError
from envparity.launch.process.kind import process_launcher
from envparity.launch.process.stack import ProcessStack
from envparity.model.case import Boot
from tests.envparity.running import TREE

pytestmark = [pytest.mark.processes, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[ProcessStack]:
    """Staging, with a setting that means the authority's certificate."""
    project = load_project(TREE / "netra_backend" / "backend.toml", TREE / "environments", ["staging"])
    staging = project.environments["staging"]
    staging = msgspec.structs.replace(staging, settings={**staging.settings, "EXTRA_CA": CA_PATH})
    launcher = process_launcher(replace(project, environments={"staging": staging}))
    try:
        async with launcher.boot(staging, Boot(), lambda _: None) as booted:
            assert isinstance(booted, ProcessStack)
            await booted.until_ready()
            yield booted
    finally:
        await launcher.close()


def text_of(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def given(stack: ProcessStack) -> dict[str, str]:
    """The environment of the replica's process, as the system has it."""
    text = text_of(f"/proc/{stack.replicas[0].child.pid}/environ")
    return dict(variable.split("=", 1) for variable in text.split("\0") if variable)


async def test_a_replica_has_its_settings_and_what_every_process_has(stack: ProcessStack) -> None:
    """And nothing of the environment of whoever runs this."""
    names = given(stack).keys() - stack.settings.keys()
    variables = stack.backend.process.variables if stack.backend.process else {}
    assert names == {"PATH", "LANG", "HOME", "TMPDIR", "TZ", "PYTHONUNBUFFERED", "ENVPARITY_RUN", *variables}


async def test_what_differs_here_is_recorded_as_the_files_say_it(stack: ProcessStack) -> None:
    """Its port is a free one, and the certificate lies elsewhere; neither shows in what is compared."""
    recorded = {fingerprint.name: fingerprint.value for fingerprint in stack.fingerprints}
    own = given(stack)
    assert (recorded["PORT"], own["PORT"]) == ("8000", str(stack.replicas[0].port))
    assert recorded["EXTRA_CA"] == CA_PATH
    assert text_of(own["EXTRA_CA"]).startswith("-----BEGIN CERTIFICATE-----")


async def test_a_replica_has_the_platforms_processor_and_a_session_of_its_own(stack: ProcessStack) -> None:
    """One processor, and no part in what a terminal sends to whoever runs this."""
    pid = stack.replicas[0].child.pid
    assert len(os.sched_getaffinity(pid)) == 1
    assert os.getsid(pid) == pid


async def test_a_server_that_is_restarted_has_its_place_again(stack: ProcessStack) -> None:
    """PostgreSQL with its data, at the same address; the backend comes back to it."""
    before = stack.dependencies["postgres"].proxy.upstream
    await stack.restart_dependency("postgres")
    assert stack.dependencies["postgres"].proxy.upstream == before
    await stack.until_ready()


async def test_a_command_that_is_refused_is_said_without_the_password(stack: ProcessStack) -> None:
    """By the dependency's name."""
    await stack.command_dependency("redis", ("SET", "revoked", "1"))
    with pytest.raises(LaunchError, match=r"redis refused NOSUCH: .*unknown command") as caught:
        await stack.command_dependency("redis", ("NOSUCH",))
    assert all(secret not in str(caught.value) for secret in stack.redaction.values)


async def test_a_replica_that_is_stopped_ends_in_order_and_starts_again(stack: ProcessStack) -> None:
    """Exit code 0 within its grace; the same port."""
    await stack.stop_replica(0)
    assert (await stack.observe_replica(0)).exit_code == 0
    await stack.start_replica(0)
    assert (await stack.observe_replica(0)).exit_code is None
