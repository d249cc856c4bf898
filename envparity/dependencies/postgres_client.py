"""SQL for a PostgreSQL, as a role with a password (https://www.postgresql.org/docs/current/protocol.html)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from envparity.dependencies.connected import LOCALHOST, Streams, connected
from envparity.dependency.kind import Server
from envparity.errors import LaunchError

__all__ = ["Rows", "lets_in", "run_sql"]

Rows = list[list[str | None]]

_SSL_REQUEST = struct.pack(">II", 8, 80877103)
_VERSION = 196608  # 3.0
_NULL = 0xFFFFFFFF
_OK, _CLEAR, _MD5, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 3, 5, 10, 11, 12
_MECHANISM = "SCRAM-SHA-256"
_COPIES = b"GHW"
_CANNOT_CONNECT_NOW = "57P03"  # https://www.postgresql.org/docs/current/errcodes-appendix.html


async def run_sql(server: Server, role: str, database: str, statement: str, parameters: Sequence[str] = ()) -> Rows:
    """Have it done in that database, as that role; gives the rows of the last statement that has some.

    Without parameters they may be several statements; with some one, which has `$1` and so on for them. Raises
    `LaunchError` with what PostgreSQL says against it.
    """
    async with _signed_in(server, role, database) as session:
        session.send(_asked(statement, parameters))
        return await session.rows()


async def lets_in(server: Server, role: str, database: str) -> bool:
    """Whether it is up: it says who may come in, where before (as while it starts or ends) it sends everybody away.

    Its port alone says nothing of that: it listens, and speaks of TLS, while it still recovers what it holds.
    """
    try:
        async with _signed_in(server, role, database):
            return True
    except _PostgresError as error:
        return error.code != _CANNOT_CONNECT_NOW
    except LaunchError:
        return False


class _PostgresError(LaunchError):
    """What PostgreSQL says against something, with the code that it has for that."""

    def __init__(self, fields: Mapping[bytes, str]) -> None:
        self.code = fields.get(b"C", "")
        super().__init__(f"PostgreSQL: {fields.get(b'M', '')} ({self.code})")


@asynccontextmanager
async def _signed_in(server: Server, role: str, database: str) -> AsyncIterator[_Session]:
    async with connected("PostgreSQL", server) as streams:
        if server.tls is not None:
            streams.writer.write(_SSL_REQUEST)
            if await streams.reader.readexactly(1) != b"S":
                raise LaunchError("this PostgreSQL speaks no TLS")
            await streams.writer.start_tls(server.tls, server_hostname=LOCALHOST)
        session = _Session(streams, server.password)
        await session.sign_in(role, database)
        yield session


def _asked(statement: str, parameters: Sequence[str]) -> bytes:
    if not parameters:
        return _message(b"Q", _text(statement))
    values = b"".join(struct.pack(">I", len(value)) + value for value in map(str.encode, parameters))
    bound = b"\0\0" + struct.pack(">HH", 0, len(parameters)) + values + struct.pack(">H", 0)
    parsed = _message(b"P", b"\0" + _text(statement) + struct.pack(">H", 0))
    return parsed + _message(b"B", bound) + _message(b"E", b"\0" + struct.pack(">I", 0)) + _message(b"S", b"")


class _Session:
    def __init__(self, streams: Streams, password: str) -> None:
        self._streams, self._password = streams, password

    def send(self, data: bytes) -> None:
        self._streams.writer.write(data)

    async def sign_in(self, role: str, database: str) -> None:
        said = struct.pack(">I", _VERSION) + b"".join(map(_text, ("user", role, "database", database))) + b"\0"
        self.send(struct.pack(">I", len(said) + 4) + said)
        proof = _Scram(self._password)
        while True:
            kind, body = await self._message()
            if kind == b"Z":
                return
            if kind == b"R":
                self._prove(struct.unpack(">I", body[:4])[0], body[4:], role, proof)

    def _prove(self, asked: int, body: bytes, role: str, proof: _Scram) -> None:
        if asked == _CLEAR:
            self.send(_message(b"p", _text(self._password)))
        elif asked == _MD5:
            inner = hashlib.md5((self._password + role).encode(), usedforsecurity=False).hexdigest()
            digest = hashlib.md5(inner.encode() + body, usedforsecurity=False).hexdigest()
            self.send(_message(b"p", _text(f"md5{digest}")))
        elif asked == _SASL:
            first = proof.first()
            self.send(_message(b"p", _text(_MECHANISM) + struct.pack(">I", len(first)) + first))
        elif asked == _SASL_CONTINUE:
            self.send(_message(b"p", proof.final(body.decode())))
        elif asked not in {_OK, _SASL_FINAL}:
            raise LaunchError(f"PostgreSQL asks for a proof that nobody here knows: {asked}")

    async def rows(self) -> Rows:
        found: Rows = []
        while True:
            kind, body = await self._message()
            if kind == b"T":
                found = []
            elif kind == b"D":
                found.append(_row(body))
            elif kind in _COPIES:
                raise LaunchError("COPY is done by programs that hand over a file, not by a command")
            elif kind == b"Z":
                return found

    async def _message(self) -> tuple[bytes, bytes]:
        head = await self._streams.reader.readexactly(5)
        body = await self._streams.reader.readexactly(struct.unpack(">I", head[1:])[0] - 4)
        if head[:1] == b"E":
            raise _PostgresError(_fields(body))
        return head[:1], body


class _Scram:
    """The client's side of SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677)."""

    def __init__(self, password: str) -> None:
        self._password, self._bare = password.encode(), f"n=,r={secrets.token_urlsafe(18)}"

    def first(self) -> bytes:
        return f"n,,{self._bare}".encode()

    def final(self, challenge: str) -> bytes:
        parts = dict(part.split("=", 1) for part in challenge.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", self._password, base64.b64decode(parts["s"]), int(parts["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        unproven = f"c=biws,r={parts['r']}"
        signed = f"{self._bare},{challenge},{unproven}".encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        proof = bytes(own ^ other for own, other in zip(key, signature, strict=True))
        return f"{unproven},p={base64.b64encode(proof).decode()}".encode()


def _row(body: bytes) -> list[str | None]:
    values: list[str | None] = []
    at = 2
    for _ in range(struct.unpack(">H", body[:2])[0]):
        (size,) = struct.unpack(">I", body[at : at + 4])
        at += 4
        if size == _NULL:
            values.append(None)
            continue
        values.append(body[at : at + size].decode(errors="replace"))
        at += size
    return values


def _fields(body: bytes) -> dict[bytes, str]:
    return {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


def _text(text: str) -> bytes:
    return text.encode() + b"\0"
