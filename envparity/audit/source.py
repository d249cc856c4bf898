"""A package's source as trees: modules, what their names mean, their classes and functions."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TypeAlias

__all__ = [
    "ClassInfo",
    "Function",
    "FunctionInfo",
    "Module",
    "Package",
    "bound_names",
    "dotted_name",
    "imported_names",
    "nodes_of",
    "read_package",
]

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_TRANSPARENT = {"staticmethod", "classmethod", "abstractmethod", "abc.abstractmethod", "override", "typing.override"}


@dataclass(frozen=True, eq=False)
class FunctionInfo:
    """A function or method of the package: where it stands, and the class that it is a method of."""

    module: Module
    node: Function
    owner: ClassInfo | None = None
    outer: FunctionInfo | None = None

    @property
    def name(self) -> str:
        """As a person would write it: `Type.method`."""
        return f"{self.owner.node.name}.{self.node.name}" if self.owner else self.node.name

    @cached_property
    def is_coroutine(self) -> bool:
        """Whether a call certainly makes a coroutine: an `async def` that yields nothing and that nothing decorates."""
        if not isinstance(self.node, ast.AsyncFunctionDef):
            return False
        if any(dotted_name(node) not in _TRANSPARENT for node in self.node.decorator_list):
            return False
        return not any(isinstance(node, ast.Yield | ast.YieldFrom) for node in nodes_of(self.node))

    def is_static(self) -> bool:
        """Whether it takes no instance and no class."""
        return any(dotted_name(node) == "staticmethod" for node in self.node.decorator_list)

    def is_property(self) -> bool:
        """Whether it is read like an attribute."""
        return any(
            dotted_name(node) in {"property", "functools.cached_property", "cached_property"}
            for node in self.node.decorator_list
        )


@dataclass(frozen=True, eq=False)
class ClassInfo:
    """A class of the package. `methods` are those of its own body, each name's last definition."""

    module: Module
    node: ast.ClassDef
    methods: dict[str, FunctionInfo] = field(default_factory=dict)

    @property
    def dotted(self) -> str:
        return f"{self.module.name}.{self.node.name}"

    @cached_property
    def stored(self) -> Mapping[str, list[tuple[FunctionInfo, ast.Assign | ast.AnnAssign]]]:
        """The statements of its methods that store an attribute of `self`, by the attribute's name."""
        found: dict[str, list[tuple[FunctionInfo, ast.Assign | ast.AnnAssign]]] = {}
        for method in self.methods.values():
            for node in nodes_of(method.node):
                if isinstance(node, ast.Assign | ast.AnnAssign):
                    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                        owner, _, name = dotted_name(target).rpartition(".")
                        if owner == "self":
                            found.setdefault(name, []).append((method, node))
        return found


@dataclass(eq=False)
class Module:
    """One file. `names` maps what its top level imports to dotted names; `classes` and `functions` are its own."""

    name: str
    path: Path
    tree: ast.Module
    source: str
    is_folder: bool
    names: dict[str, str] = field(default_factory=dict)
    classes: dict[str, ClassInfo] = field(default_factory=dict)
    functions: dict[str, FunctionInfo] = field(default_factory=dict)
    ambiguous: set[str] = field(default_factory=set)  # defined more than once
    everything: list[FunctionInfo] = field(default_factory=list)  # every function and method, nested ones too

    @cached_property
    def parents(self) -> Mapping[ast.AST, ast.AST]:
        """Each node's parent, the nodes in the order of `ast.walk`."""
        found: dict[ast.AST, ast.AST] = {}
        waiting: deque[ast.AST] = deque([self.tree])
        while waiting:
            node = waiting.popleft()
            for child in ast.iter_child_nodes(node):
                found[child] = node
                waiting.append(child)
        return found

    @cached_property
    def class_nodes(self) -> list[ast.ClassDef]:
        """Every class, wherever in the module it is defined."""
        return [node for node in self.parents if isinstance(node, ast.ClassDef)]

    @cached_property
    def nested(self) -> Mapping[str, list[FunctionInfo]]:
        """The functions inside functions, by name."""
        found: dict[str, list[FunctionInfo]] = {}
        for held in self.everything:
            if held.outer is not None and held.owner is None:
                found.setdefault(held.node.name, []).append(held)
        return found

    @cached_property
    def bindings(self) -> set[str]:
        """What is assigned at the top level, imports and definitions aside."""
        return bound_names(self.tree.body)


