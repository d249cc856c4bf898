"""Which paths of a program in Go lead to a handler that makes a WebSocket of a request, whatever they are called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Final

from envparity.config.proposals.proposal import Proposal

__all__ = ["GoHandlers"]

_ROUTE: Final = re.compile(
    r"\.(?:HandleFunc|Handle|GET|Get|Any)\(\s*[\"`](?:GET )?(?P<path>/[^\"`\s]{0,200})[\"`]\s*,"
    r"\s*(?P<handler>[^\n]{1,400})"
)
_FUNCTION: Final = re.compile(r"^func\s+(?:\([^)\n]{0,200}\)\s*)?(?P<name>\w+)\(", re.MULTILINE)
_MAKES: Final = re.compile(
    r"\.Upgrade\(|\bwebsocket\.Accept\(|\bws\.UpgradeHTTP\(|\.Hijack\(\)|\bwebsocket\.(?:Handler|Server)\b"
)
_CALLED: Final = re.compile(r"(\w+)\b")


class GoHandlers:
    """The routes of a program and its functions, read file by file."""

    def __init__(self) -> None:
        self._makers: set[str] = set()
        self._routes: list[tuple[str, str, str]] = []  # the path, what handles it, where that is said

    def add(self, path: PurePath, text: str) -> None:
        """Read one file."""
        found = list(_FUNCTION.finditer(text))
        ends = [*(match.start() for match in found[1:]), len(text)]
        self._makers |= {
            match["name"] for match, end in zip(found, ends, strict=False) if _MAKES.search(text, match.end(), end)
        }
        for route in _ROUTE.finditer(text):
            line = text.count("\n", 0, route.start()) + 1
            self._routes.append((route["path"], route["handler"], f"{path.as_posix()}:{line}"))

    def sockets(self) -> Iterator[Proposal[str]]:
        """The paths of which what handles them, in the same line, names a function that makes WebSockets, or does it
        itself.
        """
        for path, handler, place in self._routes:
            if _MAKES.search(handler) or not self._makers.isdisjoint(_CALLED.findall(handler)):
                yield Proposal(path, place)
