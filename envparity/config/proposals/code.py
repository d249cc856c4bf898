"""What a backend's source code says of it: the path of its WebSocket, its health path, its ASGI application."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Final

from envparity.config.proposals.go_handlers import GoHandlers
from envparity.config.proposals.proposal import Proposal, at_line
from envparity.config.proposals.routers import UNWRITTEN, Routers

__all__ = ["Code", "read_code"]

_SUFFIXES: Final = frozenset({".py", ".js", ".mjs", ".cjs", ".ts", ".go", ".rb", ".ex", ".java", ".kt", ".cs", ".rs"})
_LEFT_OUT: Final = frozenset(
    {"node_modules", "venv", "__pycache__", "dist", "build", "target", "vendor", "tests", "test", "environments"}
)
_MOST_FILES = 2000
_MOST_BYTES = 512 * 1024

_QUOTED = r"[rbf]?[\"'`](?P<path>[^\"'`\s]{1,200})[\"'`]"
_ROUTES = "HandleFunc|Handle|GET|Get|Any"
_NODE_S_OWN = (
    r"\.on\(\s*[\"'`]upgrade[\"'`](?:(?!\bupgrade[\"'`])[\s\S]){0,1500}?\b(?:url|path|pathname)\b[^\n;]{0,80}?"
    r"(?:[!=]==?|\.startsWith\()\s*[\"'`](?P<path>/[^\"'`\s]{0,200})[\"'`]"
)
"""What a handler of `upgrade` compares the path with."""
_WEBSOCKET_PATHS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\.websocket\(\s*{_QUOTED}",  # FastAPI, Sanic, Elysia
        rf"(?:WebSocketRoute|websocket_route|add_websocket_route)\(\s*{_QUOTED}",  # Starlette
        rf"\b(?:(?:re_)?path|url)\(\s*{_QUOTED}\s*,\s*\w[\w.]*(?:\.as_asgi\(|Consumer\b)",  # Django Channels
        rf"WebSocket(?:Server|\.Server)\(\s*\{{[^}}]{{0,200}}?\bpath:\s*{_QUOTED}",  # ws
        rf"@(?:Server|WebSocket)?[Ee]ndpoint\(\s*(?:value\s*=\s*)?{_QUOTED}",  # Jakarta
        rf"\.(?:{_ROUTES})\(\s*[\"`](?:GET )?(?P<path>/[^\"`\s]*\b(?:wss?|websockets?|socket)\b[^\"`\s]*)[\"`]",  # Go
        rf"\.(?:{_ROUTES})\(\s*[\"`](?:GET )?(?P<path>/[^\"`\s]*)[\"`]\s*,\s*websocket\.",  # Go, by the handler
        rf"\.ws\(\s*{_QUOTED}\s*,\s*(?:async\b|function\b|\()",  # express-ws
        rf"\.get\(\s*{_QUOTED}\s*,\s*\{{[^}}]{{0,200}}?\bwebsocket:\s*true",  # Fastify
        rf"(?:\bweb\.get|\badd_get)\(\s*{_QUOTED}\s*,\s*[\w.]*(?:ws|socket)",  # aiohttp
        rf"@sock\.route\(\s*{_QUOTED}",  # Flask-Sock
        rf"MapHub<\w+>\(\s*{_QUOTED}",  # SignalR
        rf"\bsocket\s+{_QUOTED}",  # Phoenix
        _NODE_S_OWN,
    )
)
_HEALTH = re.compile(
    r"[\"'`](?P<path>/(?:health/ready|healthz/ready|readyz|ready|health/live|healthz|health|livez|ping|status))[\"'`]"
)
_ASGI = re.compile(r"^(?P<name>\w+)\s*(?::\s*\w+\s*)?=\s*(?:FastAPI|Starlette|Quart|Sanic|Litestar)\(", re.MULTILINE)
_SOCKET_IO = re.compile(
    r"\bsocketio\.(?:Async)?Server\(|require\([\"']socket\.io[\"']\)|from [\"']socket\.io[\"']"
    r"|^(?:from|import) flask_socketio\b",
    re.MULTILINE,
)
_IMPORTED = re.compile(r"^(?:from|import)\s+([A-Za-z_]\w*)", re.MULTILINE)
_READY = re.compile(r"\bready")


@dataclass
class Code:
    """What was found: paths of WebSockets and of health in the order of the files, those of being ready first, and
    `module:name` of an application.

    `modules` is the folder that its modules are named from; `socket_io` is where a server of Socket.IO is made.
    """

    websockets: list[Proposal[str]] = field(default_factory=list)
    health: list[Proposal[str]] = field(default_factory=list)
    application: Proposal[str] | None = None
    modules: Path = Path()
    socket_io: Proposal[str] | None = None

    def below(self, home: Path) -> Code:
        """The same, as it is told from the folder that this one is in."""
        within = "" if home == Path() else f"{home.as_posix()}/"
        sockets, health = (
            [replace(each, found_in=within + each.found_in) for each in listed]
            for listed in (self.websockets, self.health)
        )
        found = self.socket_io
        io = replace(found, found_in=within + found.found_in) if found is not None else None
        return Code(sockets, health, self.application, self.modules, io)


def read_code(folder: Path) -> Code:
    """Read what of the folder is source code: 2,000 files at most, each up to 512 KiB."""
    found, routers, handlers = Code(), Routers(), GoHandlers()
    for path in _sources(folder):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if path.suffix == ".py":
            routers.add(path.relative_to(folder), text)
        for pattern in _WEBSOCKET_PATHS:
            for match in pattern.finditer(text):
                place = at_line(path, folder, text, match.start("path"))
                found.websockets.append(Proposal(_as_path(match["path"]), place))
        if path.suffix == ".go":
            handlers.add(path.relative_to(folder), text)
        for match in _HEALTH.finditer(text):
            found.health.append(Proposal(match["path"], at_line(path, folder, text, match.start())))
        if found.application is None and path.suffix == ".py" and (match_app := _ASGI.search(text)):
            home = _home_of_modules(path, folder, text)
            module = ".".join(path.relative_to(home).with_suffix("").parts)
            found.modules = home.relative_to(folder)
            place = at_line(path, folder, text, match_app.start())
            found.application = Proposal(f"{module}:{match_app['name']}", place)
        if found.socket_io is None and (match_io := _SOCKET_IO.search(text)):
            found.socket_io = Proposal("/socket.io/", at_line(path, folder, text, match_io.start()))
    found.websockets = [full for each in found.websockets for full in _below_prefixes(each, routers)]
    known = {each.value for each in found.websockets}
    found.websockets += [each for each in handlers.sockets() if each.value not in known]
    found.health.sort(key=lambda each: _READY.search(each.value) is None)
    return found


def _below_prefixes(found: Proposal[str], routers: Routers) -> list[Proposal[str]]:
    """The same WebSocket with the prefixes that its router stands below, where it is one's."""
    file, _, line = found.found_in.rpartition(":")
    full = list(routers.paths(PurePath(file), int(line)))
    known = [Proposal(_as_path(path), found.found_in) for path in full if UNWRITTEN not in path]
    unwritten = f"{found.found_in}, below a prefix that no text says"
    return known or [replace(found, found_in=unwritten) if full else found]


