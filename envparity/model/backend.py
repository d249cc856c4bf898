"""How to run the backend under test and where to look, as plain data.

A backend file is TOML, checked against `schemas/backend.schema.json`; `config.backend` reads it.
Paths in it are relative to the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from envparity.auth.scheme import Scheme
from envparity.frames.codec import Codec
from envparity.frames.json_codec import JsonObjects
from envparity.model.case import Boot
from envparity.model.environment import ImageSource
from envparity.model.names import DeclaredName
from envparity.model.scenario import Scenario
from envparity.model.step import placeholders
from envparity.support.redaction import is_secret

__all__ = [
    "Audit",
    "Backend",
    "Carrier",
    "ContractFile",
    "HealthPaths",
    "ImageSource",
    "Limits",
    "Phases",
    "Previous",
    "ProcessSource",
    "ReportFormat",
    "ReportMapping",
    "Retries",
    "Tokens",
    "UpAnswer",
]


class ProcessSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How it is run without an image: `command` in `folder`, or in a copy of what `include` globs of it name.

    `variables` are those that the image sets in a container; they are no settings, and nothing records them.
    """

    command: tuple[str, ...]
    folder: Path = Path()
    include: tuple[str, ...] = ()
    variables: dict[str, str] = {}


class Previous(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the previous release is, for boots that change from it: exactly one is given.

    `folder` stands for that of `process`; `revision` is one of the repository around the backend's file. It is started
    as this release is.
    """

    folder: Path | None = None
    revision: str | None = None

    def __str__(self) -> str:
        return self.revision or "the previous release"


ReportFormat = Literal["spring-boot", "dotnet", "health+json"]


class UpAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer by which a backend is known to be up: that of `path`, with one of these status codes."""

    path: str
    status: tuple[int, ...] = (200,)


class HealthPaths(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the backend says how it is. None: it has no such path.

    `up` is how it is known to be up where no report and no log says so: "port" (it listens), "http" (it answers
    anything), or an answer; None: `ready`, else `live`, answers 200, and without both the port listens. `port` is where
    all of this is asked, where that is another port than the WebSocket's. `draining` is the status of `ready` once a
    replica has been told to stop, for as long as it works off what is under way; None: it says nothing of that.
    """

    live: str | None = "/health/live"
    ready: str | None = "/health/ready"
    startup: str | None = "/health/startup"
    metrics: str | None = "/metrics"
    up: Literal["port", "http"] | UpAnswer | None = None
    port: int | None = None
    draining: int | None = None


class ReportMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to read a startup report: dotted paths into the backend's JSON; or, where it has none, its log.

    The defaults are the reference backend's shape; with `format` the report is one that is known by name, and the paths
    are not used. `log_passed` and `log_failed` are regular expressions searched in
    the log; `log_failed` may have the groups component, code, description.
    """

    status: str = "status"
    order: str = "order"
    steps: str = "steps"
    checks: str = "checks"
    failures: str = "failures"
    settings: str = "settings"
    passed: tuple[str, ...] = ("pass", "passed", "ok", "up", "healthy")
    starting: tuple[str, ...] = ("starting",)
    format: ReportFormat | None = None
    log_passed: str | None = None
    log_failed: str | None = None


class Carrier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to hand over a token; exactly one is given beside the name, the first three with `{token}` in it.

    `header` "Authorization: Bearer {token}"; `subprotocol` "jwt.{token_base64url}"; `first_frame` a JSON object;
    `query` and `cookie` the name of the parameter or the cookie whose value the token is.
    """

    name: str
    header: str | None = None
    subprotocol: str | None = None
    first_frame: dict[str, object] | None = None
    query: str | None = None
    cookie: str | None = None


class ContractFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the contract of the frames stands: an AsyncAPI document.

    `channel` names the channels that connections are, by key or address (`*`: all; none: those of the backend's path);
    `view` says whose operations the document describes (None: the scenarios or the replies do).
    """

    document: Path
    channel: tuple[str, ...] = ()
    view: Literal["server", "client"] | None = None


class Tokens(msgspec.Struct, frozen=True):
    """How clients of this backend show who they are: by which scheme, and how what it makes is handed over."""

    scheme: Scheme
    carriers: tuple[Carrier, ...] = ()


class Phases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Deadlines in seconds. No phase may hang: each has its own deadline and its own finding."""

    boot_s: float = 30.0
    connect_s: float = 5.0
    authenticate_s: float = 5.0
    message_s: float = 5.0
    close_s: float = 5.0
    stop_s: float = 15.0


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which settings are limits that must fit those of the platform (see `envparity.config.limits`).

    `stop_grace_s` is how long, in seconds, it takes to stop; `pool_size` how many connections each replica holds to
    `pool_dependency` (None: to each that counts them); `heartbeat_s` how often it says something to who is silent;
    `message_bytes` the largest message.
    """

    stop_grace_s: str | None = None
    pool_size: str | None = None
    pool_dependency: str | None = None
    heartbeat_s: str | None = None
    message_bytes: str | None = None


class Retries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often each replica may try to connect to a dependency that is away, and when it must try again.

    `storm_per_s` attempts in any second; `steady_per_s` a second in the long run, where they do not become fewer;
    `again_within_s` seconds after it is back, where a client is not served as before.
    """

    storm_per_s: float = 50.0
    steady_per_s: float = 4.0
    again_within_s: float = 3.0


class Audit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What can be seen of the backend before it boots, where it is Python: `package`, found beside or around the file.

    `request_scoped` are types of which none may be made before there is a request, `settings_modules` those that read
    the process's environment, `settings_readers` functions or mappings of its own that do, `settings_tellers` functions
    that take all settings only to tell of them, `startup_modules` those that start the backend; dotted names (a type's
    may be bare).
    `environment_name` is the setting that says what the environment is called.
    """

    package: str
    request_scoped: tuple[str, ...] = ()
    settings_modules: tuple[str, ...] = ()
    startup_modules: tuple[str, ...] = ()
    environment_name: str = "ENVIRONMENT"
    settings_readers: tuple[str, ...] = ()
    settings_tellers: tuple[str, ...] = ()


class Backend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A backend under test.

    `process` is None where it can only be run in containers; `command` overrides the image's own; `frame_type` is the
    field of a frame that says what it is, `codec` how frames are written on the wire;
    `volatile` are the names of fields whose value differs in every conversation;
    `ignored_frames` are the types of frames that may arrive at any moment (a heartbeat) and belong to no conversation;
    `public_frames` the types, and requests over HTTP, whose content is everybody's, whoever it comes from;
    `names` are the values that ought to be the same across replicas and boots, or another in each;
    `keeps` are, by dependency, globs of what is meant to stay in it with every conversation;
    `contract` is the AsyncAPI document; `messages_per_minute_setting` is the setting that says how many messages a
    client may send in a minute; `idle_settings` are those that say, in seconds, what happens to who is silent.
    `startup_refusal` is the reason of close 1013 where startup failed (None: nothing is promised; False: it exits).

    `origin` is what every connection sends that does not say otherwise ("allowed" the endpoint's own, None: none);
    it and `websocket_path` may have placeholders.

    Not of the file, but of what is read with it: `secret_settings` are those that some environment takes from where
    only secrets come from, `boot_secrets` the secrets among the boots' settings, by what stands there in their place.
    """

    name: str
    file: Path
    image: ImageSource = ImageSource()
    process: ProcessSource | None = None
    previous: Previous | None = None
    command: tuple[str, ...] = ()
    settings: dict[str, str] = {}
    health: HealthPaths = HealthPaths()
    report: ReportMapping = ReportMapping()
    websocket_path: str = "/ws"
    subprotocols: tuple[str, ...] = ()
    frame_type: str = "type"
    error_type: str = "error"
    codec: Codec = JsonObjects()
    volatile: tuple[str, ...] = ()
    ignored_frames: tuple[str, ...] = ()
    public_frames: tuple[str, ...] = ()
    names: tuple[DeclaredName, ...] = ()
    keeps: dict[str, tuple[str, ...]] = {}
    contract: ContractFile | None = None
    tokens: Tokens | None = None
    audit: Audit | None = None
    phases: Phases = Phases()
    limits: Limits = Limits()
    retries: Retries = Retries()
    order_setting: str | None = None
    messages_per_minute_setting: str | None = None
    idle_settings: tuple[str, ...] = ()
    origin: str | None = None
    startup_refusal: str | Literal[False] | None = None
    scenarios: tuple[Scenario, ...] = ()
    secret_settings: frozenset[str] = frozenset()
    boot_secrets: dict[str, str] = {}

    @property
    def scheme(self) -> Scheme | None:
        """The scheme by which clients show who they are, if there is one."""
        return self.tokens.scheme if self.tokens is not None else None

    @property
    def settings_of_connecting(self) -> frozenset[str]:
        """The settings that every environment must give for a client to know where it goes and where it comes from."""
        said = placeholders((self.websocket_path, self.origin))
        return frozenset(name for kind, name in said if kind in {"setting", "first"})

    def __repr__(self) -> str:
        """Without its settings, among which are secrets."""
        return f"Backend({self.name!r})"

    def is_secret(self, name: str, value: str) -> bool:
        """Whether that setting's literal value is a secret."""
        return is_secret(name, value, self.known_secrets)

    def boot_without_secrets(self, boot: Boot) -> Boot:
        """That boot as it is planned: what stands for a secret in place of it."""
        placed = {(name, self.boot_secrets[shown]): shown for name in dict(boot.settings) for shown in self.boot_secrets
                  if shown.endswith(f" for {name}>")}  # fmt: skip
        settings = tuple((name, placed.get((name, value), value)) for name, value in boot.settings)
        return msgspec.structs.replace(boot, settings=settings)

    @property
    def known_secrets(self) -> frozenset[str]:
        """The settings that are secrets whatever they are called."""
        return self.secret_settings if self.scheme is None else self.secret_settings | {self.scheme.signing_setting}
