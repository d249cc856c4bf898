"""What Python tells of (PEP 578) while a package is imported: noted, and refused where it is the package's own."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Protocol

Arguments = tuple[Any, ...]
Handler = Callable[[str, Arguments, FrameType], None]

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_SPAWNS = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
)
_CHANGES = (
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.truncate",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.chown",
)
_NAMES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")


class Notes(Protocol):
    """Who notes effects."""

    def note(self, kind: str, detail: str, frame: FrameType | None) -> bool:
        """Note it for whoever is on the stack; True where it is the package's own."""
        ...


class AuditHook:
    """A hook for `sys.addaudithook`, which has `effects` note what happens."""

    def __init__(self, effects: Notes) -> None:
        self._effects = effects
        self._handlers = self._by_event()

    def _by_event(self) -> dict[str, Handler]:
        handlers: dict[str, Handler] = {
            "open": self._opened,
            "socket.connect": self._refusing("connection", errno.ECONNREFUSED, _second),
            "socket.sendto": self._refusing("connection", errno.ECONNREFUSED, _second),
            "sqlite3.connect": self._refusing("connection", errno.EACCES, _first),
            "socket.bind": self._refusing("listening", errno.EACCES, _second),
            "os.putenv": self._environment_set,
            "os.unsetenv": self._environment_set,
        }
        handlers.update(dict.fromkeys(_NAMES, self._looked_up))
        handlers.update(dict.fromkeys(_SPAWNS, self._refusing("process", errno.EPERM, _first)))
        handlers.update(dict.fromkeys(_CHANGES, self._refusing("file", errno.EROFS, _first)))
        return handlers

    def __call__(self, event: str, arguments: Any) -> None:
        handler = self._handlers.get(event)
        if handler is not None:
            handler(event, arguments, sys._getframe(1))  # noqa: SLF001  the way to the stack

    def _refusing(self, kind: str, number: int, which: Callable[[Arguments], object]) -> Handler:
        def handle(event: str, arguments: Arguments, frame: FrameType) -> None:
            detail = f"{event} {_shown(which(arguments))}".strip()
            if self._effects.note(kind, detail, frame):
                raise refusal(number, detail)

        return handle

    def _looked_up(self, event: str, arguments: Arguments, frame: FrameType) -> None:
        host = _shown(_first(arguments))
        if _is_name(host) and self._effects.note("lookup", f"{event} {host}", frame):
            raise refusal(errno.EHOSTUNREACH, f"{event} {host}")

    def _opened(self, _event: str, arguments: Arguments, frame: FrameType) -> None:
        path, mode, flags = arguments
        writing = any(item in mode for item in "wax+") if isinstance(mode, str) else bool((flags or 0) & _WRITING)
        if not writing or isinstance(path, int) or os.fsdecode(path).startswith("/dev/"):
            return
        detail = f"open {_shown(path)} to write"
        if self._effects.note("file", detail, frame):
            raise refusal(errno.EROFS, detail)

    def _environment_set(self, event: str, arguments: Arguments, frame: FrameType) -> None:
        self._effects.note("environment-set", f"{event.rpartition('.')[2]} {os.fsdecode(arguments[0])}", frame)


def refusal(number: int, detail: str) -> OSError:
    """What is raised in place of an effect that would reach beyond the process; code that bears a failure goes on."""
    text = f"the audit lets no import do this: {detail}"
    error = socket.gaierror(socket.EAI_AGAIN, text) if number == errno.EHOSTUNREACH else OSError(number, text)
    error.envparity_refused = True  # type: ignore[attr-defined]
    return error


def _is_name(host: str) -> bool:
    """Whether a resolver would have to be asked: an address needs none."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.partition("%")[0])
        except (OSError, ValueError):
            continue
        return False
    return host not in {"", "None"}


def _first(arguments: Arguments) -> object:
    return arguments[0] if arguments else ""


def _second(arguments: Arguments) -> object:
    return arguments[1] if len(arguments) > 1 else ""


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ":".join(str(each_value) for each_value in value[:2])
    return str(os.fsdecode(value) if isinstance(value, (bytes, os.PathLike)) else value)[:120]
