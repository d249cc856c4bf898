"""What an import does to the world, noted as it happens, with who did it.

An effect is the package's own when the innermost frame is its own, or when its own code has called what had the effect.
It is a third party's when it happens while that one's module is being imported, and it is told apart.
"""

from __future__ import annotations

import _thread
import datetime as dt
import os
import random
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from .hook import AuditHook

Frames = list[dict[str, object]]

OPTIMIZED = 0x1  # of a code object: it is a function's, and no module's or class's body (inspect.COOPTIMIZED)
_CLOCK = (time.time, time.time_ns, dt.datetime.now, dt.datetime.utcnow, dt.datetime.today)
_CHANCE = (os.urandom, getattr(os, "getrandom", os.urandom), random.random, random.getrandbits)
_THREADS = ("start_new_thread", "start_joinable_thread")  # no audit event before Python 3.12
_SIGNALS = ("signal", "set_wakeup_fd", "setitimer", "alarm", "siginterrupt")
_IDENTITIES = frozenset({"uuid", "secrets", "random", "tempfile"})


class Effects:
    """What happened. `own` has the modules of the package by their files; `seen` the effects, `apart` the others'."""

    def __init__(self, own: dict[str, str]) -> None:
        self.own = own
        self.seen: list[dict[str, object]] = []
        self.apart: list[dict[str, object]] = []
        self._known: set[object] = set()

    def start(self) -> None:
        """Watch this process, for good: an audit hook cannot be taken away."""
        self._watch_environment()
        self._watch_loops()
        warnings.resetwarnings()
        warnings.simplefilter("always")
        show: Any = self._warned
        warnings.showwarning = show
        sys.addaudithook(AuditHook(self))
        sys.setprofile(self._profile_of())

    def stop(self) -> None:
        """No longer look at calls (the hook stays)."""
        sys.setprofile(None)

    def note(self, kind: str, detail: str, frame: FrameType | None, direct: frozenset[str] | None = None) -> bool:
        """Note it for whoever is on the stack; True where it is the package's own.

        With `direct`, only where nothing but those modules stands between the own code and the effect.
        """
        chain, foreign = self._attribute(frame, direct)
        if not chain and (direct is not None or not foreign):
            return False
        where = chain[-1] if chain else {"module": foreign, "line": 0}
        key = (kind, detail, where["module"], where["line"])
        if key not in self._known:
            self._known.add(key)
            effect = {"kind": kind, "detail": detail, "module": where["module"], "line": where["line"], "chain": chain}
            (self.seen if chain else self.apart).append(effect)
        return bool(chain)

    def _attribute(self, frame: FrameType | None, direct: frozenset[str] | None) -> tuple[Frames, str]:
        chain: Frames = []
        while frame is not None:
            code, names = frame.f_code, frame.f_globals
            module = self.own.get(code.co_filename)
            if module is not None:
                at_import = not code.co_flags & OPTIMIZED
                chain.append(
                    {"module": module, "line": frame.f_lineno, "function": code.co_name, "at_import": at_import}
                )
            elif not chain and names is not globals():
                if code.co_name == "<module>" and names.get("__file__") == code.co_filename:
                    return [], str(names.get("__name__"))
                if direct is not None and names.get("__name__") not in direct:
                    return [], ""
            frame = frame.f_back
        return chain[::-1], ""

    def _thread(self, frame: FrameType) -> None:
        name = getattr(frame.f_locals.get("self"), "name", "")  # of the Thread, where one is started
        self.note("thread", f"thread {name}".strip(), frame)

    def _warned(self, message: Any, category: Any, filename: str, lineno: int, *_rest: Any) -> None:
        text = f"{category.__name__}: {message}"
        module = self.own.get(filename)
        if module is None:
            self.note("warning", text, _caller(), frozenset({"warnings"}))
        elif ("warning", text, module, lineno) not in self._known:
            self._known.add(("warning", text, module, lineno))
            chain = [{"module": module, "line": lineno, "function": ""}]
            self.seen.append({"kind": "warning", "detail": text, "module": module, "line": lineno, "chain": chain})

    def _profile_of(self) -> Callable[[FrameType, str, object], None]:
        clock, chance = frozenset(_CLOCK), frozenset(_CHANCE)
        signals = frozenset(getattr(signal.signal.__globals__["_signal"], text) for text in _SIGNALS)
        threads = frozenset(getattr(_thread, text) for text in _THREADS if hasattr(_thread, text))
        today = dt.date.today

        def profile(frame: FrameType, event: str, called: Any) -> None:
            if event != "c_call":
                return
            try:
                if called in chance:
                    self.note("identity", called.__name__, frame, _IDENTITIES)
                elif called in clock or called == today:
                    self.note("clock", called.__qualname__, frame, frozenset({"uuid"}))
                elif called in threads:
                    self._thread(frame)
                elif called in signals:
                    self.note("signal", f"signal.{called.__name__}", frame)
            except TypeError:
                return  # bound to an object that cannot be hashed or compared: none of those looked for

        return profile

    def _watch_environment(self) -> None:
        effects = self
        kind: Any = type(os.environ)

        class Environment(kind):  # type: ignore[misc]
            def __getitem__(self, key: object) -> object:
                effects.read_variable(os.fsdecode(key) if isinstance(key, (str, bytes)) else str(key))
                return kind.__getitem__(self, key)

            def __iter__(self) -> Iterator[object]:
                effects.read_variable("*")
                return iter(kind.__iter__(self))

        os.environ.__class__ = Environment

    def read_variable(self, name: str) -> None:
        """Note that this variable is read ("*": all are), unless by a third party for a purpose of its own.

        Its own purpose it is where the variable's name stands in its code: own code has not chosen it then.
        """
        frame: FrameType | None = _caller().f_back
        between = frame
        while between is not None and between.f_code.co_filename not in self.own:
            if between.f_globals is not os.__dict__ and _says(between, name):
                self.apart.append({"kind": "environment-read", "detail": name, "module": _name(between), "line": 0})
                return
            between = between.f_back
        self.note("environment-read", name, frame)

    def _watch_loops(self) -> None:
        for module, kind, method, what in (
            ("asyncio.base_events", "BaseEventLoop", "__init__", "event loop"),
            ("asyncio.base_events", "BaseEventLoop", "create_task", "task"),
            ("asyncio.events", "BaseDefaultEventLoopPolicy", "new_event_loop", "event loop"),
        ):
            holder: object = getattr(sys.modules.get(module), kind, None)
            if holder is not None:
                setattr(holder, method, self._telling(getattr(holder, method), what))

    def _telling(self, usual: Any, what: str) -> Any:
        def call(*args: object, **kwargs: object) -> object:
            self.note("loop" if what == "event loop" else "thread", what, _caller())
            return usual(*args, **kwargs)

        return call


def _caller() -> FrameType:
    """The frame that has called the caller of this."""
    return sys._getframe(2)  # noqa: SLF001  the way to the stack


def _says(frame: FrameType, name: str) -> bool:
    def among(values: Any) -> bool:
        return any(value == name or (isinstance(value, (tuple, frozenset)) and among(value)) for value in values)

    names = [held for held in list(frame.f_globals.values()) if isinstance(held, (str, tuple))]
    return among(frame.f_code.co_consts) or among(names)


def _name(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
