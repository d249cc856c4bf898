"""Watches types of which no object may be made before there is a request, and says who made one.

This file needs nothing but the standard library of Python 3.9 or newer and nothing of this project, so that it can be
carried into the backend's own interpreter. Install it before the backend is imported:

    report = install(["WebSocketManager", "UserExecutionContext"])
    ...                       # import, boot
    for made in report(): ... # {"type", "module", "line", "function", "chain", "monotonic"}

A class is watched by a decorator that is put before its own ones when its module is compiled, so that even an object
made further down in the same module is seen; classes that exist already are watched from `install` on. What is changed
is `__init__`: an object that is copied or unpickled is not made anew, and a type without Python's `__init__` (a C
extension's, msgspec's) is not seen.
"""

from __future__ import annotations

import ast
import builtins
import functools
import importlib.machinery
import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Watch", "install"]

Made = dict[str, object]
Tell = Callable[[Made], None]
_DECORATOR = "__envparity_watched__"


class Watch:
    """The watched names, dotted (`package.module.Type`) or bare (`Type`, in any module), and what was made of them.

    `tell` is called with each record at the moment it is made.
    """

    def __init__(self, names: Sequence[str], tell: Tell | None = None) -> None:
        self.made: list[Made] = []
        self.under_way: set[int] = set()
        self._tell = tell
        self._dotted = {name for name in names if "." in name}
        self._bare = {name for name in names if "." not in name}
        words = b"|".join(sorted({re.escape(name.rpartition(".")[2].encode()) for name in names}))
        self._defined = re.compile(rb"\bclass\s+(?:" + words + rb")\b")

    def concerns(self, source: bytes) -> bool:
        """Whether a module of that source may define a watched class."""
        return self._defined.search(source) is not None

    def decorate(self, tree: ast.Module, module: str) -> bool:
        """Put the watching decorator before those of each watched class of that module; False where there is none."""
        found = False
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and self._is_watched(module, node.name):
                first: Any = node.decorator_list[0] if node.decorator_list else node
                mark = ast.Name(id=_DECORATOR, ctx=ast.Load())
                node.decorator_list.insert(0, ast.copy_location(mark, first))
                found = True
        return found

    def open(self) -> None:
        """Let the decorated classes find the decorator."""
        setattr(builtins, _DECORATOR, self.watched)

    def watched(self, kind: Any) -> Any:
        """That class, from now on telling of every object made."""
        original: Any = kind.__init__
        watch = self
        plain: Any = object

        @functools.wraps(original)
        def __init__(self: object, *args: object, **kwargs: object) -> None:  # noqa: N807  it becomes the class's own
            first = id(self) not in watch.under_way  # and not called through the super() of another watched class
            watch.under_way.add(id(self))
            try:
                if first:
                    watch.note(type(self))
                if original is not plain.__init__:
                    original(self, *args, **kwargs)
                elif (args or kwargs) and type(self).__new__ is plain.__new__:
                    raise TypeError(f"{type(self).__name__}() takes no arguments")
            finally:
                if first:
                    watch.under_way.discard(id(self))

        try:
            kind.__init__ = __init__
        except (AttributeError, TypeError):
            return kind  # a type that lets nothing be set: it cannot be watched
        return kind

    def note(self, kind: type) -> None:
        """One object of that type has just been made."""
        chain = _chain(kind.__module__.partition(".")[0])
        last = chain[-1] if chain else {"module": "", "line": 0, "function": ""}
        name = f"{kind.__module__}.{kind.__qualname__}"
        record = {"type": name, **last, "chain": chain, "monotonic": time.monotonic()}
        self.made.append(record)
        if self._tell is not None:
            self._tell(record)

    def existing(self) -> list[type]:
        """The classes to watch in the modules that are imported already."""
        return [
            kind
            for name, module in list(sys.modules.items())
            for kind in list(getattr(module, "__dict__", {}).values())
            if isinstance(kind, type) and kind.__module__ == name and self._is_watched(name, kind.__name__)
        ]

    def code(self, source: bytes, path: str, module: str) -> object:
        """The code of that module with its watched classes decorated; None where it has none."""
        if not self.concerns(source):
            return None
        tree = ast.parse(source, path)
        return compile(tree, path, "exec", dont_inherit=True) if self.decorate(tree, module) else None

    def _is_watched(self, module: str, name: str) -> bool:
        return name in self._bare or f"{module}.{name}" in self._dotted


def install(
    names: Sequence[str], tell: Tell | None = None, existing: Sequence[type] | None = None
) -> Callable[[], list[Made]]:
    """Watch those types in this process, from now on; returns what gives a copy of all that was made so far.

    `tell`, where given, is called with each record as it is made (to write it into a pipe, say). `existing` is what
    `Watch.existing` would find, where somebody has looked already: there is much to go through.
    """
    watch = Watch(names, tell)
    watch.open()
    for kind in watch.existing() if existing is None else existing:
        watch.watched(kind)
    loader: Any = importlib.machinery.SourceFileLoader
    usual = loader.get_code

    def get_code(self: Any, fullname: str) -> Any:
        path = self.get_filename(fullname)
        code = watch.code(self.get_data(path), path, fullname)
        return usual(self, fullname) if code is None else code

    loader.get_code = get_code
    return lambda: list(watch.made)


def _chain(package: str) -> list[dict[str, object]]:
    """The calls inside that package, outermost first, that have led here."""
    chain = []
    frame: Any = sys._getframe(1)  # noqa: SLF001  the way to the stack
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        file = frame.f_code.co_filename
        if module.partition(".")[0] == package and not file.startswith("<") and file != __file__:
            at_import = not frame.f_code.co_flags & 0x1  # inspect.CO_OPTIMIZED: only a function's code has it
            name = frame.f_code.co_name
            chain.append({"module": module, "line": frame.f_lineno, "function": name, "at_import": at_import})
        frame = frame.f_back
    return chain[::-1]
