"""What names and expressions mean inside one function: which dotted name, which class, which function.

Only what can be told for certain is told: a name assigned twice with different types, an attribute of an unknown
object, a class defined in two places are all `None`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property

from envparity.audit.source import (
    ClassInfo,
    FunctionInfo,
    Module,
    Package,
    bound_names,
    dotted_name,
    imported_names,
    nodes_of,
)

__all__ = ["Scope"]

_DEPTH = 12
_WRAPPERS = {"Annotated", "typing.Annotated", "Optional", "typing.Optional", "Final", "typing.Final", "ClassVar"}


class Scope:
    """The inside of a function, or the top level of a module (`function` None)."""

    def __init__(self, package: Package, module: Module, function: FunctionInfo | None = None) -> None:
        self.package, self.module, self.function = package, module, function

    def dotted(self, node: ast.AST) -> str | None:
        """What `a.b.c` means in full, when its first name is an import or a definition of this package."""
        name = dotted_name(node)
        first, _, rest = name.partition(".")
        base = self._meaning(first) if first else None
        if base is None:
            return None
        return self.package.canonical(f"{base}.{rest}" if rest else base)

    def class_named(self, node: ast.AST) -> ClassInfo | None:
        """The class of the package that the expression names."""
        return self.package.class_of(self.dotted(node))

    def type_of(self, node: ast.AST | None, depth: int = _DEPTH) -> str | None:
        """The dotted name of the class that the expression is an instance of."""
        if node is None or depth <= 0:
            return None
        if isinstance(node, ast.Name):
            return self._type_of_name(node.id, depth - 1)
        if isinstance(node, ast.Attribute):
            return self._attribute_type(self.type_of(node.value, depth - 1), node.attr, depth - 1)
        if isinstance(node, ast.Call):
            return self._type_of_call(node, awaited=False, depth=depth - 1)
        if isinstance(node, ast.Await) and isinstance(node.value, ast.Call):
            return self._type_of_call(node.value, awaited=True, depth=depth - 1)
        return self.type_of(node.value, depth - 1) if isinstance(node, ast.NamedExpr) else None

    def called(self, call: ast.Call, depth: int = _DEPTH) -> FunctionInfo | None:
        """The function or method of the package that the call certainly calls."""
        function = call.func
        if isinstance(function, ast.Name) and self.function is not None:
            for held in self.module.nested.get(function.id, ()):
                return held if held.outer in self._around() and function.id not in self._assigned else None
        found = self.package.function_of(self.dotted(function))
        if found is not None or not isinstance(function, ast.Attribute):
            return found
        owner = self.class_named(function.value) or self.package.class_of(self.type_of(function.value, depth - 1))
        return self.method(owner, function.attr)

    def method(self, owner: ClassInfo | None, name: str) -> FunctionInfo | None:
        """A method by that name of the class or of the bases that the package has."""
        for kind in self._lineage(owner):
            if name in kind.methods:
                return kind.methods[name]
        return None

    def annotated(self, node: ast.AST | None) -> str | None:
        """The class that an annotation names; `X | None` and `Annotated[X, …]` are X."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except SyntaxError:
                return None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            sides = [
                one for one in (node.left, node.right) if not (isinstance(one, ast.Constant) and one.value is None)
            ]
            return self.annotated(sides[0]) if len(sides) == 1 else None
        if isinstance(node, ast.Subscript):
            if dotted_name(node.value) not in _WRAPPERS:
                return self.dotted(node.value)
            inner = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
            return self.annotated(inner)
        return self.dotted(node) if node is not None else None

    @cached_property
    def _imports(self) -> dict[str, str]:
        return dict(imported_names(self.module, self.function.node.body)) if self.function else {}

    @cached_property
    def _parameters(self) -> dict[str, ast.arg]:
        if self.function is None:
            return {}
        held = self.function.node.args
        return {
            one.arg: one for one in (*held.posonlyargs, *held.args, *held.kwonlyargs, held.vararg, held.kwarg) if one
        }

    @cached_property
    def _assigned(self) -> set[str]:
        return bound_names(self.function.node.body) if self.function else self.module.bindings

    @cached_property
    def stored(self) -> dict[str, list[ast.AST]]:
        """The nodes that store each name."""
        found: dict[str, list[ast.AST]] = {}
        for node in nodes_of(self.function.node if self.function is not None else self.module.tree):
            for name in _stores(node):
                found.setdefault(name, []).append(node)
        return found

    @cached_property
    def _outer(self) -> Scope | None:
        if self.function is None:
            return None
        return Scope(self.package, self.module, self.function.outer)

    def _around(self) -> list[FunctionInfo]:
        found, one = [], self.function
        while one is not None:
            found.append(one)
            one = one.outer
        return found

    def _meaning(self, name: str) -> str | None:
        if name in self._imports and name not in self._assigned:
            return self._imports[name]
        if self.function is not None:
            if name in self._parameters or name in self._assigned or self._outer is None:
                return None
            return self._outer._meaning(name)  # noqa: SLF001  the same class
        if name in self.module.classes or name in self.module.functions:
            return f"{self.module.name}.{name}"
        return self.module.names.get(name) if name not in self.module.bindings else None

    def _type_of_name(self, name: str, depth: int) -> str | None:
        function = self.function
        if function is not None and name in self._parameters and name not in self._assigned:
            own = function.owner
            first = next(iter(self._parameters))
            if own is not None and name == first and not function.is_static():
                return own.dotted
            return self.annotated(self._parameters[name].annotation)
        if name not in self._assigned:
            return self._outer._type_of_name(name, depth) if self._outer is not None else None  # noqa: SLF001
        kinds = {self._value_type(node, name, depth) for node in self.stored.get(name, ())}
        return kinds.pop() if len(kinds) == 1 else None

    def _value_type(self, node: ast.AST, name: str, depth: int) -> str | None:
        """What the statement that stores that name gives it."""
        if isinstance(node, ast.AnnAssign):
            return self.annotated(node.annotation)
        if isinstance(node, ast.NamedExpr):
            return self.type_of(node.value, depth)
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name):
                return self.type_of(node.value, depth)
            if (
                isinstance(target, ast.Tuple)
                and isinstance(node.value, ast.Tuple)
                and len(target.elts) == len(node.value.elts)
            ):
                for one, value in zip(target.elts, node.value.elts, strict=True):
                    if isinstance(one, ast.Name) and one.id == name:
                        return self.type_of(value, depth)
        return None

    def _type_of_call(self, call: ast.Call, *, awaited: bool, depth: int) -> str | None:
        named = self.dotted(call.func)
        if named is not None and not awaited:
            if self.package.class_of(named) is not None:
                return named
            last = named.rpartition(".")[2]
            if not named.startswith(f"{self.package.name}.") and last[:1].isupper():
                return named  # a class of somebody else's, going by its name
        function = self.called(call, depth)
        if function is None or function.is_coroutine is not awaited:
            return None
        returns = function.node.returns
        passed = self._passed_class(function, call, returns)
        return passed or Scope(self.package, function.module, function.outer).annotated(returns)

    def _passed_class(self, function: FunctionInfo, call: ast.Call, returns: ast.AST | None) -> str | None:
        """For `def of(kind: type[T]) -> T`, the class that is passed."""
        variable = dotted_name(returns) if returns is not None else ""
        held = [*function.node.args.posonlyargs, *function.node.args.args]
        if function.owner is not None and not function.is_static():
            held = held[1:]
        for parameter, value in zip(held, call.args, strict=False):
            note = parameter.annotation
            if isinstance(note, ast.Subscript) and dotted_name(note.value) in {"type", "Type", "typing.Type"}:
                named = self.class_named(value)
                return named.dotted if named is not None and dotted_name(note.slice) == variable else None
        return None

    def _attribute_type(self, owner: str | None, name: str, depth: int) -> str | None:
        for kind in self._lineage(self.package.class_of(owner)):
            found = self._own_attribute_type(kind, name, depth)
            if found is not None:
                return found
        return None

    def _own_attribute_type(self, kind: ClassInfo, name: str, depth: int) -> str | None:
        top = Scope(self.package, kind.module)
        for node in kind.node.body:
            if isinstance(node, ast.AnnAssign) and dotted_name(node.target) == name:
                return top.annotated(node.annotation)
        held = kind.methods.get(name)
        if held is not None:
            return top.annotated(held.node.returns) if held.is_property() else None
        kinds: set[str | None] = set()
        for method, stored in kind.stored.get(name, ()):
            scope = Scope(self.package, kind.module, method)
            if isinstance(stored, ast.AnnAssign):
                return scope.annotated(stored.annotation)
            kinds.add(scope.type_of(stored.value, depth))
        return kinds.pop() if len(kinds) == 1 else None

    def _lineage(self, kind: ClassInfo | None) -> list[ClassInfo]:
        """The class and the bases that the package has, in an order near enough to Python's."""
        found: list[ClassInfo] = []
        waiting = [kind]
        while waiting:
            one = waiting.pop(0)
            if one is not None and one not in found:
                found.append(one)
                waiting += [Scope(self.package, one.module).class_named(base) for base in one.node.bases]
        return found


def _stores(node: ast.AST) -> Iterator[str]:
    """The names that the statement stores, or the walrus; a loop, `with` or `except` that does counts too."""
    targets: list[ast.AST] = []
    if isinstance(node, ast.Assign):
        targets = list(node.targets)
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr | ast.For | ast.AsyncFor | ast.comprehension):
        targets = [node.target]
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        targets = [node.optional_vars]
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name
    yield from (one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name))
