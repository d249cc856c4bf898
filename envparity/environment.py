"""What one deployment target does to the backend, as plain data.

An environment file is TOML, checked against `schemas/environment.schema.json`; `environment_loader` reads it.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

import msgspec

__all__ = [
    "Credential",
    "Dependency",
    "Deployed",
    "Difference",
    "Environment",
    "FromSource",
    "Ingress",
    "Platform",
    "SecretOf",
    "Setting",
]

TlsMode = Literal["off", "require", "verify-full"]


class SecretOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A setting whose value is made anew for every run: `secret` random bytes, as hexadecimal digits."""

    secret: int


class FromSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """A setting whose value only the launcher knows, such as `postgres.url` or `ingress.network`."""

    source: str


Setting = str | SecretOf | FromSource


class Platform(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The limits within which the backend runs.

    `cpus` in cores, `memory_mib` in MiB (None: no limit); `user` a numeric id (None: the image's own);
    `stop_grace_s` seconds between SIGTERM and SIGKILL; `port` what the backend is told to listen on.
    """

    port: int = 8000
    port_setting: str = "PORT"
    cpus: float | None = None
    memory_mib: int | None = None
    user: int | None = None
    read_only_root: bool = False
    writable: tuple[str, ...] = ("/tmp",)  # noqa: S108  the one folder that platforms keep writable
    stop_grace_s: float = 10.0
    replicas: int = 1


class Ingress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands between the client and the backend. `kind` "none" means the client reaches it directly."""

    kind: Literal["none", "nginx"] = "none"
    tls: bool = False
    host: str = "localhost"
    idle_timeout_s: float = 60.0
    max_body_bytes: int = 1_048_576
    max_header_bytes: int = 8192


class Dependency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A server that the backend needs. `latency_ms` is added to every round trip, by a TCP proxy."""

    kind: Literal["postgres", "redis"]
    tls: TlsMode = "off"
    password: bool = True
    latency_ms: float = 0.0
    max_connections: int | None = None


class Difference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A difference from the other environments that is meant, and why.

    `path` is a glob over the paths of a normalised observation (`report.settings.LOG_FORMAT.value`);
    after `expires` the difference is a finding again.
    """

    path: str
    reason: str
    expires: dt.date | None = None


class Credential(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a credential comes from when it is needed; exactly one is given. `command` is run without a shell."""

    variable: str | None = None
    command: tuple[str, ...] = ()


class Deployed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where this environment already runs, for what only looks at it: `url` (ws or wss) to connect to.

    `health` is the base URL of the backend's health paths (None: the root of the same host and port). Either `secret`,
    the key that tokens are made with, or `token`, a token that somebody else made; without both, only what needs no
    token can be asked. `user` is whom the tokens name (None: an id made from the environment's name, or the claim `sub`
    of the token); `ca` a PEM bundle that is trusted instead of the system's. Nobody connects more often than
    `max_connections_per_minute`.
    """

    url: str
    health: str | None = None
    secret: Credential | None = None
    token: Credential | None = None
    user: str | None = None
    max_connections_per_minute: int = 30
    ca: str | None = None


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One deployment target: settings, platform, ingress, dependencies, allowed differences.

    `baseline` is True in the one that the others are compared with; `deployed` is where it runs, if it does;
    `dependencies_first` is False where the platform may start the backend before what it needs.
    """

    name: str
    description: str = ""
    baseline: bool = False
    settings: dict[str, Setting] = {}
    platform: Platform = Platform()
    ingress: Ingress = Ingress()
    dependencies: dict[str, Dependency] = {}
    dependencies_first: bool = True
    differences: tuple[Difference, ...] = ()
    deployed: Deployed | None = None
