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

from envparity.audit.finding import Place
from envparity.audit.program import audit_program
from envparity.errors import DeadlineExceeded, LaunchError

__all__ = [
    "Effect",
    "Imported",
    "Interpreter",
    "Made",
    "Outcome",
    "Pipe",
    "Survey",
    "Unknown",
    "local_interpreter",
    "open_interpreter",
]

_SURVEY_S = 60.0
_PRELOAD_S = 120.0
_IMPORT_S = 20.0
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


class Unknown(LaunchError):
    """The interpreter finds no package of that name."""


class Frame(msgspec.Struct, frozen=True):
    """One call of the package's own, and whether it is the body of a module or class: what runs at import."""

    module: str
    line: int
    function: str
    at_import: bool = True

    @property
    def place(self) -> Place:
        return Place(self.module, self.line, self.function)


class Effect(msgspec.Struct, frozen=True):
    """What an import did, and the package's own calls that led to it, the outermost first."""

    kind: str
    detail: str
    module: str
    line: int
    chain: tuple[Frame, ...] = ()


class Made(msgspec.Struct, frozen=True):
    """An object of a watched type that an import made."""

    type: str
    module: str
    line: int
    chain: tuple[Frame, ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """How the import of one module ended. `refused`: it raised because the audit refused an effect."""

    outcome: str
    error: str | None
    chain: tuple[Frame, ...] = ()
    refused: bool = False
    missing: str | None = None  # the module of others that is not installed


class Imported(msgspec.Struct, frozen=True):
    """What came of importing some modules in that order in one process."""

    order: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    effects: tuple[Effect, ...]
    apart: tuple[Effect, ...]
    made: tuple[Made, ...]
    contents: Mapping[str, int]


class Survey(msgspec.Struct, frozen=True):
    """The package as the interpreter sees it. `programs` run when imported, and are left alone."""

    root: str
    files: Mapping[str, str]
    modules: tuple[str, ...]
    programs: tuple[str, ...]
    unreadable: tuple[Mapping[str, Any], ...]
    warned: tuple[Mapping[str, Any], ...]


class Pipe(Protocol):
    """Two ends of a conversation with a started interpreter."""

    def write(self, data: bytes) -> None: ...
    def read(self, timeout_s: float) -> bytes:
        """What has come, at once; nothing after `timeout_s` seconds. Raises `LaunchError` at the end."""
        ...


Start = Callable[[], AbstractContextManager[Pipe]]


class Interpreter:
    """A conversation with one interpreter. Made by `open_interpreter`."""

    def __init__(self, pipe: Pipe, start: Start, task: Mapping[str, Any]) -> None:
        self._pipe, self._start, self._task = pipe, start, task
        self._text = b""
        self._pipe.write(json.dumps(task).encode() + b"\n")
        first = self._answer("the package to be surveyed", _SURVEY_S)
        if "unknown" in first:
            raise Unknown(f"this interpreter finds no package {first['unknown']}")
        self.survey = msgspec.convert(first["survey"], Survey)
        self.python = ""
        self._forks = False

    def get_ready(self) -> str | None:
        """Wait until the others' modules are imported; the name of one that imports the package, if there is one."""
        answer = self._answer("the third-party modules to be imported", _PRELOAD_S)
        self._forks, self.python = bool(answer.get("ready")), str(answer.get("python", ""))
        again = answer.get("again_without")
        return str(again) if again is not None else None

    def run(self, orders: Sequence[Sequence[str]]) -> list[Imported]:
        """Import in each of these orders, each in a process of its own; what came of it, in the same sequence."""
        if not orders:
            return []
        if not self._forks:
            return [self._run_apart(order) for order in orders]
        return list(self._ask(orders))

    def _ask(self, orders: Sequence[Sequence[str]]) -> list[Imported]:
        self._pipe.write(json.dumps({"orders": [list(order) for order in orders]}).encode() + b"\n")
        found: dict[int, Imported] = {}
        while len(found) < len(orders):
            answer = self._answer("modules to be imported", _IMPORT_S + 10.0)
            found[answer["order"]] = _imported(orders[answer["order"]], answer["lines"])
        return [found[index] for index in range(len(orders))]

    def _run_apart(self, order: Sequence[str]) -> Imported:
        """In an interpreter of its own, where this one cannot fork (or must not: it has more than one thread)."""
        with self._start() as pipe:
            fresh = Interpreter(pipe, self._start, {**self._task, "fork": False})
            fresh.get_ready()
            try:
                return fresh._ask([order])[0]
            except (DeadlineExceeded, LaunchError) as error:
                return _imported(order, [{"begin": order[-1]}, {"ended": str(error)}])

    def _answer(self, waited_for: str, timeout_s: float) -> dict[str, Any]:
        until = time.monotonic() + timeout_s
        while b"\n" not in self._text:
            left = until - time.monotonic()
            if left <= 0:
                raise DeadlineExceeded(waited_for, timeout_s)
            self._text += self._pipe.read(left)
        line, _, self._text = self._text.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _imported(order: Sequence[str], lines: Sequence[Mapping[str, Any]]) -> Imported:
    outcomes = [msgspec.convert(line, Outcome) for line in lines if "outcome" in line]
    begun = [str(line["begin"]) for line in lines if "begin" in line]
    last = lines[-1] if lines else {"ended": "it said nothing"}
    if "ended" in last:
        outcomes.append(Outcome(begun[-1] if begun else order[0], f"the process ended: {last['ended']}"))
    return Imported(
        tuple(order),
        tuple(outcomes),
        msgspec.convert(last.get("effects", []), tuple[Effect, ...]),
        msgspec.convert(last.get("apart", []), tuple[Effect, ...]),
        msgspec.convert(last.get("made", []), tuple[Made, ...]),
        msgspec.convert(last.get("contents", {}), dict[str, int]),
    )


@contextmanager
def open_interpreter(
    start: Start, package: str, root: str | None, request_scoped: Sequence[str]
) -> Iterator[tuple[Survey, Callable[[], Interpreter]]]:
    """The package's survey, and what waits for the interpreter that can import it.

    Raises `Unknown` where there is no such package, `LaunchError` or `DeadlineExceeded` where the interpreter fails.
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
            "fork": True,
            "deadline_s": _IMPORT_S,
            "parallel": min(_PARALLEL, os.cpu_count() or 1),
        }
        return Interpreter(pipe, start, task)

    try:
        first = begin()

        def ready() -> Interpreter:
            one = first
            while (again := one.get_ready()) is not None:
                without.append(again)
                one = begin()
            return one

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
