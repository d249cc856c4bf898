"""Doors: where kinds of things come in, built-in ones and those of other distributions, through one registry.

A distribution adds to a door by an entry point in the door's group (`envparity.reports`, `envparity.rules`, …): its
name is what files and options say, its value the object. Nothing is imported until it is needed, so that what is listed
costs nothing, and what is broken harms only who asks for it.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib import metadata
from typing import Final, Generic, TypeVar

from envparity.errors import DoorFailed, EnvparityError

__all__ = [
    "DISTRIBUTION",
    "GROUPS",
    "Door",
    "InstalledEntry",
    "built_in_entries",
    "entries_of",
    "foreign_entries",
    "unforeseen",
    "version_of_envparity",
]

DISTRIBUTION: Final = "envparity"
_NAME: Final = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_BUILT_IN: Final[Mapping[str, Mapping[str, str]]] = {
    "envparity.rules": {
        name: f"envparity.judge.{name}:RULES"
        for name in (
            *("startup", "parity", "orders", "conversation", "transcripts"),
            *("chance", "lifecycle", "disturbances", "limits", "infrastructure", "warm", "deployed"),
            *("second_time", "growth", "holdings", "names", "load", "other_handshakes", "credentials", "siblings"),
            *("certificates", "memory"),
        )
    },
    "envparity.auth": {
        "jwt-shared-key": "envparity.auth.jwt_shared_key:SharedKeyJwt",
        "static-token": "envparity.auth.static_token:StaticToken",
        "jwt-key-pair": "envparity.auth.jwt_key_pair:KeyPairJwt",
        "login": "envparity.auth.login:Login",
        "basic": "envparity.auth.passwords:Basic",
    },
    "envparity.dependencies": {
        "postgres": "envparity.dependencies.postgres:KIND",
        "redis": "envparity.dependencies.redis:KIND",
        "identity-provider": "envparity.dependencies.identity_provider:KIND",
        "nats": "envparity.dependencies.nats:KIND",
        "mariadb": "envparity.dependencies.mariadb:KIND",
        "memcached": "envparity.dependencies.memcached:KIND",
        "rabbitmq": "envparity.dependencies.rabbitmq:KIND",
        "image": "envparity.dependencies.image:KIND",
        "service": "envparity.dependencies.service:KIND",
    },
    "envparity.frames": {
        "json": "envparity.frames.json_codec:JsonObjects",
        "any-json": "envparity.frames.json_codec:AnyJson",
        "text": "envparity.frames.raw:Text",
        "binary": "envparity.frames.raw:Binary",
        "engine-io": "envparity.frames.engine_io:EngineIo",
        "phoenix": "envparity.frames.phoenix:Phoenix",
        "signalr": "envparity.frames.signalr:SignalR",
        "action-cable": "envparity.frames.action_cable:ActionCable",
        "stomp": "envparity.frames.stomp:Stomp",
        "mqtt": "envparity.frames.mqtt:Mqtt",
        "nats": "envparity.frames.nats:Nats",
    },
    "envparity.sources": {
        "dotenv": "envparity.sources.dotenv:SOURCE",
        "compose": "envparity.sources.compose:SOURCE",
        "fly": "envparity.sources.fly:SOURCE",
        "render": "envparity.sources.render:SOURCE",
        "heroku": "envparity.sources.heroku:SOURCE",
        "ecs": "envparity.sources.ecs:SOURCE",
        "gcloud": "envparity.sources.gcloud:SOURCE",
        "kubernetes": "envparity.sources.kubernetes:SOURCE",
    },
    "envparity.launchers": {
        "container": "envparity.launch.container.kind:KIND",
        "process": "envparity.launch.process.kind:KIND",
        "attached": "envparity.launch.attached.kind:KIND",
    },
    "envparity.reports": {
        "html": "envparity.report.html:REPORT",
        "junit": "envparity.report.junit:REPORT",
        "sarif": "envparity.report.sarif:REPORT",
        "gitlab": "envparity.report.gitlab:REPORT",
        "verdict": "envparity.report.attested:REPORT",
    },
}
# What a thing may not be called: a report is an option beside others, and `auto` is no launcher but a choice of one.
# fmt: off
_RESERVED: Final[Mapping[str, frozenset[str]]] = {
    "envparity.reports": frozenset({
        "attach", "backend", "causes", "cluster", "cluster-ca", "cluster-cert", "cluster-key", "confirm-target",
        "environment", "environments", "explore", "explore-seed", "github", "help", "image", "keep", "launcher",
        "ndjson", "no-causes", "not-thorough", "only", "orders", "plain", "plan", "profile", "repeat", "runs", "shard",
        "thorough",
    }),
    "envparity.launchers": frozenset({"auto"}),
}
# fmt: on
GROUPS: Final = tuple(_BUILT_IN)
"""The groups of entry points that are read, one for each door."""

T = TypeVar("T")


@dataclass(frozen=True)
class InstalledEntry:
    """One thing that is installed, and where it came from. `value` is `module:attribute`."""

    group: str
    name: str
    value: str
    distribution: str
    version: str

    @property
    def built_in(self) -> bool:
        """Whether it is of envparity itself."""
        return self.distribution == DISTRIBUTION

    @property
    def kind(self) -> str:
        """What comes in by this door: `reports`."""
        return self.group.rpartition(".")[2]

    @property
    def origin(self) -> str:
        """The distribution with its version: `kitchen 1.0`."""
        return f"{self.distribution} {self.version}".rstrip()

    def __str__(self) -> str:
        return f"entry point {self.name} = {self.value} ({self.group}) of {self.origin}"


class Door(Generic[T]):
    """One door: everything that came in by it. `accepts` says whether an object is what the door is for."""

    def __init__(self, group: str, what: str, accepts: Callable[[object], T | None]) -> None:
        """`what` says in words what is asked for; `accepts` gives the object back, or None for nonsense."""
        self.group, self._what, self._accepts = group, what, accepts
        self._origins: dict[
            int, tuple[object, InstalledEntry]
        ] = {}  # with the objects, so that no id is another's later

    def entries(self) -> Mapping[str, InstalledEntry]:
        """What is installed, by name, the built-in first. Raises `DoorFailed` where two have one name."""
        return entries_of(self.group)

    def get(self, name: str) -> T:
        """The thing of that name. Raises `DoorFailed` where it cannot be had, `KeyError` where there is none."""
        return self.load(self.entries()[name])

    def find(self, name: object) -> T | None:
        """The thing that a file names so; None where that is no name of one that is installed. Raises `DoorFailed`."""
        return self.get(name) if isinstance(name, str) and name in self.entries() else None

    def load(self, entry: InstalledEntry) -> T:
        """The thing behind that entry. Raises `DoorFailed` where its import fails, or where it is something else."""
        with unforeseen(entry):
            module, _, attributes = entry.value.partition(":")
            found: object = importlib.import_module(module.strip())
            for attribute in filter(None, attributes.strip().split(".")):
                found = getattr(found, attribute)
            accepted = self._accepts(found)
        if accepted is None:
            raise DoorFailed(str(entry), f"it is {type(found).__name__}, not {self._what}")
        self._origins[id(found)] = found, entry
        return accepted

    def guarding(self, thing: object) -> AbstractContextManager[None]:
        """As `unforeseen`, for the use of what was loaded here, a class or an instance of it; else nothing is done."""
        found = self._origins.get(id(thing)) or self._origins.get(id(type(thing)))
        return unforeseen(found[1]) if found is not None else nullcontext()

    def every(self) -> dict[str, T]:
        """Everything that is installed, by name. Raises `DoorFailed`."""
        return {name: self.load(entry) for name, entry in self.entries().items()}


@contextmanager
def unforeseen(entry: InstalledEntry) -> Iterator[None]:
    """Whatever another distribution's code raises becomes a `DoorFailed` that names it. Our own errors pass."""
    try:
        yield
    except EnvparityError:
        raise
    except (Exception, SystemExit) as error:
        if entry.built_in:
            raise
        said = " ".join(str(error).split())
        raise DoorFailed(str(entry), f"{type(error).__name__}: {said}" if said else type(error).__name__) from error


