"""When a server of somebody's own is ready: by its port, an answer over HTTP, its log, or a command that succeeds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Annotated

import msgspec

from envparity.dependencies.placeholders import filled
from envparity.dependency.kind import Beside, KeyMistake, Server
from envparity.launch.http_answer import http_answer
from envparity.support.patterns import Pattern, pattern_problem
from envparity.support.toml.document import in_words

__all__ = ["Ready", "is_ready", "ready_mistakes"]

_HTTP_S = 2.0
_MOST_BYTES = 1 << 20
_WAYS = ("tcp", "http", "log", "command")


class Ready(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """When it is ready: one of `tcp`, `http`, `log` and `command` is given; none means `tcp`."""

    tcp: Annotated[bool, msgspec.Meta(description="true: when its port accepts a connection")] = True
    http: (
        Annotated[
            str, msgspec.Meta(description="when a GET of this path, at its port, is answered", pattern="^/[^\\s]*$")
        ]
        | None
    ) = None
    status: (
        Annotated[int, msgspec.Meta(description="with http: by this status; left out: any below 400", ge=100, le=599)]
        | None
    ) = None
    log: (
        Annotated[str, msgspec.Meta(description="when this regular expression is found in its log", min_length=1)]
        | None
    ) = None
    command: Annotated[
        tuple[
            Annotated[
                str, msgspec.Meta(description="a word of the command, without zero bytes", pattern="^[^\\u0000]*$")
            ],
            ...,
        ],
        msgspec.Meta(description="when this program, in its container or beside its process, ends with status 0"),
    ] = ()
    within_s: Annotated[float, msgspec.Meta(description="how long that may take, in seconds", ge=1, le=600)] = 60.0


def ready_mistakes(said: object) -> Iterator[KeyMistake]:
    """What no schema can say of the table `ready`."""
    if not isinstance(said, Mapping):
        return
    ways = [text for text in _WAYS if text in said]
    if len(ways) > 1:
        yield KeyMistake(("ready",), "one of " + ", ".join(_WAYS), " and ".join(ways), "keep one of them")
    if said.get("tcp") is False:
        yield KeyMistake(("ready", "tcp"), "true", "false", "leave it out, and say how it is known otherwise")
    if "status" in said and "http" not in said:
        yield KeyMistake(("ready", "status"), "a status of an answer to http", "no http", 'add http = "/"')
    if said.get("command") == []:
        yield KeyMistake(("ready", "command"), "a program and its arguments", "none")
    pattern = said.get("log")
    if isinstance(pattern, str):
        problem = pattern_problem(pattern)
        if problem:
            yield KeyMistake(("ready", "log"), "a regular expression", f"{in_words(pattern)}: {problem}")


async def is_ready(said: Mapping[str, object], server: Server, beside: Beside, values: Mapping[str, str]) -> bool:
    """Whether that server is ready, as the table `ready` says; `values` are those of placeholders of its command.

    Somebody listens at its port in any case: a log may say it before a client can connect.
    """
    ready = msgspec.convert(said, Ready)
    if not await beside.listens():
        return False
    if ready.http is not None:
        return await _answers_http(server, ready)
    if ready.log is not None:
        return Pattern(f"(?m){ready.log}").search(await beside.log()) is not None
    if ready.command:
        return await beside.run(tuple(filled(text, values) for text in ready.command))
    return True


async def _answers_http(server: Server, ready: Ready) -> bool:
    """Whether it answers so; what it answers beside the status is of no matter, and cut."""
    import httpx

    async with httpx.AsyncClient(base_url=f"http://{server.host}:{server.port}", timeout=_HTTP_S) as client:
        limit = asyncio.timeout(_HTTP_S)
        answer = await http_answer(client, str(ready.http), limit, late="", most_bytes=_MOST_BYTES)
    if ready.status is not None:
        return answer.status == ready.status
    return 0 < answer.status < HTTPStatus.BAD_REQUEST
