"""Relations between a backend's own limits and those of its platform, which no boot is needed to see."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from envparity.dependency.kind import KINDS, kind_of
from envparity.model.backend import Backend
from envparity.model.environment import Dependency, Environment

__all__ = ["BrokenLimit", "Room", "broken_limits", "limit_settings", "number_of", "room_of"]


@dataclass(frozen=True)
class BrokenLimit:
    """A setting that does not fit what its environment allows: what it must be, and what it is, with both figures."""

    environment: str
    setting: str
    expected: str
    got: str


@dataclass(frozen=True)
class Room:
    """How many connections of backends a dependency takes, and by which key, in words."""

    most: int
    said: str


def room_of(name: str, dependency: Dependency) -> Room | None:
    """The room that the dependency of that name has; None where nobody says. Raises `DoorFailed`."""
    kind = kind_of(dependency)
    with KINDS.guarding(kind):
        most = kind.most_clients(dependency)
    if most is None:
        return None
    said = f"dependencies.{name}.max_connections = {dependency.max_connections}"
    return Room(most, said if most == dependency.max_connections else f"{most} of {said}")


def limit_settings(backend: Backend) -> dict[str, str]:
    """The settings that the backend's file says are limits, by the key under [limits] that names each."""
    limits = backend.limits
    named = {
        "stop_grace_s": limits.stop_grace_s,
        "pool_size": limits.pool_size,
        "heartbeat_s": limits.heartbeat_s,
        "message_bytes": limits.message_bytes,
    }
    return {key: setting for key, setting in named.items() if setting is not None}


def number_of(value: object) -> float | None:
    """The number that a setting's text is; None where it is none that can be compared."""
    try:
        number = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def broken_limits(backend: Backend, environments: Mapping[str, Environment]) -> Iterator[BrokenLimit]:
    """Every limit that does not hold, environment by environment; of what one does not set nothing is said."""
    for name, environment in environments.items():
        given = backend.settings | environment.settings
        for key, setting in limit_settings(backend).items():
            number = number_of(given.get(setting))
            for expected in _unmet(backend, environment, key, number) if number is not None else ():
                yield BrokenLimit(name, setting, expected, f"{setting} = {given[setting]}")


def _unmet(backend: Backend, environment: Environment, key: str, number: float) -> Iterator[str]:
    """In words, what the setting under that key should be there and is not."""
    platform, ingress = environment.platform, environment.ingress
    match key:
        case "stop_grace_s" if number >= platform.stop_grace_s:
            yield f"less than platform.stop_grace_s = {platform.stop_grace_s:g}"
        case "heartbeat_s" if ingress.kind != "none" and number >= ingress.idle_timeout_s:
            yield f"less than ingress.idle_timeout_s = {ingress.idle_timeout_s:g}"
        case "message_bytes" if ingress.kind != "none" and number > ingress.max_body_bytes:
            yield f"at most ingress.max_body_bytes = {ingress.max_body_bytes}"
        case "pool_size":
            for name, dependency in environment.dependencies.items():
                room = room_of(name, dependency) if backend.limits.pool_dependency in {None, name} else None
                if room is not None and number * platform.replicas > room.most:
                    yield f"times platform.replicas = {platform.replicas} at most {room.said}"
        case _:
            return
