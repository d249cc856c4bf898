"""How to run the backend under test and where to look, as plain data.

A backend file is TOML, checked against `schemas/backend.schema.json`; `backend_loader` reads it.
Paths in it are relative to the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from envparity.scenario import Scenario

__all__ = [
    "Audit",
    "Backend",
    "Carrier",
    "HealthPaths",
    "ImageSource",
    "Phases",
    "ProcessSource",
    "ReportMapping",
    "Revocation",
    "Tokens",
]


class ImageSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the image comes from: built (`dockerfile`, `context`, `include` globs of that), or `name` as it is."""

    dockerfile: Path | None = None
    context: Path | None = None
    include: tuple[str, ...] = ("**",)
    name: str | None = None


class ProcessSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How it is run without an image: `command` in `folder`, or in a copy of what `include` globs of it name.

    `variables` are those that the image sets in a container; they are no settings, and nothing records them.
    """

    command: tuple[str, ...]
    folder: Path = Path()
    include: tuple[str, ...] = ()
    variables: dict[str, str] = {}


class HealthPaths(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the backend says how it is. None: it has no such path."""

    live: str | None = "/health/live"
    ready: str | None = "/health/ready"
    startup: str | None = "/health/startup"
    metrics: str | None = "/metrics"


class ReportMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to read a startup report: dotted paths into the backend's JSON; or, where it has none, its log.

    The defaults are the reference backend's shape. `log_passed` and `log_failed` are regular expressions searched in
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
    log_passed: str | None = None
    log_failed: str | None = None


class Carrier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to hand over a token; exactly one of the three is given, each with `{token}` in it.

    `header` "Authorization: Bearer {token}"; `subprotocol` "jwt.{token_base64url}"; `first_frame` a JSON object.
    """

    name: str
    header: str | None = None
    subprotocol: str | None = None
    first_frame: dict[str, Any] | None = None


class Revocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a token is revoked from outside: one command to a Redis dependency, `{jti}` filled in."""

    dependency: str
    command: tuple[str, ...]


class Tokens(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How tokens are made that this backend accepts: the settings that hold key, issuer and audience."""

    key_setting: str
    issuer_setting: str
    audience_setting: str
    algorithm: str = "HS256"
    lifetime_s: int = 600
    claims: dict[str, Any] = {}
    carriers: tuple[Carrier, ...] = ()
    revocation: Revocation | None = None


class Phases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Deadlines in seconds. No phase may hang: each has its own deadline and its own finding."""

    boot_s: float = 30.0
    connect_s: float = 5.0
    authenticate_s: float = 5.0
    message_s: float = 5.0
    close_s: float = 5.0
    stop_s: float = 15.0


class Audit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What can be seen of the backend before it boots, where it is Python: `package`, found beside or around the file.

    `request_scoped` are types of which none may be made before there is a request, `settings_modules` those that read
    the process's environment, `startup_modules` those that start the backend; dotted names (a type's may be bare).
    `environment_name` is the setting that says what the environment is called.
    """

    package: str
    request_scoped: tuple[str, ...] = ()
    settings_modules: tuple[str, ...] = ()
    startup_modules: tuple[str, ...] = ()
    environment_name: str = "ENVIRONMENT"


class Backend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A backend under test.

    `process` is None where it can only be run in containers; `command` overrides the image's own; `frame_type` is the
    field of a frame that says what it is; `volatile` are the names of fields whose value differs in every conversation;
    `ignored_frames` are the types of frames that may arrive at any moment (a heartbeat) and belong to no conversation;
    `contract` is the AsyncAPI document; `messages_per_minute_setting` is the setting that says how many messages a
    client may send in a minute; `idle_settings` are those that say, in seconds, what happens to who is silent.
    """

    name: str
    file: Path
    image: ImageSource
    process: ProcessSource | None = None
    command: tuple[str, ...] = ()
    settings: dict[str, str] = {}
    health: HealthPaths = HealthPaths()
    report: ReportMapping = ReportMapping()
    websocket_path: str = "/ws"
    subprotocols: tuple[str, ...] = ()
    frame_type: str = "type"
    error_type: str = "error"
    volatile: tuple[str, ...] = ()
    ignored_frames: tuple[str, ...] = ()
    contract: Path | None = None
    tokens: Tokens | None = None
    audit: Audit | None = None
    phases: Phases = Phases()
    order_setting: str | None = None
    messages_per_minute_setting: str | None = None
    idle_settings: tuple[str, ...] = ()
    startup_refusal: str = "startup_failed:{component}"
    scenarios: tuple[Scenario, ...] = ()