def _home_of_modules(path: Path, folder: Path, text: str) -> Path:
    """The folder above a module in which most stands that it imports; the project's own where none has more."""
    names = set(_IMPORTED.findall(text))
    parts = path.parent.relative_to(folder).parts
    above = [folder.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]
    return max(above, key=lambda home: sum((home / name).is_dir() or (home / f"{name}.py").is_file() for name in names))


def _sources(folder: Path) -> Iterator[Path]:
    count = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT and not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if path.suffix not in _SUFFIXES or path.is_symlink():
                continue
            if count == _MOST_FILES:
                return
            if path.is_file() and path.stat().st_size <= _MOST_BYTES:
                count += 1
                yield path


def _as_path(written: str) -> str:
    """A path as it is asked for: what a framework fills by name is an id of the conversation's own."""
    path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{uuid:\1}", written)  # Django's re_path
    path = re.sub(r"<(?:\w+:)?(\w+)>", r"{uuid:\1}", path)  # Django's path, Flask
    path = re.sub(r"\{(\w+)(?::\w+)?\}(?<!\{uuid)", _filled, path)  # Starlette, Jakarta, Go
    path = re.sub(r"/:(\w+)", r"/{uuid:\1}", path)  # Express, Phoenix
    return "/" + path.strip("^$").lstrip("/")


def _filled(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith("{uuid:") else f"{{uuid:{match[1]}}}"
