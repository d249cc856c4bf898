"""EP604: a coroutine that nobody awaits, where it can be told."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from envparity.audit.finding import Raised
from envparity.audit.scope import Scope
from envparity.audit.static.reading import PackageReading, nodes_of, raised, scopes, shown

__all__ = ["check"]

_OF_ASYNCIO = frozenset(
    ("asyncio.sleep", "asyncio.wait_for", "asyncio.wait", "asyncio.to_thread", "asyncio.open_connection")
)
_OF_COROUTINES = {
    "send",
    "throw",
    "close",
    "cr_await",
    "cr_code",
    "cr_frame",
    "cr_running",
    "cr_origin",
    "cr_suspended",
}
_OF_COROUTINES |= {"__await__", "__name__", "__qualname__", "__class__"}


def check(reading: PackageReading) -> Iterator[Raised]:
    """Every call of a known coroutine function whose result is dropped or used as what it would return."""
    for scope, body in scopes(reading):
        for node in nodes_of(body):
            if isinstance(node, ast.Call):
                name = _coroutine_called(scope, node)
                misuse = _misuse(reading, scope, body, node) if name else ""
                if misuse:
                    yield raised("EP604", scope, node, f"the coroutine {name} is not awaited: {misuse}", shown(node))


def _coroutine_called(scope: Scope, call: ast.Call) -> str:
    if scope.dotted(call.func) in _OF_ASYNCIO:
        return str(scope.dotted(call.func))
    function = scope.called(call)
    return function.name if function is not None and function.is_coroutine else ""


def _misuse(reading: PackageReading, scope: Scope, body: ast.AST, value: ast.expr) -> str:
    """What is wrongly done with the coroutine that this expression is; empty where nothing can be told."""
    parent = scope.module.parents.get(value)
    if isinstance(parent, ast.Call | ast.keyword):
        return _wrongly_passed(reading, scope, parent, value)
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name):
        return _wrongly_kept(reading, scope, body, parent.targets[0].id)
    if (
        isinstance(parent, ast.Attribute)
        and parent.attr == "send"
        and _sends_something(scope.module.parents.get(parent))
    ):
        return "nothing can be sent to it yet"
    return _wrongly_used(parent, value) if parent is not None else ""


def _sends_something(call: ast.AST | None) -> bool:
    """`.send(None)` would start the coroutine; a message is meant for what it returns."""
    given = call.args if isinstance(call, ast.Call) else []
    return len(given) == 1 and not (isinstance(given[0], ast.Constant) and given[0].value is None)


def _wrongly_used(parent: ast.AST, value: ast.expr) -> str:
    """What the node around it takes it for, which no coroutine is."""
    wrong = ""
    if isinstance(parent, ast.Expr):
        wrong = "its result is dropped"
    elif isinstance(parent, ast.Attribute) and parent.attr not in _OF_COROUTINES:
        wrong = f"it has no .{parent.attr}"
    elif (isinstance(parent, ast.Subscript) and parent.value is value) or (
        isinstance(parent, ast.For | ast.comprehension) and parent.iter is value and not getattr(parent, "is_async", 0)
    ):
        wrong = "it has no items"
    elif isinstance(parent, ast.Compare):
        wrong = "it is compared"
    elif isinstance(parent, ast.withitem):
        wrong = "it is no context manager"
    elif _is_tested(parent, value):
        wrong = "it is always true"
    return wrong


def _is_tested(parent: ast.AST, value: ast.expr) -> bool:
    if isinstance(parent, ast.If | ast.While | ast.IfExp | ast.Assert):
        return parent.test is value
    return isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not)


def _wrongly_kept(reading: PackageReading, scope: Scope, body: ast.AST, name: str) -> str:
    """What is done with the variable, where it is assigned once and never awaited."""
    uses = [node for node in ast.walk(body) if isinstance(node, ast.Name) and node.id == name]
    if sum(isinstance(use.ctx, ast.Store) for use in uses) != 1:
        return ""
    loads = [use for use in uses if isinstance(use.ctx, ast.Load)]
    parents = scope.module.parents
    if any(isinstance(parents.get(load), ast.Await) for load in loads):
        return ""
    wrong = [misuse for load in loads if (misuse := _misuse(reading, scope, body, load))]
    return f"{name}: {wrong[-1]}" if wrong else ""


def _wrongly_passed(reading: PackageReading, scope: Scope, parent: ast.AST, value: ast.expr) -> str:
    """Where it is passed for a parameter that is annotated with a class of the package."""
    keyword = parent.arg if isinstance(parent, ast.keyword) else None
    call = scope.module.parents.get(parent) if isinstance(parent, ast.keyword) else parent
    if not isinstance(call, ast.Call) or call.func is value:
        return ""
    function = scope.called(call)
    if function is None:
        return ""
    held = [*function.node.args.posonlyargs, *function.node.args.args]
    if function.owner is not None and not function.is_static():
        held = held[1:]
    if keyword is not None:
        chosen = [node for node in (*held, *function.node.args.kwonlyargs) if node.arg == keyword]
    else:
        chosen = [each_value for each_value, given in zip(held, call.args, strict=False) if given is value]
    for parameter in chosen:
        inner = reading.scope(function.module, function)
        kind = reading.package.class_of(inner.names.annotated(parameter.annotation))
        if kind is not None and not kind.node.bases and "__await__" not in kind.methods:
            return f"it is passed to {function.name}({parameter.arg}: {kind.node.name})"
    return ""
