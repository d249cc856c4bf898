"""What is said to a memcached in its text protocol, and what it holds (doc/protocol.txt of its source)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from envparity.dependencies.connected import Streams, connected
from envparity.dependencies.shapes import shape_of
from envparity.dependency.kind import Server
from envparity.errors import LaunchError

__all__ = ["held_by", "run_command"]

_WORD = re.compile(rb"[^\x00-\x20\x7f]{1,250}")
_STORES = frozenset({"set", "add", "replace", "append", "prepend"})
_REFUSALS = (b"ERROR", b"CLIENT_ERROR", b"SERVER_ERROR", b"NOT_STORED", b"EXISTS", b"BUSY")
_ITEM = re.compile(rb"key=(\S+) exp=(-?\d+) ")


async def run_command(server: Server, command: tuple[str, ...]) -> str | None:
    """Have it done; gives what is answered, the value where one is asked for, None where there is none.

    Raises `LaunchError` where it is refused, or changes nothing.
    """
    name, *words = command
    content = words.pop(1).encode() if name in _STORES else None
    if content is not None:
        words = [words[0], "0", *(words[1:] or ["0"]), str(len(content))]
    for word in words:
        if not _WORD.fullmatch(word.encode()):
            raise LaunchError(f"{word!r} is no word of memcached's: 250 bytes at most, without spaces")
    line = " ".join((name, *words)).encode() + b"\r\n"
    async with connected("memcached", server) as streams:
        streams.writer.write(line if content is None else line + content + b"\r\n")
        answer = await _line(streams)
        if answer.startswith(_REFUSALS) or (answer == b"NOT_FOUND" and name != "delete"):
            raise LaunchError(f"memcached: {answer.decode(errors='replace')}")
        if answer == b"END":
            return None
        if not answer.startswith(b"VALUE "):
            return answer.decode(errors="replace")
        return (await streams.reader.readexactly(int(answer.split()[3]))).decode(errors="replace")


async def held_by(server: Server) -> Mapping[str, int]:
    """How many items without an expiry there are of each shape of key. Raises `LaunchError`."""
    held: Counter[str] = Counter()
    async with connected("memcached", server) as streams:
        streams.writer.write(b"lru_crawler metadump all\r\n")
        while (line := await _line(streams)) != b"END":
            if line.startswith(_REFUSALS):
                raise LaunchError(f"memcached: {line.decode(errors='replace')}")
            found = _ITEM.match(line)
            if found is not None and found[2] == b"-1":
                held[shape_of(unquote_to_bytes(found[1]).decode(errors="replace"))] += 1
    return held


async def _line(streams: Streams) -> bytes:
    line = await streams.reader.readline()
    if not line.endswith(b"\n"):
        raise LaunchError("memcached hung up")
    return line.strip()
