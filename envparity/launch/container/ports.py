"""Behind which port of this machine a container's port is, and how the container is."""

from __future__ import annotations

from typing import TypedDict

from docker.models.containers import Container

from envparity.errors import LaunchError
from envparity.launch.container.engine import Engine

__all__ = ["port_now", "published_port", "published_port_or_none", "state_of"]


def published_port_or_none(container: Container, port: int) -> int:
    """As `published_port`, but 0 where the container has ended: nothing answers there, which is then observed."""
    bindings = container.attrs["NetworkSettings"]["Ports"].get(f"{port}/tcp")
    return int(bindings[0]["HostPort"]) if bindings else 0


def published_port(container: Container, port: int) -> int:
    """The port on 127.0.0.1 behind which that port of the container is. Raises `LaunchError` where there is none."""
    published = published_port_or_none(container, port)
    if not published:
        tail = bytes(container.logs(tail=10)).decode(errors="replace")
        raise LaunchError(f"{container.name} publishes no port {port}: it has ended\n{tail}")
    return published


async def port_now(engine: Engine, container: Container, port: int) -> int:
    """The same, as the engine says it now: a container that is started again has another."""
    await engine.call("the container's port", container.reload)
    return published_port(container, port)


class ContainerState(TypedDict):
    """What the engine says of a container, as far as it is asked for."""

    Running: bool
    ExitCode: int
    OOMKilled: bool


async def state_of(engine: Engine, container: Container) -> ContainerState:
    """How it is now, as the engine has it."""
    await engine.call("the container's state", container.reload)
    state: ContainerState = container.attrs["State"]
    return state