@dataclass
class Package:
    """All modules, by name; `broken` holds those that are not Python, with line and reason."""

    name: str
    modules: dict[str, Module]
    broken: dict[str, tuple[Path, int, str]] = field(default_factory=dict)

    def canonical(self, dotted: str) -> str:
        """The name under which it is defined: follows what modules of the package import from one another."""
        for _ in range(20):
            module, _, name = dotted.rpartition(".")
            held = self.modules.get(module)
            if held is None or name not in held.names or name in held.classes or name in held.functions:
                return dotted
            dotted = held.names[name]
        return dotted

    def class_of(self, dotted: str | None) -> ClassInfo | None:
        """The class of that name, if the package has it."""
        module, _, name = self.canonical(dotted or "").rpartition(".")
        held = self.modules.get(module)
        return held.classes.get(name) if held is not None and name not in held.ambiguous else None

    def function_of(self, dotted: str | None) -> FunctionInfo | None:
        """The function of that name, if the package has it."""
        module, _, name = self.canonical(dotted or "").rpartition(".")
        held = self.modules.get(module)
        return held.functions.get(name) if held is not None and name not in held.ambiguous else None


def read_package(name: str, files: Mapping[str, Path]) -> Package:
    """Read and parse these modules. What is no Python is in `broken`."""
    package = Package(name, {})
    for module, path in sorted(files.items()):
        try:
            data = path.read_bytes()
            tree = ast.parse(data, str(path))
            source = data.decode("utf-8", "replace")
        except (SyntaxError, ValueError) as error:
            package.broken[module] = (path, getattr(error, "lineno", None) or 1, str(error))
            continue
        held = Module(module, path, tree, source, path.name == "__init__.py")
        held.names = dict(imported_names(held, tree.body))
        _define(held, tree.body, None, None)
        package.modules[module] = held
    return package


def _define(module: Module, body: list[ast.stmt], owner: ClassInfo | None, outer: FunctionInfo | None) -> None:
    for node in _statements(body):
        if isinstance(node, ast.ClassDef):
            info = ClassInfo(module, node)
            if owner is None and outer is None:
                module.ambiguous |= {node.name} & module.classes.keys()
                module.classes[node.name] = info
            _define(module, node.body, info, outer)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = FunctionInfo(module, node, owner, outer)
            module.everything.append(function)
            if owner is not None:
                if node.name in owner.methods and not function.is_property():
                    owner.methods.pop(node.name)  # overloads, setters: it cannot be told which one is meant
                else:
                    owner.methods[node.name] = function
            elif outer is None:
                module.ambiguous |= {node.name} & (module.functions.keys() | module.classes.keys())
                module.functions[node.name] = function
            _define(module, node.body, None, function)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body and of the blocks in it, not of the functions and classes in it."""
    for node in body:
        yield node
        if not isinstance(node, _SCOPES):
            for name in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, name, []))
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)
            for case in getattr(node, "cases", []):
                yield from _statements(case.body)


@lru_cache(maxsize=1 << 14)
def nodes_of(scope: ast.AST) -> tuple[ast.AST, ...]:
    """The nodes that run when the scope's body runs: not those of the functions, lambdas and classes in it.

    Of these, what runs when they are defined: decorators, bases, default arguments.
    """
    body = getattr(scope, "body", [])
    waiting: list[ast.AST] = list(body) if isinstance(body, list) else [body]
    found = []
    while waiting:
        node = waiting.pop()
        found.append(node)
        if not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))
            continue
        waiting.extend(getattr(node, "decorator_list", ()))
        if isinstance(node, ast.ClassDef):
            waiting.extend([*node.bases, *(keyword.value for keyword in node.keywords)])
        else:
            waiting.extend(
                [*node.args.defaults, *(default for default in node.args.kw_defaults if default is not None)]
            )
    return tuple(found)


def imported_names(module: Module, body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """What the imports of a body bind, with what it means in full."""
    for node in _statements(body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.name.split(".") if module.is_folder else module.name.split(".")[:-1]
                above = parts[: len(parts) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            for alias in node.names:
                yield alias.asname or alias.name, f"{base}.{alias.name}"


def bound_names(body: list[ast.stmt]) -> set[str]:
    """The names that the statements of a body assign, in whatever way, imports and definitions aside."""
    names: set[str] = set()
    for statement in _statements(body):
        if isinstance(statement, _SCOPES):
            continue
        for node in [statement, *_expressions(statement)]:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
                names.add(node.id)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                names.add(node.name)
    return names


def _expressions(statement: ast.stmt) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = [statement]
    while waiting:
        for child in ast.iter_child_nodes(waiting.pop()):
            if not isinstance(child, (*_SCOPES, ast.stmt)):
                yield child
                waiting.append(child)


def dotted_name(node: ast.AST) -> str:
    """`a.b.c` for such a chain, also below a call's parentheses; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted_name(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""
