"""The interpreter that imports, as a process of this machine: asked in JSON lines, each answer with a deadline."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import msgspec

from envparity.audit.imported import Imported, Survey, imported
from envparity.audit.program import audit_program
from envparity.errors import DeadlineExceeded, LaunchError

__all__ = ["Interpreter", "PackageUnknown", "Pipe", "Start", "Tell", "local_interpreter", "open_interpreter"]

_SURVEY_S = 60.0
_PRELOAD_S = 120.0
_CPU_S = 20.0
_IDLE_S = 20.0
_IMPORT_S = 300.0  # by the clock, however busy the machine is
_MARGIN_S = 30.0
_PARALLEL = 2
_KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "VIRTUAL_ENV",
)


class PackageUnknown(LaunchError):
    """The interpreter finds no package of that name."""


class Pipe(Protocol):
    """Two ends of a conversation with a started interpreter."""

    def write(self, data: bytes) -> None: ...
    def read(self, timeout_s: float) -> bytes:
        """What has come, at once; nothing after `timeout_s` seconds. Raises `LaunchError` at the end."""
        ...


Start = Callable[[], AbstractContextManager[Pipe]]
Tell = Callable[[int, int], None]


def _silent(_done: int, _of: int) -> None:
    """Nobody is told."""


class Interpreter:
    """A conversation with one interpreter. Made by `open_interpreter`."""

    def __init__(self, pipe: Pipe, start: Start, task: Mapping[str, object]) -> None:
        self._pipe, self._start, self._task = pipe, start, task
        self._text = b""
        self._pipe.write(json.dumps(task).encode() + b"\n")
        first = self._answer("the package to be surveyed", _SURVEY_S)
        if "unknown" in first:
            raise PackageUnknown(f"this interpreter finds no package {first['unknown']}")
        self.survey = msgspec.convert(first["survey"], Survey)
        self.python = ""
        self._forks = False

    def get_ready(self) -> str | None:
        """Wait until the others' modules are imported; the name of one that imports the package, if there is one."""
        answer = self._answer("the third-party modules to be imported", _PRELOAD_S)
        self._forks, self.python = bool(answer.get("ready")), str(answer.get("python", ""))
        again = answer.get("again_without")
        return str(again) if again is not None else None

    def run(self, orders: Sequence[Sequence[str]], tell: Tell = _silent) -> list[Imported]:
        """Import in each of these orders, each in a process of its own; what came of it, in the same sequence.

        `tell` hears how many of how many are done.
        """
        if not orders:
            return []
        if self._forks:
            return self._ask(orders, tell)
        runs = []
        for order in orders:
            runs.append(self._run_apart(order))
            tell(len(runs), len(orders))
        return runs

    def _ask(self, orders: Sequence[Sequence[str]], tell: Tell) -> list[Imported]:
        self._pipe.write(json.dumps({"orders": [list(order) for order in orders]}).encode() + b"\n")
        found: dict[int, Imported] = {}
        while len(found) < len(orders):
            answer = self._answer("modules to be imported", _IMPORT_S + _MARGIN_S)
            index = answer["order"]
            found[index] = imported(orders[index], answer["lines"], starved_s=answer.get("starved"))
            tell(len(found), len(orders))
        return [found[index] for index in range(len(orders))]

    def _run_apart(self, order: Sequence[str]) -> Imported:
        """In an interpreter of its own, where this one must not fork any more: it has more than one thread."""
        with self._start() as pipe:
            fresh = Interpreter(pipe, self._start, {**self._task, "preload": False})
            fresh.get_ready()
            try:
                return fresh._ask([order], _silent)[0]
            except DeadlineExceeded as error:
                return imported(order, [{"begin": order[-1]}], starved_s=error.timeout_s)
            except LaunchError as error:
                return imported(order, [{"begin": order[-1]}, {"ended": str(error)}])

    def _answer(self, waited_for: str, timeout_s: float) -> dict[str, Any]:
        until = time.monotonic() + timeout_s
        while b"\n" not in self._text:
            left = until - time.monotonic()
            if left <= 0:
                raise DeadlineExceeded(waited_for, timeout_s)
            self._text += self._pipe.read(left)
        line, _, self._text = self._text.partition(b"\n")
        answer: dict[str, object] = json.loads(line)
        return answer


@contextmanager
def open_interpreter(
    start: Start, package: str, root: str | None, request_scoped: Sequence[str]
) -> Iterator[tuple[Survey, Callable[[], Interpreter]]]:
    """The package's survey, and what waits for the interpreter that can import it.

    Raises `PackageUnknown` where there is no such package, `LaunchError` or `DeadlineExceeded` where the interpreter
    fails.
    """
    without: list[str] = []
    opened: list[AbstractContextManager[Pipe]] = []

    def begin() -> Interpreter:
        holder = start()
        pipe = holder.__enter__()
        opened.append(holder)
        task = {
            "package": package,
            "root": root,
            "request_scoped": list(request_scoped),
            "without": without,
            "preload": True,
            "cpu_s": _CPU_S,
            "idle_s": _IDLE_S,
            "deadline_s": _IMPORT_S,
            "parallel": min(_PARALLEL, os.cpu_count() or 1),
        }
        return Interpreter(pipe, start, task)

    try:
        first = begin()

        def ready() -> Interpreter:
            process = first
            while (again := process.get_ready()) is not None:
                without.append(again)
                process = begin()
            return process

        yield first.survey, ready
    finally:
        for holder in opened:
            holder.__exit__(None, None, None)


class _ProcessPipe:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is None or process.stdout is None:
            raise LaunchError("the audit's interpreter has no pipes")
        self._process, self._stdin, self._stdout = process, process.stdin, process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)

    def write(self, data: bytes) -> None:
        try:
            self._stdin.write(data)
            self._stdin.flush()
        except BrokenPipeError as error:
            raise LaunchError("the audit's interpreter has ended") from error

    def read(self, timeout_s: float) -> bytes:
        if not self._selector.select(timeout_s):
            return b""
        data = os.read(self._stdout.fileno(), 1 << 16)
        if not data:
            status = self._process.wait(timeout=5)
            raise LaunchError(f"the audit's interpreter has ended with exit status {status}")
        return data

    def close(self) -> None:
        self._selector.close()


@contextmanager
def local_interpreter(python: str) -> Iterator[Pipe]:
    """That interpreter of this machine, with the text of `audit.program` and an environment of few variables."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    try:
        process = subprocess.Popen(
            [python, "-c", audit_program()], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    except OSError as error:
        raise LaunchError(f"{python} cannot be run: {error.strerror}") from error
    with process:
        pipe = _ProcessPipe(process)
        try:
            yield pipe
        finally:
            process.kill()
            pipe.close()
