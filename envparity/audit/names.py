"""What names mean inside one function: which dotted name, which class, which method."""

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

__all__ = ["FunctionNames"]

_WRAPPERS = {"Annotated", "typing.Annotated", "Optional", "typing.Optional", "Final", "typing.Final", "ClassVar"}


class FunctionNames:
    """Those of a function, or of the top level of a module (`function` None)."""

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

    def method(self, owner: ClassInfo | None, name: str) -> FunctionInfo | None:
        """A method by that name of the class or of the bases that the package has."""
        for kind in self.lineage(owner):
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
                each_node
                for each_node in (node.left, node.right)
                if not (isinstance(each_node, ast.Constant) and each_node.value is None)
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
    def parameters(self) -> dict[str, ast.arg]:
        """The function's own, by name."""
        if self.function is None:
            return {}
        held = self.function.node.args
        return {
            node.arg: node
            for node in (*held.posonlyargs, *held.args, *held.kwonlyargs, held.vararg, held.kwarg)
            if node
        }

    @cached_property
    def assigned(self) -> set[str]:
        """The names that are bound inside."""
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
    def _outer(self) -> FunctionNames | None:
        if self.function is None:
            return None
        return FunctionNames(self.package, self.module, self.function.outer)

    def around(self) -> list[FunctionInfo]:
        """The function and those that it stands in."""
        found, scope = [], self.function
        while scope is not None:
            found.append(scope)
            scope = scope.outer
        return found

    def _meaning(self, name: str) -> str | None:
        if name in self._imports and name not in self.assigned:
            return self._imports[name]
        if self.function is not None:
            if name in self.parameters or name in self.assigned or self._outer is None:
                return None
            return self._outer._meaning(name)  # noqa: SLF001  the same class
        if name in self.module.classes or name in self.module.functions:
            return f"{self.module.name}.{name}"
        return self.module.names.get(name) if name not in self.module.bindings else None

    def lineage(self, kind: ClassInfo | None) -> list[ClassInfo]:
        """The class and the bases that the package has, in an order near enough to Python's."""
        found: list[ClassInfo] = []
        waiting = [kind]
        while waiting:
            item = waiting.pop(0)
            if item is not None and item not in found:
                found.append(item)
                waiting += [FunctionNames(self.package, item.module).class_named(base) for base in item.node.bases]
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
    yield from (each_node.id for target in targets for each_node in ast.walk(target) if isinstance(each_node, ast.Name))
