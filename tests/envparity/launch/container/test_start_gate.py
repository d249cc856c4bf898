"""Containers that are held begin in the same moment, as what they would have been without."""

from __future__ import annotations

import asyncio
import json
import secrets
from pathlib import Path
from typing import Any, cast

import pytest

from envparity.errors import LaunchError
from envparity.launch.container.engine import Engine
from envparity.launch.container.launcher import ContainerLauncher
from envparity.launch.container.start_gate import ContainerStartGate, ungated
from envparity.launch.controls import CountsProcessors, replica_controls
from envparity.launch.images.builder import ImageBuilder
from envparity.launch.images.folder import default_docker_folder
from envparity.launch.port import Stack
from envparity.model.backend import Backend, HealthPaths, ImageSource
from envparity.model.case import Boot
from envparity.model.environment import Environment, Ingress, Platform

pytestmark = pytest.mark.docker

SHOWS = ("sh", "-c", "date +%s%N; env | cut -d= -f1 | sort | tr '\\n' ' '; echo; exec sleep 100")


async def test_replicas_begin_together_and_a_restart_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """None begins before all are there; what one is started again as needs no gate; the environment is its own."""
    opened: list[int] = []
    real = ContainerStartGate.close

    def close(self: ContainerStartGate) -> None:
        opened.append(len(self._open))
        real(self)

    monkeypatch.setattr(ContainerStartGate, "close", close)
    engine = Engine()
    images = ImageBuilder(engine.client, default_docker_folder(), lambda _: None).ensure(["ingress"])
    images["backend"] = images["ingress"]  # an image with a shell and `date` that is there in any case
    silent = HealthPaths(None, None, None, None)
    backend = Backend("clock", Path("backend.toml"), ImageSource(name="x"), command=SHOWS, health=silent)
    platform = Platform(replicas=3)
    environment = Environment("staging", platform=platform, ingress=Ingress("nginx", tls=True, host="clock.example"))
    launcher = ContainerLauncher(engine, backend, images, secrets.token_hex(4))
    try:
        async with launcher.boot(environment, Boot(), lambda _: None) as stack:
            async with asyncio.timeout(60):
                while True:
                    seen = [await stack.observe_replica(index) for index in range(3)]
                    if all(len(replica.log) > 1 for replica in seen):
                        break
            assert opened[0] == 3
            times = [int(replica.log[0]) for replica in seen]
            assert max(times) - min(times) < 5_000_000_000  # a few hundredths of that where the machine is idle
            names = {replica.log[1].strip() for replica in seen}
            assert len(names) == 1
            assert "SHLVL" not in names.pop()
            assert stack.ground.argv()[-3:] == list(SHOWS)  # type: ignore[attr-defined]
            assert isinstance(stack, CountsProcessors)
            granted = await stack.granted()
            assert granted is not None
            assert granted.used_s > 0
            container = stack.replicas[0].container  # type: ignore[attr-defined]
            await replica_controls(stack).stop_replica(0)
            container.start()
            async with asyncio.timeout(60):
                while True:
                    if len((await stack.observe_replica(0)).log) > 3:
                        break
    finally:
        await launcher.close()


async def test_nobody_waits_for_who_does_not_come(tmp_path: Path) -> None:
    """Where the container of one is gone before it came, the other is let go."""
    engine = Engine()
    gate = ContainerStartGate(engine, tmp_path, 2, SHOWS)
    images = ImageBuilder(engine.client, default_docker_folder(), lambda _: None).ensure(["ingress"])
    held = engine.client.containers.create(
        images["ingress"], list(gate.command(0)), **cast("dict[str, Any]", gate.options())
    )
    gone = engine.client.containers.create(images["ingress"], ["sleep", "100"], entrypoint=[])
    try:
        held.start()
        waiting = asyncio.create_task(gate.passed(0, held))
        gone.remove(force=True)
        with pytest.raises(LaunchError), gate.open_without():
            await gate.passed(1, gone)
        async with asyncio.timeout(60):
            await waiting
    finally:
        held.remove(force=True)
        gate.remove()
        engine.close()


async def test_nobody_who_inspects_a_container_sees_a_secret() -> None:
    """The backend has it all the same, to the letter, and after a restart too."""
    canary = "canary-'of-an\n\"inspection$HOME` \\end"
    engine = Engine()
    images = ImageBuilder(engine.client, default_docker_folder(), lambda _: None).ensure(["ingress"])
    images["backend"] = images["ingress"]
    silent = HealthPaths(None, None, None, None)
    shows = ("sh", "-c", 'printf "<%s>\n" "$API_TOKEN"; echo "$MODE"; env | cut -d= -f1; exec sleep 100')
    backend = Backend("clock", Path("backend.toml"), ImageSource(name="x"), command=shows, health=silent)
    environment = Environment("staging", settings={"API_TOKEN": canary, "MODE": "plain"})
    launcher = ContainerLauncher(engine, backend, images, secrets.token_hex(4))
    try:
        async with launcher.boot(environment, Boot(), lambda _: None) as stack:
            container = stack.replicas[0].container  # type: ignore[attr-defined]
            container.reload()
            seen = json.dumps(container.attrs)
            assert "MODE=plain" in seen
            assert "canary-" not in seen
            log = await _logged(stack, 5)
            assert log[:2] == ("<{setting:API_TOKEN}>", "plain")
            assert not {"SHLVL", "OLDPWD"} & set(log)
            await replica_controls(stack).stop_replica(0)
            container.start()
            assert (await _logged(stack, len(log) + 5)).count("<{setting:API_TOKEN}>") == 2
    finally:
        await launcher.close()


async def _logged(stack: Stack, lines: int) -> tuple[str, ...]:
    """The first replica's log, once it has so many lines."""
    async with asyncio.timeout(60):
        while True:
            log = (await stack.observe_replica(0)).log
            if len(log) >= lines:
                return log


def test_what_holds_a_container_is_no_part_of_its_command() -> None:
    """Another command stays as it is."""
    assert ungated(["python3", "-m", "chat"]) == ["python3", "-m", "chat"]
    assert ungated(["/bin/sh", "-c", "exec chat"]) == ["/bin/sh", "-c", "exec chat"]
