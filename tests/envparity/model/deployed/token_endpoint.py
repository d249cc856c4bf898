"""A token endpoint on the loopback interface: gives what it is told to, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

__all__ = ["TokenEndpoint"]


@dataclass
class TokenEndpoint:
    """`answers` are given one after the other, the last one again and again: a status, and an object or a text."""

    answers: list[tuple[int, Any]]
    clients: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            said = next(line for line in head.split("\r\n") if line.lower().startswith("authorization: basic "))
            self.clients.append(base64.b64decode(said.split()[-1]).decode())
            self.forms.append(dict(parse_qsl((await reader.readexactly(int(lines["content-length"]))).decode())))
            status, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            body = answer if isinstance(answer, str) else json.dumps(answer)
            writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[TokenEndpoint]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls) as server:
            port = server.sockets[0].getsockname()[1]
            self.url = f"{'https' if tls else 'http'}://localhost:{port}/token"
            yield self