@functools.cache
def entries_of(group: str) -> Mapping[str, InstalledEntry]:
    """What is installed in that group, by name, the built-in first. Raises `DoorFailed` for names that clash."""
    found = built_in_entries(group)
    for point in sorted(metadata.entry_points(group=group), key=lambda each_point: each_point.name):
        entry = InstalledEntry(group, point.name, point.value, *_origin(point))
        if not _NAME.fullmatch(point.name):
            raise DoorFailed(str(entry), "its name is not of small letters, digits, - and _")
        if point.name in _RESERVED.get(group, ()):
            raise DoorFailed(str(entry), f"{point.name!r} means something else there")
        if point.name in found:
            raise DoorFailed(str(entry), f"its name is taken by {found[point.name]}")
        found[point.name] = entry
    return found


def built_in_entries(group: str) -> dict[str, InstalledEntry]:
    """What envparity itself has in that group, by name."""
    version = version_of_envparity()
    return {name: InstalledEntry(group, name, value, DISTRIBUTION, version) for name, value in _BUILT_IN[group].items()}


def foreign_entries() -> tuple[InstalledEntry, ...]:
    """Everything that came from other distributions, of every door. Raises `DoorFailed` for names that clash."""
    return tuple(entry for group in GROUPS for entry in entries_of(group).values() if not entry.built_in)


def _origin(point: metadata.EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist is not None else ("an unknown distribution", "")


def version_of_envparity() -> str:
    """The version that is installed; "" where envparity runs from a folder."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return ""
