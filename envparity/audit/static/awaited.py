"""EP609: an await of what is no coroutine, where that can be told. EP610: a task made in a constructor."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from envparity.audit.finding import Raised
from envparity.audit.scope import Scope
from envparity.audit.source import FunctionInfo
from envparity.audit.static.reading import PackageReading, nodes_of, raised, scopes, shown

__all__ = ["check_awaits", "check_tasks"]

_PLAIN = frozenset(
    (
        *("str", "bytes", "int", "float", "bool", "complex", "dict", "list", "tuple", "set", "frozenset"),
        *("None", "datetime", "timedelta"),
    )
)
_CONSTRUCTORS = frozenset({"__init__", "__new__", "__post_init__"})
_OF_ASYNCIO = frozenset({"asyncio.create_task", "asyncio.ensure_future"})
_LOOPS = frozenset({"asyncio.get_running_loop", "asyncio.get_event_loop", "asyncio.new_event_loop"})


def check_awaits(reading: PackageReading) -> Iterator[Raised]:
    """Every `await` of a call of the package's own that is no coroutine, and gives nothing to await."""
    for scope, body in scopes(reading):
        for node in nodes_of(body):
            if isinstance(node, ast.Await) and isinstance(node.value, ast.Call):
                given = _what_it_gives(reading, scope, node.value)
                if given:
                    yield raised("EP609", scope, node, given, shown(node))


def check_tasks(reading: PackageReading) -> Iterator[Raised]:
    """Every task that a constructor makes by asyncio or by a loop of it."""
    for scope, body in scopes(reading):
        if not isinstance(body, ast.FunctionDef) or body.name not in _CONSTRUCTORS:
            continue
        owner = scope.function.owner if scope.function is not None else None
        for node in nodes_of(body):
            if owner is not None and isinstance(node, ast.Call) and _makes_a_task(scope, node.func):
                yield raised("EP610", scope, node, f"{owner.node.name} makes a task when it is made", shown(node))


def _makes_a_task(scope: Scope, function: ast.expr) -> bool:
    if scope.dotted(function) in _OF_ASYNCIO:
        return True
    of_a_loop = isinstance(function, ast.Attribute) and function.attr == "create_task"
    held = function.value if isinstance(function, ast.Attribute) else None
    return of_a_loop and isinstance(held, ast.Call) and scope.dotted(held.func) in _LOOPS


def _what_it_gives(reading: PackageReading, scope: Scope, call: ast.Call) -> str:
    """What the call gives instead of something to await; empty where nothing can be told."""
    function = scope.called(call)
    if function is None or isinstance(function.node, ast.AsyncFunctionDef) or _is_decorated(function):
        return ""
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in nodes_of(function.node)):
        return ""
    annotation = function.node.returns
    if annotation is None:
        return "" if _returns_something(function) else f"{function.name} is no coroutine function: it gives None"
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return f"{function.name} is no coroutine function: it gives None"
    base = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    inner = reading.scope(function.module, function)
    kind = reading.package.class_of(inner.names.annotated(annotation))
    plain = isinstance(base, ast.Name) and base.id in _PLAIN and kind is None
    of_the_package = kind is not None and "__await__" not in kind.methods and _has_plain_bases(kind.node)
    if plain or of_the_package:
        return f"{function.name} is no coroutine function: it gives {shown(annotation)}"
    return ""


def _has_plain_bases(node: ast.ClassDef) -> bool:
    """Whether none of its bases can have anything to await: there is none, or a tuple of names."""
    return all(isinstance(base, ast.Name) and base.id in {"NamedTuple", "object"} for base in node.bases)


def _is_decorated(function: FunctionInfo) -> bool:
    names = (node.id if isinstance(node, ast.Name) else "" for node in function.node.decorator_list)
    return any(name not in {"staticmethod", "classmethod"} for name in names)


def _returns_something(function: FunctionInfo) -> bool:
    returned = (node.value for node in nodes_of(function.node) if isinstance(node, ast.Return))
    return any(value is not None and not isinstance(value, ast.Constant) for value in returned)
