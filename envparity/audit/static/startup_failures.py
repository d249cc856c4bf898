"""EP605: a startup failure that is swallowed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from envparity.audit.finding import Raised
from envparity.audit.scope import Scope
from envparity.audit.static.reading import PackageReading, dotted_name, nodes_of, raised, scopes, shown

__all__ = ["check"]

_STARTUP = frozenset({"lifespan", "_lifespan", "startup", "on_startup"})  # what frameworks call them
_BROAD = frozenset({"Exception", "BaseException"})
_LOGGING = frozenset(["debug", "info", "warning", "warn", "error", "exception", "critical", "log", "fatal"])
_FAILURES = re.compile(r"(?:^|_)(?:failures?|errors?|problems)$")
_BYPASS = re.compile(r"bypass|skip|ignore|tolerate|lenient", re.IGNORECASE)
_EMPTYING = frozenset({"clear"})


def check(reading: PackageReading) -> Iterator[Raised]:
    """In the startup modules, and in functions called as frameworks call startup."""
    switches = set(_switches(reading))
    for scope, body in scopes(reading):
        named = scope.function is not None and scope.function.node.name in _STARTUP
        if scope.module.name not in reading.startup_modules and not named:
            continue
        for node in nodes_of(body):
            yield from _swallowed(scope, node)
            yield from _forgotten(scope, node)
            yield from _decided_by_setting(scope, node, switches)


def _swallowed(scope: Scope, node: ast.AST) -> Iterator[Raised]:
    if isinstance(node, ast.Try):
        for handler in node.handlers:
            if _is_broad(handler.type) and _calls_something(node.body) and all(map(_only_goes_on, handler.body)):
                kind = shown(handler.type) if handler.type is not None else "everything"
                yield raised("EP605", scope, handler, f"except {kind} goes on, and nobody is told")
    elif isinstance(node, ast.With | ast.AsyncWith):
        for item in node.items:
            call = item.context_expr
            suppresses = isinstance(call, ast.Call) and scope.dotted(call.func) == "contextlib.suppress"
            if suppresses and any(dotted_name(each_item) in _BROAD for each_item in getattr(call, "args", ())):
                yield raised("EP605", scope, call, f"{shown(call)} goes on, and nobody is told")


def _is_broad(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    several = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(dotted_name(node) in _BROAD for node in several)


def _calls_something(body: list[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Call) for statement in body for node in ast.walk(statement))


def _only_goes_on(node: ast.stmt) -> bool:
    """Whether the statement neither raises nor records anything: passes, logs, or sets a constant."""
    if isinstance(node, ast.Pass | ast.Continue):
        return True
    if isinstance(node, ast.Return):
        return node.value is None or isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        if isinstance(function, ast.Attribute):
            return function.attr in _LOGGING and "log" in dotted_name(function.value).lower()
        return dotted_name(function) == "print"
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _forgotten(scope: Scope, node: ast.AST) -> Iterator[Raised]:
    """Failures that were recorded, and are thrown away."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _EMPTYING:
        if _FAILURES.search(dotted_name(node.func.value).rpartition(".")[2]):
            yield raised("EP605", scope, node, f"{shown(node)} forgets what failed")
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.List | ast.Tuple) and not node.value.elts:
        attributes = [
            target for target in node.targets if isinstance(target, ast.Attribute) and _FAILURES.search(target.attr)
        ]
        if attributes and scope.function is not None and scope.function.node.name not in {"__init__", "__post_init__"}:
            yield raised("EP605", scope, node, f"{shown(node)} forgets what failed")


def _decided_by_setting(scope: Scope, node: ast.AST, switches: set[str]) -> Iterator[Raised]:
    """`if failed and not settings.bypass: raise`: whether a failure counts is a matter of configuration."""
    if not isinstance(node, ast.If):
        return
    asked = [each_node for each_node in ast.walk(node.test) if isinstance(each_node, ast.Attribute | ast.Name)]
    names = [name for each_node in asked if (name := dotted_name(each_node).rpartition(".")[2])]
    chosen = [name for name in names if name in switches or _BYPASS.search(name)]
    raises = any(isinstance(each_node, ast.Raise) for each_node in (*node.body, *node.orelse))
    if chosen and raises:
        yield raised("EP605", scope, node, f"whether it is raised depends on {chosen[0]}")


def _switches(reading: PackageReading) -> Iterator[str]:
    """The settings that are true or false."""
    for module in reading.package.modules.values():
        if reading.is_settings(module):
            for kind in module.classes.values():
                for node in kind.node.body:
                    if isinstance(node, ast.AnnAssign) and dotted_name(node.annotation) == "bool":
                        yield dotted_name(node.target)
