"""What one deployment target does to the backend, as plain data; `config.environment` reads it from its file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from envparity.model.composed import Composed, is_composed
from envparity.model.deployment import Deployed
from envparity.model.file_template import FileTemplate

__all__ = [
    "RESERVED",
    "UPSTREAM_HOST",
    "Affinity",
    "BesideProcess",
    "Composed",
    "DeclaredDifference",
    "Dependency",
    "DeploymentNote",
    "Environment",
    "Forwarded",
    "FromSource",
    "ImageSource",
    "Ingress",
    "Job",
    "OwnConfiguration",
    "PasswordKind",
    "Platform",
    "SecretOf",
    "Setting",
    "is_made_secret",
    "literal",
    "setting_of",
    "sources_of",
]

TlsMode = Literal["off", "require", "verify-full"]
Affinity = Literal["none", "cookie", "address"]
Forwarded = Literal["for", "proto", "host", "port", "real-ip"]

UPSTREAM_HOST = "backend"
"""What an ingress asks the backend for where it does not pass on what the client asks for: its own name for it."""
PasswordKind = bool | Literal["reserved-characters"]
RESERVED: Final = "reserved-characters"
"""The password whose characters must be percent-encoded in a URL (RFC 3986 §2.2)."""
_SECRETS = (".password", ".client_secret")


class SecretOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A setting whose value is made anew for every run: `secret` random bytes, as hexadecimal digits."""

    secret: int


class FromSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """A setting whose value only the launcher knows, such as `postgres.url` or `ingress.network`."""

    source: str


Setting = str | SecretOf | FromSource | Composed


def setting_of(value: object) -> Setting:
    """The setting of `{ secret = 48 }`, `{ from = "postgres.url" }`, a text with placeholders, or a literal."""
    if isinstance(value, Mapping):
        return SecretOf(int(value["secret"])) if value.get("secret") is not None else FromSource(value["from"])
    if not isinstance(value, str) or not is_composed(value):
        return literal(value)
    composed = Composed(value)
    return composed if composed.placeholders else composed.around


def literal(value: object) -> str:
    """The value as a process environment holds it: true and false in lower case, numbers in decimal."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def sources_of(setting: Setting | None) -> tuple[str, ...]:
    """What of that setting only a launcher knows: `postgres.url`."""
    if isinstance(setting, Composed):
        return setting.sources
    return (setting.source,) if isinstance(setting, FromSource) else ()


def is_made_secret(setting: Setting | None) -> bool:
    """Whether nothing but a secret can come from there."""
    if isinstance(setting, Composed):  # of a URL the password alone is one, wherever else the setting is another URL
        return "://" not in setting.around and any(source.endswith(_SECRETS) for source in setting.sources)
    return isinstance(setting, SecretOf) or (isinstance(setting, FromSource) and setting.source.endswith(_SECRETS))


class ImageSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the image comes from: built (`dockerfile`, `context`, `include` globs of that), or `name` as it is.

    `target` is the stage of the Dockerfile that it ends with; None: the last.
    With neither there is none, and the backend runs as a process only.
    """

    dockerfile: Path | None = None
    context: Path | None = None
    include: tuple[str, ...] = ("**",)
    name: str | None = None
    target: str | None = None

    @property
    def given(self) -> bool:
        """Whether there is an image."""
        return self.name is not None or self.dockerfile is not None


