"""One answer over HTTP, as data: whatever comes, in bounded time and memory."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from envparity.frames.decoding import decoded_json, decoded_text
from envparity.observe.record import HttpAnswer

if TYPE_CHECKING:
    import httpx

__all__ = ["asking_client", "http_answer"]


def asking_client(
    base_url: str, tls: ssl.SSLContext | None, timeout_s: float, *, most_connections: int | None = None
) -> httpx.AsyncClient:
    """A client that asks each question on a connection of its own, as a platform's probes do.

    A server may close a connection on which it has answered at any moment: a question that is sent on it just then gets
    no answer, and says nothing of how the server is. `tls` None: what the system trusts.
    """
    import httpx

    limits = httpx.Limits(max_connections=most_connections, max_keepalive_connections=0)
    verify = tls if tls is not None else True
    return httpx.AsyncClient(base_url=base_url, verify=verify, timeout=timeout_s, trust_env=False, limits=limits)


async def http_answer(
    client: httpx.AsyncClient,
    path: str,
    limit: AbstractAsyncContextManager[object],
    *,
    late: str,
    most_bytes: int,
    redacted: Callable[[str], str] = str,
) -> HttpAnswer:
    """What that path answers: JSON as its value, else text; status 0 with the reason where there was no answer.

    `limit` raises `TimeoutError` when the whole answer takes too long, of which `late` tells; one of more than
    `most_bytes` is none. `redacted` takes secrets out of the text.
    """
    import httpx

    try:
        async with limit, client.stream("GET", path) as response:
            body = b""
            async for part in response.aiter_bytes():
                body += part
                if len(body) > most_bytes:
                    return HttpAnswer(path, 0, f"an answer of more than {most_bytes} bytes")
    except TimeoutError:
        return HttpAnswer(path, 0, late)
    except httpx.HTTPError as error:
        return HttpAnswer(path, 0, redacted(f"{type(error).__name__}: {error}"))
    text = redacted(decoded_text(body, response.charset_encoding))
    try:
        return HttpAnswer(path, response.status_code, decoded_json(text))
    except ValueError:
        return HttpAnswer(path, response.status_code, text)
