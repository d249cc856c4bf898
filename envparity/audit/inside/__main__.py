"""The words of the protocol.

The first line read: {"package", "root" or null, "request_scoped", "without", "preload", "cpu_s", "idle_s",
"deadline_s", "parallel"}. It is answered by {"survey": …}, then by {"ready": whether it forks} (or {"again_without":
name}, and it ends); with "preload" others' modules are imported before. Every further line is {"orders": [[module, …],
…]}; the answers are {"order": index, "lines": […]}, as each is done, with "starved": seconds where an import neither
came to its end nor had its time of the processor. Where it cannot fork it imports the first order of one request in
this very process, and ends.
"""

from __future__ import annotations

import gc
import json
import math
import os
import resource
import selectors
import signal
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

from ..guard import Watch
from .generated import Generated
from .imports import import_in_order
from .survey import PackageSurvey

_READ = 1 << 16
_LOOK_S = 0.25


class ImportingChild:
    """A forked process that imports one order, what it has said so far, and how long it has waited for something."""

    def __init__(self, index: int, pid: int, pipe: int, deadline_s: float) -> None:
        self.index, self.pid, self.pipe = index, pid, pipe
        self.looked = time.monotonic()
        self.until = self.looked + deadline_s
        self.idle_s = 0.0
        self.text = bytearray()
        self._asleep, self._used_s = False, 0.0

    def hear(self, data: bytes, deadline_s: float) -> None:
        """Keep what it said: one import has ended, and the next has its own time."""
        self.text += data
        self.idle_s, self.until = 0.0, time.monotonic() + deadline_s

    def look(self) -> None:
        """Count the time since the last look as idle where it slept at both ends, less what it computed."""
        now = time.monotonic()
        asleep, used_s = _state(self.pid)
        if asleep and self._asleep:
            self.idle_s += max(0.0, now - self.looked - (used_s - self._used_s))
        self.looked, self._asleep, self._used_s = now, asleep, used_s

    def lines(self, end: str) -> list[dict[str, object]]:
        """What it said, and `end` where it did not come to its end."""
        lines = [json.loads(line) for line in bytes(self.text).splitlines(keepends=True) if line.endswith(b"\n")]
        return lines if lines and "effects" in lines[-1] else [*lines, {"ended": end}]


class ImportServer:
    """Answers on the descriptor that was standard output; what the modules print goes nowhere."""

    def __init__(self) -> None:
        self._answers = os.dup(1)
        os.set_inheritable(self._answers, False)  # noqa: FBT003  it takes nothing else
        null = os.open(os.devnull, os.O_RDWR)
        self._questions = os.fdopen(os.dup(0), "rb")
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        task = json.loads(self._questions.readline())
        self._cpu_s, self._idle_s = float(task["cpu_s"]), float(task["idle_s"])
        self._deadline_s, self._parallel = float(task["deadline_s"]), int(task["parallel"])
        self._preload = bool(task["preload"]) and hasattr(os, "fork")
        self.without = list(task["without"])
        self.watch = Watch(task["request_scoped"])
        self._generated = Generated()
        try:
            self.survey = PackageSurvey(task["package"], task["root"], self.watch)
        except LookupError:
            self.answer({"unknown": task["package"]})
            raise SystemExit(0) from None

    def answer(self, line: object) -> None:
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
        self._generated.install()
        if self._preload:
            culprit = found.preload(self.without)
            if culprit is not None:
                self.answer({"again_without": culprit})
                return
            self._generated.fresh.clear()
            gc.collect()
            gc.freeze()
        fit = hasattr(os, "fork") and threading.active_count() == 1 and not any(found.own(name) for name in sys.modules)
        self.answer({"ready": fit, "python": sys.version.split()[0]})
        for line in iter(self._questions.readline, b""):
            orders = json.loads(line)["orders"]
            if not fit:
                _limit_cpu(self._cpu_s)
                self.answer({"order": 0, "lines": list(import_in_order(found, self.watch, orders[0]))})
                return
            self._import_each(orders)

    def _import_each(self, orders: list[list[str]]) -> None:
        waiting = list(enumerate(orders))[::-1]
        children: dict[int, ImportingChild] = {}
        with selectors.DefaultSelector() as selector:
            while waiting or children:
                while waiting and len(children) < self._parallel:
                    child = self._start(*waiting.pop())
                    children[child.pipe] = child
                    selector.register(child.pipe, selectors.EVENT_READ)
                for key, _ in selector.select(_LOOK_S):
                    data = os.read(key.fd, _READ)
                    children[key.fd].hear(data, self._deadline_s)
                    if not data:
                        selector.unregister(key.fd)
                        self._end(children.pop(key.fd), "")
                for child in list(children.values()):
                    if time.monotonic() - child.looked >= _LOOK_S:
                        child.look()
                    starved = time.monotonic() >= child.until
                    if child.idle_s >= self._idle_s or starved:
                        os.kill(child.pid, signal.SIGKILL)
                        selector.unregister(child.pipe)
                        reason = f"no end after {self._idle_s:g} s of waiting for something"
                        self._end(children.pop(child.pipe), reason, starved=child.idle_s < self._idle_s)

    def _start(self, index: int, order: list[str]) -> ImportingChild:
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._be_a_child(read_end, write_end, order)
        os.close(write_end)
        return ImportingChild(index, pid, read_end, self._deadline_s)

    def _be_a_child(self, read_end: int, write_end: int, order: list[str]) -> NoReturn:
        try:
            os.close(read_end)
            os.close(self._answers)
            gc.disable()  # `import_in_order` collects in the end; until then it would look through every import again
            for line in import_in_order(self.survey, self.watch, order):
                if "begin" in line:
                    _limit_cpu(self._cpu_s)
                if "effects" in line:
                    line["generated"] = self._generated.fresh
                data = json.dumps(line).encode() + b"\n"
                while data:
                    data = data[os.write(write_end, data) :]
        finally:
            os._exit(0)  # whatever was raised: nothing may climb from here into the server's own loop

    def _end(self, child: ImportingChild, reason: str, *, starved: bool = False) -> None:
        os.close(child.pipe)
        _, status = os.waitpid(child.pid, 0)
        ended = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit status {os.WEXITSTATUS(status)}"
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
            ended = f"no end after {self._cpu_s:g} s of processor time"
        lines = child.lines(reason or ended)
        generated = lines[-1].pop("generated", None)
        self._generated.learn(generated if isinstance(generated, list) else [])
        answer = {"order": child.index, "lines": lines}
        self.answer({**answer, "starved": self._deadline_s} if starved else answer)


def _limit_cpu(cpu_s: float) -> None:
    """End this process by SIGXCPU when it has computed for that long, from now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = math.ceil(used.ru_utime + used.ru_stime + cpu_s)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    resource.setrlimit(resource.RLIMIT_CPU, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _state(pid: int) -> tuple[bool, float]:
    """Whether its main thread sleeps (and so waits for no processor and no disk), and the seconds it has computed."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return False, 0.0  # no such file system: then the deadline alone tells
    return fields[0] == b"S", (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Serve."""
    ImportServer().serve()
