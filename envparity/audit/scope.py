"""What names and expressions mean inside one function: which dotted name, which class, which function.

Only what can be told for certain is told: a name assigned twice with different types, an attribute of an unknown
object, a class defined in two places are all `None`.
"""

from __future__ import annotations

import ast
from functools import cached_property

from envparity.audit.names import FunctionNames
from envparity.audit.source import ClassInfo, FunctionInfo, Module, Package, dotted_name

__all__ = ["Scope"]

_DEPTH = 12


class Scope:
    """The inside of a function, or the top level of a module (`function` None)."""

    def __init__(self, package: Package, module: Module, function: FunctionInfo | None = None) -> None:
        self.package, self.module, self.function = package, module, function
        self.names = FunctionNames(package, module, function)

    def dotted(self, node: ast.AST) -> str | None:
        """What `a.b.c` means in full, when its first name is an import or a definition of this package."""
        return self.names.dotted(node)

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
                return held if held.outer in self.names.around() and function.id not in self.names.assigned else None
        found = self.package.function_of(self.dotted(function))
        if found is not None or not isinstance(function, ast.Attribute):
            return found
        owner = self.names.class_named(function.value) or self.package.class_of(self.type_of(function.value, depth - 1))
        return self.names.method(owner, function.attr)

    @cached_property
    def _outer(self) -> Scope | None:
        return None if self.function is None else Scope(self.package, self.module, self.function.outer)

    def _type_of_name(self, name: str, depth: int) -> str | None:
        function = self.function
        if function is not None and name in self.names.parameters and name not in self.names.assigned:
            own = function.owner
            first = next(iter(self.names.parameters))
            if own is not None and name == first and not function.is_static():
                return own.dotted
            return self.names.annotated(self.names.parameters[name].annotation)
        if name not in self.names.assigned:
            return self._outer._type_of_name(name, depth) if self._outer is not None else None  # noqa: SLF001
        kinds = {self._value_type(node, name, depth) for node in self.names.stored.get(name, ())}
        return kinds.pop() if len(kinds) == 1 else None

    def _value_type(self, node: ast.AST, name: str, depth: int) -> str | None:
        """What the statement that stores that name gives it."""
        if isinstance(node, ast.AnnAssign):
            return self.names.annotated(node.annotation)
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
                for elt, value in zip(target.elts, node.value.elts, strict=True):
                    if isinstance(elt, ast.Name) and elt.id == name:
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
        return passed or FunctionNames(self.package, function.module, function.outer).annotated(returns)

    def _passed_class(self, function: FunctionInfo, call: ast.Call, returns: ast.AST | None) -> str | None:
        """For `def of(kind: type[T]) -> T`, the class that is passed."""
        variable = dotted_name(returns) if returns is not None else ""
        held = [*function.node.args.posonlyargs, *function.node.args.args]
        if function.owner is not None and not function.is_static():
            held = held[1:]
        for parameter, value in zip(held, call.args, strict=False):
            note = parameter.annotation
            if isinstance(note, ast.Subscript) and dotted_name(note.value) in {"type", "Type", "typing.Type"}:
                named = self.names.class_named(value)
                return named.dotted if named is not None and dotted_name(note.slice) == variable else None
        return None

    def _attribute_type(self, owner: str | None, name: str, depth: int) -> str | None:
        for kind in self.names.lineage(self.package.class_of(owner)):
            found = self._own_attribute_type(kind, name, depth)
            if found is not None:
                return found
        return None

    def _own_attribute_type(self, kind: ClassInfo, name: str, depth: int) -> str | None:
        top = FunctionNames(self.package, kind.module)
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
                return scope.names.annotated(stored.annotation)
            kinds.add(scope.type_of(stored.value, depth))
        return kinds.pop() if len(kinds) == 1 else None
