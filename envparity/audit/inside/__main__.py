"""The words of the protocol.

The first line read: {"package", "root" or null, "request_scoped", "without", "fork", "deadline_s", "parallel"}. It is
answered by {"survey": …}, then, where it forks, by {"ready": true} (or {"again_without": name}, and it ends). Every
further line is {"orders": [[module, …], …]}; the answers are {"order": index, "lines": […]}, as each is done. Without
fork it imports the first order of one request in this very process, and ends.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import sys
import threading
import time
from typing import Any, NoReturn

from ..guard import Watch
from .imports import import_in_order
from .survey import Survey

_READ = 1 << 16


class Child:
    """A forked process that imports one order, and what it has said so far."""

    def __init__(self, index: int, pid: int, pipe: int, deadline_s: float) -> None:
        self.index, self.pid, self.pipe = index, pid, pipe
        self.until = time.monotonic() + deadline_s
        self.text = bytearray()

    def lines(self, end: str) -> list[Any]:
        """What it said, and `end` where it did not come to its end."""
        lines = [json.loads(line) for line in bytes(self.text).splitlines(keepends=True) if line.endswith(b"\n")]
        return lines if lines and "effects" in lines[-1] else [*lines, {"ended": end}]


class Server:
    """Answers on the descriptor that was standard output; what the modules print goes nowhere."""

    def __init__(self) -> None:
        self._answers = os.dup(1)
        os.set_inheritable(self._answers, False)  # noqa: FBT003  it takes nothing else
        null = os.open(os.devnull, os.O_RDWR)
        self._questions = os.fdopen(os.dup(0), "rb")
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        task = json.loads(self._questions.readline())
        self._deadline_s, self._parallel = float(task["deadline_s"]), int(task["parallel"])
        self.fork = bool(task["fork"]) and hasattr(os, "fork")
        self.without = list(task["without"])
        self.watch = Watch(task["request_scoped"])
        try:
            self.survey = Survey(task["package"], task["root"], self.watch)
        except LookupError:
            self.answer({"unknown": task["package"]})
            raise SystemExit(0) from None

    def answer(self, line: Any) -> None:
        """One line."""
        data = json.dumps(line).encode() + b"\n"
        while data:
            data = data[os.write(self._answers, data) :]

    def serve(self) -> None:
        """Until there are no more questions."""
        found = self.survey
        self.answer(
            {
                "survey": {
                    "root": found.root,
                    "files": found.files,
                    "modules": found.modules,
                    "programs": found.programs,
                    "unreadable": list(found.unreadable.values()),
                    "warned": found.warned,
                }
            }
        )
        found.serve_codes()
        if self.fork:
            culprit = found.preload(self.without)
            if culprit is not None:
                self.answer({"again_without": culprit})
                return
            gc.collect()
            gc.freeze()
        fit = self.fork and threading.active_count() == 1 and not any(found.own(name) for name in sys.modules)
        self.answer({"ready": fit, "python": sys.version.split()[0]})
        for line in iter(self._questions.readline, b""):
            orders = json.loads(line)["orders"]
            if not fit:
                self.answer({"order": 0, "lines": list(import_in_order(found, self.watch, orders[0]))})
                return
            self._import_each(orders)

    def _import_each(self, orders: list[list[str]]) -> None:
        waiting = list(enumerate(orders))[::-1]
        children: dict[int, Child] = {}
        with selectors.DefaultSelector() as selector:
            while waiting or children:
                while waiting and len(children) < self._parallel:
                    child = self._start(*waiting.pop())
                    children[child.pipe] = child
                    selector.register(child.pipe, selectors.EVENT_READ)
                until = min(child.until for child in children.values())
                for key, _ in selector.select(max(0.0, until - time.monotonic())):
                    data = os.read(key.fd, _READ)
                    children[key.fd].text += data
                    if not data:
                        selector.unregister(key.fd)
                        self._end(children.pop(key.fd), "")
                for child in [one for one in children.values() if one.until <= time.monotonic()]:
                    os.kill(child.pid, signal.SIGKILL)
                    selector.unregister(child.pipe)
                    self._end(children.pop(child.pipe), f"no end after {self._deadline_s:g} s")

    def _start(self, index: int, order: list[str]) -> Child:
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._be_a_child(read_end, write_end, order)
        os.close(write_end)
        return Child(index, pid, read_end, self._deadline_s)

    def _be_a_child(self, read_end: int, write_end: int, order: list[str]) -> NoReturn:
        try:
            os.close(read_end)
            os.close(self._answers)
            for line in import_in_order(self.survey, self.watch, order):
                data = json.dumps(line).encode() + b"\n"
                while data:
                    data = data[os.write(write_end, data) :]
        finally:
            os._exit(0)  # whatever was raised: nothing may climb from here into the server's own loop

    def _end(self, child: Child, reason: str) -> None:
        os.close(child.pipe)
        _, status = os.waitpid(child.pid, 0)
        ended = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit status {os.WEXITSTATUS(status)}"
        self.answer({"order": child.index, "lines": child.lines(reason or ended)})


def main() -> None:
    """Serve."""
    Server().serve()
