"""EP601: a branch on the environment's name. EP607: a name made up for it where it is not set."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from envparity.audit.finding import Raised
from envparity.audit.scope import Scope
from envparity.audit.source import FunctionInfo
from envparity.audit.static.reading import PackageReading, dotted_name, nodes_of, raised, scopes, shown

__all__ = ["check_branches", "check_default"]

_SAME = {"lower", "upper", "strip", "casefold", "title", "capitalize"}
_ASKING = {"startswith", "endswith"}
_ROUNDS = 4
_DEPTH = 8  # of variables that are assigned from one another


class _Names:
    """Where the environment's name is: the settings' field, parameters that it is passed as, variables that hold it."""

    def __init__(self, reading: PackageReading) -> None:
        self.reading = reading
        self.attribute = reading.environment_name.lower()
        self.parameters: set[tuple[int, str]] = set()
        self.derived = set(self._derived())
        for _ in range(_ROUNDS):
            before = len(self.parameters)
            for scope, body in scopes(reading):
                for node in nodes_of(body):
                    if isinstance(node, ast.Call):
                        self._pass_on(scope, node)
            if len(self.parameters) == before:
                break

    def is_name(self, scope: Scope, node: ast.AST, *, guess: bool = False, depth: int = _DEPTH) -> bool:
        """Whether the expression is the environment's name; with `guess`, an unknown object's attribute too."""
        node = _unwrapped(node)
        if isinstance(node, ast.BoolOp):
            return any(self.is_name(scope, value, guess=guess, depth=depth) for value in node.values)
        if isinstance(node, ast.Attribute) and node.attr.lower() == self.attribute:
            kind = scope.type_of(node.value)
            owner = self.reading.package.class_of(kind)
            return self.reading.is_settings(owner.module) if owner is not None else guess and kind is None
        if isinstance(node, ast.Name):
            return depth > 0 and self._is_variable(scope, node.id, depth - 1)
        return self.reading.reads_name(scope, node) and not isinstance(node, ast.Compare)

    def _is_variable(self, scope: Scope, name: str, depth: int) -> bool:
        function = scope.function
        if function is not None and (id(function.node), name) in self.parameters:
            return True
        values = [node.value for node in scope.names.stored.get(name, ()) if isinstance(node, ast.Assign)]
        return bool(values) and all(self.is_name(scope, value, depth=depth) for value in values)

    def _pass_on(self, scope: Scope, call: ast.Call) -> None:
        held = [*call.args, *(keyword.value for keyword in call.keywords)]
        if not any(self.is_name(scope, node) for node in held):
            return
        function = scope.called(call)
        if function is None:
            return
        arguments = function.node.args
        names = [node.arg for node in (*arguments.posonlyargs, *arguments.args)]
        if function.owner is not None and not function.is_static():
            names = names[1:]
        for name, value in zip(names, call.args, strict=False):
            if self.is_name(scope, value):
                self.parameters.add((id(function.node), name))
        for keyword in call.keywords:
            if keyword.arg and self.is_name(scope, keyword.value):
                self.parameters.add((id(function.node), keyword.arg))

    def _derived(self) -> Iterator[str]:
        """Properties and methods of the settings that say what the environment is: `is_production`."""
        for module in self.reading.package.modules.values():
            if not self.reading.is_settings(module):
                continue
            for function in module.everything:
                if function.owner is not None and self._compares(function):
                    yield function.node.name

    def _compares(self, function: FunctionInfo) -> bool:
        wanted = f"self.{self.attribute}"
        returned = [node for node in nodes_of(function.node) if isinstance(node, ast.Return)]
        return any(
            isinstance(node, ast.Compare)
            and any(dotted_name(each_node).lower() == wanted for each_node in ast.walk(node))
            for item in returned
            for node in ast.walk(item)
        )


def _unwrapped(node: ast.AST) -> ast.AST:
    """What `.lower()`, `str(…)` and their like are called on."""
    while isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in _SAME:
            node = node.func.value
        elif dotted_name(node.func) == "str" and len(node.args) == 1:
            node = node.args[0]
        else:
            break
    return node


def check_branches(reading: PackageReading) -> Iterator[Raised]:
    """EP601, in every module that is not one of the settings."""
    names = _Names(reading)
    for scope, body in scopes(reading):
        if reading.is_settings(scope.module):
            continue
        for node in nodes_of(body):
            if _is_branch(names, scope, node):
                yield raised("EP601", scope, node, shown(node))


def _is_branch(names: _Names, scope: Scope, node: ast.AST) -> bool:
    asked: ast.AST | None = None  # what decides, if it is the environment's name
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        named = any(names.is_name(scope, side, guess=True) for side in sides)
        return named and any(_is_literal(scope, side) for side in sides)
    if isinstance(node, ast.Attribute) and node.attr in names.derived and isinstance(node.ctx, ast.Load):
        owner = names.reading.package.class_of(scope.type_of(node.value))
        return owner is not None and names.reading.is_settings(owner.module)
    if isinstance(node, ast.Match):
        asked = node.subject
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        asked = node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in _ASKING:
            asked = node.func.value
        elif node.func.attr == "get" and node.args:
            asked = node.args[0]
    return asked is not None and names.is_name(scope, asked)


def _is_literal(scope: Scope, node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return bool(node.elts) and all(_is_literal(scope, elt) for elt in node.elts)
    if isinstance(node, ast.Call) and dotted_name(node.func) in {"frozenset", "set", "tuple"} and node.args:
        return _is_literal(scope, node.args[0])
    if isinstance(node, ast.Name):
        values = [
            each_node.value
            for each_node in scope.module.tree.body
            if isinstance(each_node, ast.Assign | ast.AnnAssign)
            and each_node.value is not None
            and _binds(each_node, node.id)
        ]
        return len(values) == 1 and not isinstance(values[0], ast.Name) and _is_literal(scope, values[0])
    return False


def _binds(node: ast.Assign | ast.AnnAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(dotted_name(target) == name for target in targets)


def check_default(reading: PackageReading) -> Iterator[Raised]:
    """EP607, everywhere: `os.getenv("ENVIRONMENT", "development")`, and a default of the settings' field."""
    for scope, body in scopes(reading):
        for node in nodes_of(body):
            if isinstance(node, ast.Call) and reading.reads_name(scope, node):
                default = node.args[1] if len(node.args) > 1 else None
                parent = scope.module.parents.get(node)
                if default is None and isinstance(parent, ast.BoolOp) and isinstance(parent.op, ast.Or):
                    default = parent.values[-1]
                if isinstance(default, ast.Constant) and isinstance(default.value, str) and default.value:
                    yield raised("EP607", scope, node, f"{shown(default)} where {reading.environment_name} is not set")
    for module in reading.package.modules.values():
        if reading.is_settings(module):
            yield from _defaults_of_fields(reading, reading.scope(module))


def _defaults_of_fields(reading: PackageReading, scope: Scope) -> Iterator[Raised]:
    for kind in scope.module.classes.values():
        for node in kind.node.body:
            if isinstance(node, ast.AnnAssign) and dotted_name(node.target).lower() == reading.environment_name.lower():
                default = _default_of(node.value)
                if default is not None:
                    got = f"{shown(default)} where {reading.environment_name} is not set"
                    yield raised("EP607", scope, node, got)


def _default_of(value: ast.expr | None) -> ast.expr | None:
    """What a field of that value has where it is not given: a literal, or what `Field(…)` or `field(…)` names."""
    if isinstance(value, ast.Call):
        if dotted_name(value.func).rpartition(".")[2] not in {"Field", "field"}:
            return value
        named = [keyword.value for keyword in value.keywords if keyword.arg in {"default", "default_factory"}]
        given = [*named, *value.args]
        return _default_of(given[0]) if given else None
    if isinstance(value, ast.Constant) and (value.value is None or value.value is ... or value.value == ""):
        return None
    return value
