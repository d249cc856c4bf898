"""SQL for a MariaDB, as a user with a password (https://mariadb.com/kb/en/clientserver-protocol/)."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

from envparity.dependencies.connected import LOCALHOST, Streams, connected
from envparity.dependency.kind import Server
from envparity.errors import LaunchError

__all__ = ["Rows", "run_sql"]

Rows = list[list[str | None]]

_CONNECT_WITH_DB, _PROTOCOL_41, _SSL, _SECURE, _SEVERAL, _RESULTS, _PLUGINS = (
    0x8, 0x200, 0x800, 0x8000, 0x10000, 0x20000, 0x80000,
)  # fmt: skip
_LARGEST = 1 << 24
_UTF8MB4 = 45
_PLUGIN = b"mysql_native_password"
_QUERY = b"\x03"
_OK, _FILE, _END, _ERROR, _NULL = 0x00, 0xFB, 0xFE, 0xFF, 0xFB
_MORE_RESULTS = 0x8


async def run_sql(server: Server, user: str, database: str, statement: str, parameters: Sequence[str] = ()) -> Rows:
    """Have it done in that database, as that user; gives the rows of the last statement that has some.

    Without parameters they may be several statements; with some one, which has a `?` for each. Raises `LaunchError`
    with what MariaDB says against it.
    """
    async with connected("MariaDB", server) as streams:
        session = _Session(streams)
        await session.sign_in(server, user, database)
        return await session.rows(_asked(statement, parameters))


def _asked(statement: str, parameters: Sequence[str]) -> str:
    if not parameters:
        return statement
    said, *values = (f"_utf8mb4 X'{text.encode().hex()}'" for text in (statement, *parameters))
    return f"EXECUTE IMMEDIATE {said} USING {', '.join(values)}"


class _Session:
    def __init__(self, streams: Streams) -> None:
        self._streams, self._number = streams, 0

    async def sign_in(self, server: Server, user: str, database: str) -> None:
        greeting = await self._packet()
        version = greeting.index(b"\0", 1)
        salt = greeting[version + 5 : version + 13] + greeting[version + 32 : version + 44]
        wanted = _CONNECT_WITH_DB | _PROTOCOL_41 | _SECURE | _SEVERAL | _RESULTS | _PLUGINS
        wanted |= _SSL if server.tls else 0
        head = struct.pack("<IIB23x", wanted, _LARGEST, _UTF8MB4)
        if server.tls is not None:
            self._send(head)
            await self._streams.writer.start_tls(server.tls, server_hostname=LOCALHOST)
        proof = _proof(server.password, salt)
        named = user.encode() + b"\0" + bytes([len(proof)]) + proof + database.encode() + b"\0" + _PLUGIN + b"\0"
        self._send(head + named)
        answer = await self._packet()
        if answer[0] == _END:
            plugin, _, other = answer[1:].partition(b"\0")
            if plugin != _PLUGIN:
                raise LaunchError(f"MariaDB asks for a proof that nobody here knows: {plugin.decode(errors='replace')}")
            self._send(_proof(server.password, other[:20]))
            await self._packet()

    async def rows(self, statements: str) -> Rows:
        self._number = 0
        self._send(_QUERY + statements.encode())
        found: Rows = []
        while True:
            answer = await self._packet()
            if answer[0] == _FILE:
                raise LaunchError("LOAD DATA LOCAL is done by programs that hand over a file, not by a command")
            if answer[0] == _OK:
                _, at = _length(answer, 1)
                _, at = _length(answer, at)
                status = struct.unpack("<H", answer[at : at + 2])[0]
            else:
                columns, _ = _length(answer, 0)
                found, status = await self._rows_of(columns)
            if not status & _MORE_RESULTS:
                return found

    async def _rows_of(self, columns: int) -> tuple[Rows, int]:
        for _ in range(columns + 1):  # what each is called, and the end of that
            await self._packet()
        found: Rows = []
        while True:
            row = await self._packet()
            if row[0] == _END and len(row) < 9:
                return found, struct.unpack("<H", row[3:5])[0]
            values: list[str | None] = []
            at = 0
            while at < len(row):
                if row[at] == _NULL:
                    values.append(None)
                    at += 1
                    continue
                size, at = _length(row, at)
                values.append(row[at : at + size].decode(errors="replace"))
                at += size
            found.append(values)

    def _send(self, body: bytes) -> None:
        if len(body) >= _LARGEST - 1:
            raise LaunchError("a statement of 16 MiB or more is for no single packet of MariaDB")
        self._streams.writer.write(struct.pack("<I", len(body) | self._number << 24) + body)
        self._number += 1

    async def _packet(self) -> bytes:
        (head,) = struct.unpack("<I", await self._streams.reader.readexactly(4))
        self._number = (head >> 24) + 1 & 0xFF
        body = await self._streams.reader.readexactly(head & 0xFFFFFF)
        if body[:1] == bytes([_ERROR]):
            raise LaunchError(f"MariaDB: {_said(body[3:].decode(errors='replace'))}")
        return body


def _said(text: str) -> str:
    """What is wrong, and its SQLSTATE, which may stand before it behind a `#`."""
    return f"{text[6:]} ({text[1:6]})" if text.startswith("#") else text


def _length(body: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where what follows begins."""
    size = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(body[at])
    if size is None:
        return body[at], at + 1
    return int.from_bytes(body[at + 1 : at + 1 + size], "little"), at + 1 + size


def _proof(password: str, salt: bytes) -> bytes:
    def sha1(data: bytes) -> bytes:
        return hashlib.sha1(data, usedforsecurity=False).digest()

    if not password:
        return b""
    once = sha1(password.encode())
    return bytes(own ^ other for own, other in zip(once, sha1(salt + sha1(once)), strict=True))
