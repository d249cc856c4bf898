"""What a browser is told that asks from another origin: health and an error, and the question that comes before."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from envparity.conversation.actions import SendRequest
from envparity.conversation.affinity import AffinityCookies
from envparity.conversation.asking import body_of
from envparity.conversation.handshake import FORBIDDEN_ORIGIN
from envparity.conversation.requesting import respond
from envparity.launch.port import Stack
from envparity.model.backend import Backend
from envparity.observe.headers import promised
from envparity.observe.transcript import HttpAnswered
from envparity.support.stalls import within

__all__ = ["NOWHERE", "ask_from_other_origins"]

NOWHERE = "/envparity-no-such-path"
"""A path that no backend has, for what it says to who errs."""

_ROUNDS = 2  # what differs between two is no promise


async def ask_from_other_origins(stack: Stack, backend: Backend) -> tuple[tuple[HttpAnswered, ...], ...]:
    """What is answered, in each round. Nothing is asked where health has a port of its own, which no client comes to.

    The connection of an answer says who asked: `no_origin`, `own_origin`, `other_origin`. A preflight (Fetch §3.2.2)
    asks whether a GET with a credential may come. Where nobody answers in time, that is the answer.
    """
    if backend.health.port is not None:
        return ()
    timeout_s = backend.phases.connect_s
    asked = list(_requests(stack, backend, timeout_s))

    async def once() -> tuple[HttpAnswered, ...]:
        return tuple(await asyncio.gather(*(_answered(stack, who, request) for who, request in asked)))

    return tuple([await once() for _ in range(_ROUNDS)])


def _requests(stack: Stack, backend: Backend, timeout_s: float) -> Iterator[tuple[str, SendRequest]]:
    origins = {"no_origin": "", "own_origin": stack.endpoint.origin, "other_origin": FORBIDDEN_ORIGIN}
    wants = (("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "authorization"))
    for path in dict.fromkeys(filter(None, (backend.health.live, backend.health.ready, NOWHERE))):
        for who, origin in origins.items():
            headers = (("Origin", origin),) if origin else ()
            yield who, SendRequest(path, "GET", stack.endpoint.prefix + path, headers, b"", timeout_s)
            if origin:
                yield who, SendRequest(path, "OPTIONS", stack.endpoint.prefix + path, headers + wants, b"", timeout_s)


async def _answered(stack: Stack, who: str, request: SendRequest) -> HttpAnswered:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    named = f"{request.method} {request.connection}"
    try:
        async with within(request.timeout_s):
            response = await respond(request, stack, AffinityCookies())
    except TimeoutError:
        return HttpAnswered(loop.time() - began_s, who, "http", named, request.target, 0, error="no answer in time")
    return HttpAnswered(
        loop.time() - began_s,
        who,
        "http",
        request=named,
        target=request.target,
        status=response.status,
        headers=promised(response.headers, stack.endpoint.origin),
        body=body_of(response) if response.status else None,
        error=response.error,
        replica=response.replica,
        answered_by=response.answered_by,
        version=response.version,
    )
