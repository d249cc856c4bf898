"""The files that `envparity init` writes: commented, and with no more in them than the project's own do not say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from envparity.config.proposals.deployments import Deployment
from envparity.config.proposals.own_servers import OwnServers
from envparity.errors import ConfigurationError, Mistake

__all__ = ["Assumed", "BackendPlan", "backend_text", "environment_text", "write_all"]

Assumed = Literal["", "elsewhere", "laptop"]
"""What an environment stands for that nothing tells of."""
_ASSUMED = (
    "# Nothing in this folder says what runs elsewhere, so this is what most platforms do: several copies, behind TLS."
)
_ON_A_LAPTOP = (
    "# Nothing in this folder says how it runs on a laptop, so this is the same as one copy that is reached directly."
)


@dataclass(frozen=True)
class BackendPlan:
    """What was decided of the backend. `dockerfile` and `command` may be missing, one of them not; `health` is "" for a
    backend that is ready when its port listens. `context` is what its image is built from, where that is not the
    Dockerfile's own folder, `folder` where its program runs, where that is not the project's, `contract` its document.
    """

    name: str
    websocket_path: str
    dockerfile: str = ""
    command: tuple[str, ...] = ()
    health: str = ""
    socket_io: bool = False
    context: str = ""
    folder: str = ""
    contract: str = ""


def backend_text(plan: BackendPlan) -> str:
    """The backend's file."""
    return "\n".join(_backend(plan)) + "\n"


def environment_text(deployment: Deployment, own: OwnServers, *, baseline: bool = False, assumed: Assumed = "") -> str:
    """An environment's file with servers of its `own`; one that is `assumed` stands for what nothing tells of."""
    lines = [*_environment(deployment, baseline=baseline, assumed=assumed), *_servers(own)]
    return "\n".join(lines) + "\n"


def write_all(files: Sequence[tuple[Path, str]]) -> None:
    """Write files that are not there yet. Raises `ConfigurationError` before any is written where one is."""
    there = [path for path, _ in files if path.exists()]
    if there:
        action = "remove it, or edit it: `envparity check` reads it"
        raise ConfigurationError([Mistake("init", 0, str(path), "no file yet", "one", action) for path in there])
    for path, text in files:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            mistake = Mistake("init", 0, str(path), "a file that can be written", error.strerror or "an error")
            raise ConfigurationError([mistake]) from error


def _backend(plan: BackendPlan) -> Iterator[str]:
    yield "# How the backend is run, where it says how it is, and what clients and it say to one another."
    yield f"name = {_text(plan.name)}"
    yield f"websocket_path = {_text(plan.websocket_path)}"
    if plan.contract:
        yield "# Frames are checked against it; `view` is whose operations it describes: the server's or a client's."
        yield f'contract = {{ document = {_text(plan.contract)}, view = "server" }}'
    if plan.socket_io:
        yield 'volatile = ["sid"]   # the name of a connection, another one each time'
    if plan.dockerfile:
        yield from ("", "[image]", f"dockerfile = {_text(plan.dockerfile)}")
        if plan.context:
            yield f"context = {_text(plan.context)}"
    if plan.command:
        yield from ("", "[process]   # where there is no container engine, and with --launcher process")
        yield f"command = [{', '.join(map(_text, plan.command))}]"
        if plan.folder:
            yield f"folder = {_text(plan.folder)}   # where it begins"
    yield from ("", "[health]")
    for key in ("live", "ready"):
        yield f"{key} = {_text(plan.health) if plan.health else 'false'}"
    yield "startup = false   # a startup report as JSON, where there is one"
    yield "metrics = false"
    if plan.socket_io:
        yield from ("", "[frames]", 'codec = "engine-io"')
    yield from (
        "",
        "# A first conversation: connect and leave. Go on with what the backend says, and what it must not.",
    )
    yield from ("[[scenario]]", 'name = "connect"', 'title = "whoever comes is let in, and may leave"')
    yield "steps = ["
    yield '  { connect = "none" },'
    if plan.socket_io:
        yield '  { expect = "open" },'
    yield "  { close = 1000 },"
    yield "]"


def _environment(deployment: Deployment, *, baseline: bool, assumed: Assumed) -> Iterator[str]:
    yield f"name = {_text(deployment.name)}"
    if baseline:
        yield "baseline = true   # the one that the others are compared with"
    if deployment.files:
        yield "# What these files say is what this environment is; what stands below is over it."
        yield f"extends = [{', '.join(_text(f'../{name}') for name in deployment.files)}]"
    if assumed == "laptop":
        yield from ("", _ON_A_LAPTOP, "[platform]", "replicas = 1", "", "[ingress]", 'kind = "none"')
    elif assumed == "elsewhere":
        yield from ("", _ASSUMED, "[platform]", "replicas = 2", "", "[ingress]", 'kind = "nginx"', "tls = true")
        yield f"host = {_text(f'{deployment.name}.example')}"


def _servers(own: OwnServers) -> Iterator[str]:
    if own.settings:
        yield from ("", "# Servers that these files name: a boot has its own of each, and these settings lead there.")
        yield "[settings]"
        yield from (f"{name} = {_text(value)}" for name, value in own.settings.items())
    for name, table in own.dependencies.items():
        yield from ("", f"[dependencies.{name}]")
        yield from (
            f"{key} = {_text(value) if isinstance(value, str) else json.dumps(value)}" for key, value in table.items()
        )


def _text(value: str) -> str:
    """A string as TOML writes it; JSON's way of quoting is one of TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
