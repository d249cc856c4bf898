"""EP602: a request-scoped object made where there is no request."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from envparity.audit.finding import Raised
from envparity.audit.scope import Scope
from envparity.audit.static.reading import PackageReading, nodes_of, raised, scopes, shown

__all__ = ["check"]


def check(reading: PackageReading) -> Iterator[Raised]:
    """At a module's top level, in a class body or a default argument; and anywhere in a startup module."""
    if not reading.request_scoped:
        return
    for scope, body in scopes(reading):
        for node in nodes_of(body):
            where = _where(reading, scope, body, node)
            if where:
                yield from _made(reading, scope, node, where)


def _where(reading: PackageReading, scope: Scope, body: ast.AST, node: ast.AST) -> str:
    """In words, where there is certainly no request; empty elsewhere."""
    parents = scope.module.parents
    above = parents.get(node)
    while above is not None and above is not body:
        if isinstance(above, ast.arguments):
            return "as a default argument"
        above = parents.get(above)
    if isinstance(body, ast.Module):
        return "at the top level"
    if isinstance(body, ast.ClassDef):
        return "in a class body"
    return "in a startup module" if scope.module.name in reading.startup_modules else ""


def _made(reading: PackageReading, scope: Scope, node: ast.AST, where: str) -> Iterator[Raised]:
    if not isinstance(node, ast.Call):
        return
    named = scope.dotted(node.func)
    if reading.is_request_scoped(named):
        yield raised("EP602", scope, node, f"{shown(node)} {where}")
        return
    function = scope.called(node)
    if function is not None:
        returns = reading.scope(function.module).names.annotated(function.node.returns)
        if reading.is_request_scoped(returns) and returns is not None:
            made = returns.rpartition(".")[2]
            yield raised("EP602", scope, node, f"{function.name}() gives a {made} {where}", shown(node))
