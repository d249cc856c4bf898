"""Importing what is not the backend's own, watching what it does."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
from collections.abc import Iterator
from typing import Any


class ImportObserver:
    """A finder that finds nothing, and tells through a pipe the name of every module that is looked for."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002  importlib's protocol
        """None, always: the next finder is asked."""
        with contextlib.suppress(OSError):
            os.write(self._descriptor, name.encode() + b"\n")


def observe_imports(descriptor: int) -> None:
    """From now on every module that this process imports is named there, a line each."""
    observer: Any = ImportObserver(descriptor)
    sys.meta_path.insert(0, observer)


@contextlib.contextmanager
def environment_reads() -> Iterator[set[str]]:
    """The names of the variables that are read through `os.environ` or `os.getenv` meanwhile.

    Who goes through all of them (the standard library's CGI handler copies them) is noted as reading "*" and not each.
    """
    kind: Any = type(os.environ)
    getitem, iterate = kind.__getitem__, kind.__iter__
    reads: set[str] = set()
    passing: set[str] = set()  # gone through, and to be read next

    def noting(environment: Any, key: Any) -> Any:
        name = os.fsdecode(key)
        (passing.discard if name in passing else reads.add)(name)
        return getitem(environment, key)

    def going_through(environment: object) -> Iterator[object]:
        reads.add("*")
        for key in iterate(environment):
            passing.add(os.fsdecode(key))
            yield key

    kind.__getitem__, kind.__iter__ = noting, going_through
    try:
        yield reads
    finally:
        kind.__getitem__, kind.__iter__ = getitem, iterate


def import_each(names: list[str]) -> Iterator[dict[str, Any]]:
    """Import them in order. For each yields {"begin": name} and then what happened.

    That is {"name", "file", "error" (or None), "leaves" (what it has left behind, in words), "reads", "seconds"}.
    """
    for name in names:
        yield {"begin": name}
        began, before, error = time.monotonic(), leftovers(), None
        with environment_reads() as reads:
            try:
                importlib.import_module(name)
            except BaseException as raised:  # noqa: BLE001  a third party's import may raise what it likes
                error = type(raised).__name__ + ": " + str(raised)[:200]
        after = leftovers()
        yield {
            "name": name,
            "file": getattr(sys.modules.get(name), "__file__", None),
            "error": error,
            "leaves": [what for what in after if after[what] > before[what]],
            "reads": sorted(reads),
            "seconds": round(time.monotonic() - began, 4),
        }


def leftovers() -> dict[str, int]:
    """How many there are of what must not be there when the agent forks: other threads, other open descriptors."""
    threads, descriptors = len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))  # noqa: PTH208  counted only
    return {"a thread": threads, "a descriptor": descriptors}
