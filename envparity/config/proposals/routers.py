"""Where routers of FastAPI put the WebSockets that they have: below prefixes of their own, and of who includes them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final, NamedTuple

__all__ = ["UNWRITTEN", "Routers"]

UNWRITTEN: Final = "{prefix}"
"""What stands for a prefix that no text in the code says."""
_ROUTERS: Final = frozenset({"APIRouter", "FastAPI"})
_DEEPEST: Final = 20


class _Router(NamedTuple):
    """A router as it is found: the module that it is made in, and its name there."""

    module: str
    name: str


@dataclass
class _Module:
    prefixes: dict[str, str] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)  # a module, and what of it; "" for itself
    included: list[tuple[str, str, str]] = field(default_factory=list)  # by whom, what, below which prefix
    sockets: dict[int, tuple[str, str]] = field(default_factory=dict)  # by line: whose, and its path


class Routers:
    """Modules of a project, as far as they say how routers include one another."""

    def __init__(self) -> None:
        self._modules: dict[str, _Module] = {}

    def add(self, path: PurePath, text: str) -> None:
        """Read one, by its path below the project; what is no Python is passed over."""
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        package = path.parent.parts
        parts = package if path.stem == "__init__" else (*package, path.stem)
        made = self._modules[".".join(parts)] = _Module()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                above = package[: len(package) - node.level + 1] if node.level else ()
                module = ".".join((*above, *([node.module] if node.module else [])))
                made.imports |= {alias.asname or alias.name: (module, alias.name) for alias in node.names}
            elif isinstance(node, ast.Import):
                made.imports |= {alias.asname: (alias.name, "") for alias in node.names if alias.asname}
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                _router(made, node)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                _call(made, node, node.func)

    def paths(self, path: PurePath, line: int) -> Iterator[str]:
        """The paths of the WebSocket that stands in that line; none where none does."""
        parts = path.parent.parts if path.stem == "__init__" else (*path.parent.parts, path.stem)
        module = ".".join(parts)
        owner, below = self._modules.get(module, _Module()).sockets.get(line, ("", ""))
        if owner:
            yield from dict.fromkeys(self._below(_Router(module, owner), below, ()))

    def _below(self, router: _Router, path: str, way: tuple[_Router, ...]) -> Iterator[str]:
        own = self._modules[router.module].prefixes.get(router.name, "") + path
        parents = [
            (_Router(name, by), prefix)
            for name, module in self._modules.items()
            for by, what, prefix in module.included
            if self._resolved(name, what) == router
        ]
        parents = [(parent, prefix) for parent, prefix in parents if parent not in way and parent != router]
        if not parents or len(way) > _DEEPEST:
            yield own
        for parent, prefix in parents:
            yield from self._below(parent, prefix + own, (*way, router))

    def _resolved(self, module: str, what: str, deep: int = 0) -> _Router | None:
        """The router that a module knows by that name, which may be one of another module."""
        made = self._modules.get(module)
        if made is None or deep > _DEEPEST:
            return None
        first, dot, rest = what.partition(".")
        if first not in made.imports or first in made.prefixes:
            return _Router(module, what) if not dot else None
        source, name = made.imports[first]
        inside = self._found(f"{source}.{name}".strip(".")) if dot and name else self._found(source)
        return self._resolved(inside, rest if dot else name, deep + 1) if inside is not None else None

    def _found(self, name: str) -> str | None:
        """The module that is imported by that name; the project's own may lie in a folder."""
        if name in self._modules:
            return name
        return next((known for known in self._modules if known.endswith(f".{name}")), None)


def _router(made: _Module, node: ast.Assign | ast.AnnAssign) -> None:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if not isinstance(node.value, ast.Call) or _dotted(node.value.func).rpartition(".")[2] not in _ROUTERS:
        return
    for target in targets:
        if name := _dotted(target):
            made.prefixes[name] = _prefix(node.value)


def _call(made: _Module, node: ast.Call, called: ast.Attribute) -> None:
    owner = _dotted(called.value)
    if called.attr == "include_router" and node.args:
        made.included.append((owner, _dotted(node.args[0]), _prefix(node)))
    elif called.attr == "mount" and len(node.args) > 1:
        made.included.append((owner, _dotted(node.args[1]), _text(node.args[0])))
    elif called.attr == "websocket" and node.args and isinstance(node.args[0], ast.Constant):
        made.sockets[node.args[0].lineno] = owner, _text(node.args[0])


def _prefix(call: ast.Call) -> str:
    return next((_text(keyword.value) for keyword in call.keywords if keyword.arg == "prefix"), "")


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else UNWRITTEN


def _dotted(node: ast.expr) -> str:
    """A name, or names with dots between them; "" for what is more."""
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""