class Platform(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The limits within which the backend runs.

    `cpus` in cores, `memory_mib` in MiB (None: no limit); `user` a numeric id (None: the image's own);
    `stop_grace_s` seconds between SIGTERM and SIGKILL; `port` what the backend is told to listen on; `timezone` the
    name of the time zone that its programs are in, as `TZ` (None: the image's own, and UTC as a process).
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
    timezone: str | None = None


class OwnConfiguration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A configuration of nginx that is the team's own: the file, as the environment's says it, and what is in it."""

    file: str
    text: str = ""

    def __str__(self) -> str:
        return self.file


class Ingress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands between the client and the backend. `kind` "none" means the client reaches it directly.

    `affinity` is by what a client comes back to the replica that it had: a cookie, its address, or nothing;
    `max_lifetime_s` the age at which a connection is cut (None: none is). Clients ask below `prefix` ("": at the root),
    and with `strip_prefix` the backend is asked without it. Of the headers that tell of the client it sets those in
    `forwarded`; `forwarded_for` "append" keeps what the client says of X-Forwarded-For before what it says itself.
    `drop_headers` are not passed on, by their names in lower case. `host_header` "upstream" asks the backend for
    `UPSTREAM_HOST`, and not for what the client asks for. Without `upgrade` a WebSocket is passed on as a plain GET.
    With a `config` the team's own nginx does what that says.
    """

    kind: Literal["none", "nginx"] = "none"
    tls: bool = False
    host: str = "localhost"
    idle_timeout_s: float = 60.0
    max_body_bytes: int = 1_048_576
    max_header_bytes: int = 8192
    affinity: Affinity = "none"
    max_lifetime_s: float | None = None
    prefix: str = ""
    strip_prefix: bool = False
    forwarded: tuple[Forwarded, ...] = ("for", "proto", "host", "port", "real-ip")
    forwarded_for: Literal["replace", "append"] = "replace"
    drop_headers: tuple[str, ...] = ()
    host_header: Literal["client", "upstream"] = "client"
    upgrade: bool = True
    config: OwnConfiguration | None = None

    @property
    def origin(self) -> str:
        """The origin of a page served from here (RFC 6454): what clients send, and `ingress.origin` gives."""
        return f"{'https' if self.tls else 'http'}://{self.host}"

    @property
    def backend_prefix(self) -> str:
        """What comes before every path that the backend itself is asked for; "" where there is nothing."""
        return "" if self.kind == "none" or self.strip_prefix else self.prefix


class Dependency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A server that the backend needs. `latency_ms` is added to every round trip, by a TCP proxy.

    `hosts` are names by which code reaches it in containers, at the port that the server itself listens on.

    `password` "reserved-characters": one with characters that must be percent-encoded in a URL (RFC 3986 §2.2).

    `options` are the keys that only its kind has.
    """

    kind: str
    tls: TlsMode = "off"
    password: PasswordKind = True
    latency_ms: float = 0.0
    max_connections: int | None = None
    hosts: tuple[str, ...] = ()
    options: dict[str, Any] = {}


class DeclaredDifference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A difference from the other environments that is meant, and why.

    `path` is a glob over the paths of a normalised observation (`report.settings.LOG_FORMAT.value`);
    after `expires` the difference is a finding again.
    """

    path: str
    reason: str
    expires: dt.date | None = None

    def covers(self, path: str) -> bool:
        """Whether the glob matches; brackets may also stand for themselves, as in `conversation.chat[header].*`."""
        return fnmatchcase(path, self.path) or fnmatchcase(path, self.path.replace("[", "[[]"))


class Job(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program that runs once: in what the backend runs in, with its settings, and `before` it starts.

    It is killed where it has not ended `timeout_s` seconds after its start. `again`: it runs a second time when it has
    ended well, as with the next deployment, which finds what it has made.
    """

    command: tuple[str, ...]
    before: Literal["backend"] = "backend"
    timeout_s: float = 60.0
    again: bool = False


class BesideProcess(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A further program of the backend, such as a worker: it starts with it, in what it runs in and with its settings.

    It is there when its log has a line that matches `ready` ("": as soon as it runs), `ready_s` seconds after its start
    at the latest, and is to run as long as the backend does.
    """

    command: tuple[str, ...]
    ready: str = ""
    ready_s: float = 30.0


class DeploymentNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True, order=True):
    """What a file of the deployment says that no boot takes, or names and does not say: only the platform knows it.

    `name` is what it is about (`settings.JWT_SECRET`, `health timeout`), `place` the file and line.
    It holds no secret's value.
    """

    name: str
    text: str
    place: str
    known: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.text} ({self.place})"


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One deployment target: settings, platform, ingress, dependencies, allowed differences.

    `extends` are all files that this one is made of beside its own, whose values are here already;
    `notes` is what they say beside that, `places` the file and line of a value by its key (`settings.LOG_LEVEL`) where
    there are such files; neither is part of what is booted and compared;
    `baseline` is True in the one that the others are compared with; `deployed` is where it runs, if it does;
    `image` and `command` go before the backend's own; in containers `entrypoint` and `arguments` go before the image's
    (its CMD is not used beside an entrypoint from here); `files` are by the path at which they are found;
    `jobs` run in the sequence of the file, one after the other;
    `dependencies_first` is False where the platform may start the backend before what it needs.
    """

    name: str
    description: str = ""
    baseline: bool = False
    extends: tuple[str, ...] = ()
    settings: dict[str, Setting] = {}
    platform: Platform = Platform()
    ingress: Ingress = Ingress()
    dependencies: dict[str, Dependency] = {}
    dependencies_first: bool = True
    differences: tuple[DeclaredDifference, ...] = ()
    deployed: Deployed | None = None
    image: ImageSource | None = None
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    jobs: dict[str, Job] = {}
    processes: dict[str, BesideProcess] = {}
    files: dict[str, FileTemplate] = {}
    notes: tuple[DeploymentNote, ...] = ()
    places: dict[str, str] = {}

    def __repr__(self) -> str:
        """Without its settings, among which are secrets."""
        return f"Environment({self.name!r})"
