"""What the containers of a boot may do, as the engine and the kernel have it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest
import pytest_asyncio
from docker.models.containers import Container

from envparity.launch.cleanup.labels import RUN
from envparity.launch.container.engine import Engine
from envparity.launch.container.launcher import ContainerLauncher
from envparity.launch.container.log import MOST_BYTES
from envparity.launch.images.builder import ImageBuilder
from envparity.launch.images.folder import default_docker_folder
from envparity.model.backend import Backend, HealthPaths, ImageSource
from envparity.model.case import Boot
from envparity.model.environment import Dependency, Environment, Ingress

pytestmark = pytest.mark.docker

SLEEPS = ("sh", "-c", "grep -E '^(CapBnd|NoNewPrivs)' /proc/self/status; exec sleep 100")


@pytest_asyncio.fixture(params=["plain", "tls"])
async def booted(request: pytest.FixtureRequest) -> AsyncIterator[dict[str, dict[str, Any]]]:
    """What the engine says of each container of a boot, by the last part of its name."""
    engine = Engine()
    images = ImageBuilder(engine.client, default_docker_folder(), lambda _: None).ensure(
        ["postgres", "redis", "ingress"]
    )
    images["backend"] = images["ingress"]  # an image with a shell that is there in any case
    silent = HealthPaths(None, None, None, None)
    backend = Backend("clock", Path("backend.toml"), ImageSource(name="x"), command=SLEEPS, health=silent)
    tls: Literal["require", "off"] = "require" if request.param == "tls" else "off"
    dependencies = {"database": Dependency("postgres", tls=tls), "cache": Dependency("redis", tls=tls, password=True)}
    ingress = Ingress("nginx", tls=request.param == "tls", host="clock.example")
    environment = Environment("staging", dependencies=dependencies, ingress=ingress)
    launcher = ContainerLauncher(engine, backend, images, secrets.token_hex(4))
    try:
        async with asyncio.timeout(120), launcher.boot(environment, Boot(), lambda _: None):
            found = engine.client.containers.list(filters={"label": f"{RUN}={launcher.run_id}"})
            told = {str(container.name).rpartition("-")[2]: dict(container.attrs) for container in found}
            for container in found:
                told[str(container.name).rpartition("-")[2]]["log"] = container.logs().decode()
            yield told
    finally:
        await launcher.close()


async def test_servers_have_no_capability_and_write_to_no_root(booted: dict[str, dict[str, Any]]) -> None:
    """And none of them can take the whole machine: memory and processes are limited. They serve all the same."""
    assert set(booted) == {"0", "database", "cache", "ingress"}
    for name, container in booted.items():
        allowed = container["HostConfig"]
        assert allowed["CapDrop"] == ["ALL"], name
        assert allowed["SecurityOpt"] == ["no-new-privileges"], name
        assert 0 < allowed["PidsLimit"] <= 4096, name
        assert allowed["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "32m", "max-file": "2"}}, name
        if name != "0":
            assert allowed["CapAdd"] is None, name
            assert allowed["ReadonlyRootfs"], name
            assert 0 < allowed["Memory"] <= 1 << 30, name


def until_last(container: Container) -> None:
    """Until its log ends with that."""
    while container.logs(tail=1).strip() != b"last":
        time.sleep(0.2)


async def test_a_log_without_end_fills_no_disk_and_says_what_is_gone() -> None:
    """Where the engine has let go of its beginning; its end is there."""
    line = "x" * 1023
    floods = f"echo first; yes {line} | head -n {2 * MOST_BYTES // 1024}; echo last; exec sleep 100"
    silent = HealthPaths(None, None, None, None)
    command = ("sh", "-c", floods)
    backend = Backend("clock", Path("backend.toml"), ImageSource(name="x"), command=command, health=silent)
    engine = Engine()
    images = ImageBuilder(engine.client, default_docker_folder(), lambda _: None).ensure(["ingress"])
    images["backend"] = images["ingress"]
    launcher = ContainerLauncher(engine, backend, images, secrets.token_hex(4))
    try:
        async with asyncio.timeout(120), launcher.boot(Environment("staging"), Boot(), lambda _: None) as stack:
            container = engine.client.containers.list(filters={"label": f"{RUN}={launcher.run_id}"})[0]
            await asyncio.to_thread(until_last, container)
            kept = sum(len(chunk) for chunk in container.logs(stream=True, follow=False))
            log = (await stack.observe_replica(0)).log
    finally:
        await launcher.close()
    assert kept <= MOST_BYTES
    assert log[0].startswith("[envparity: the engine keeps the last 64 MiB")
    assert "first" not in log
    assert log[-1] == "last"


async def test_a_backend_comes_to_no_capability_that_it_was_not_given(booted: dict[str, dict[str, Any]]) -> None:
    """As its kernel says; an ordinary user's has none to use."""
    told = dict(line.split() for line in booted["0"]["log"].splitlines())
    # CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, KILL 5, SETGID 6, SETUID 7 (linux/capability.h)
    assert (int(told["CapBnd:"], 16), told["NoNewPrivs:"]) == (0b11101011, "1")
