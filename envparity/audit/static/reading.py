"""What every static rule is given: the package's source, and what the backend file says of it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from envparity.audit.finding import Raised
from envparity.audit.scope import Scope
from envparity.audit.source import FunctionInfo, Module, Package, dotted_name, nodes_of

_READERS = frozenset({"os.getenv", "os.getenvb", "os.environ.get", "os.environ.setdefault"})
__all__ = ["Check", "PackageReading", "dotted_name", "nodes_of", "raised", "scopes", "shown"]


@dataclass(frozen=True)
class PackageReading:
    """The package, and of the backend's `[audit]`: types of a request, modules and readers of settings, startup."""

    package: Package
    request_scoped: frozenset[str] = frozenset()
    settings_modules: frozenset[str] = frozenset()
    startup_modules: frozenset[str] = frozenset()
    environment_name: str = "ENVIRONMENT"
    settings_readers: frozenset[str] = frozenset()
    settings_tellers: frozenset[str] = frozenset()
    _scopes: dict[int, Scope] = field(default_factory=dict, repr=False)

    def is_settings(self, module: Module) -> bool:
        """Whether settings may be read there."""
        return module.name in self.settings_modules

    def is_request_scoped(self, dotted: str | None) -> bool:
        """Whether that class belongs to a request."""
        return dotted is not None and bool({dotted, dotted.rpartition(".")[2]} & self.request_scoped)

    def scope(self, module: Module, function: FunctionInfo | None = None) -> Scope:
        """The one scope of that function or module."""
        return self._scopes.setdefault(id(function or module), Scope(self.package, module, function))

    def reads_environment(self, scope: Scope, node: ast.AST) -> tuple[bool, str | None]:
        """Whether the node reads the process's environment, and which variable, where that is a literal."""
        key: ast.AST | None = None
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            held = scope.dotted(node.value)
            if held in {"os.environ", "os.environb"} or held in self.settings_readers:
                key = node.slice
        elif isinstance(node, ast.Call):
            if scope.dotted(node.func) in _READERS or self._is_reader(scope, node.func):
                key = node.args[0] if node.args else ast.Constant(None)
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            key = node.left if scope.dotted(node.comparators[0]) == "os.environ" else None
        if key is None:
            return False, None
        return True, key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None

    def reads_name(self, scope: Scope, node: ast.AST) -> bool:
        """Whether it reads the variable that holds the environment's name, in whatever case of letters."""
        reads, name = self.reads_environment(scope, node)
        return reads and name is not None and name.lower() == self.environment_name.lower()

    def _is_reader(self, scope: Scope, function: ast.expr) -> bool:
        """Whether that is one of the project's own readers: by its name, or as a method of what is of that class."""
        if not self.settings_readers:
            return False
        if scope.dotted(function) in self.settings_readers:
            return True
        return self.is_reader(scope.called(ast.Call(function, [], [])))

    def is_reader(self, function: FunctionInfo | None) -> bool:
        """Whether that function or method is one of the project's own readers of the environment."""
        return function is not None and f"{function.module.name}.{function.name}" in self.settings_readers

    def tells_of_settings(self, function: FunctionInfo | None) -> bool:
        """Whether that function or method takes the settings as a whole only to tell of them."""
        return function is not None and f"{function.module.name}.{function.name}" in self.settings_tellers


Check = Callable[[PackageReading], Iterator[Raised]]


def scopes(reading: PackageReading) -> Iterator[tuple[Scope, ast.AST]]:
    """Every function, class body and top level of every module, with the node whose body runs.

    A class body has the scope of its module: what it defines for itself is not looked up.
    """
    for module in reading.package.modules.values():
        yield reading.scope(module), module.tree
        for node in module.class_nodes:
            yield reading.scope(module), node
        for function in module.everything:
            yield reading.scope(module, function), function.node


def raised(code: str, scope: Scope, node: ast.AST, got: str, *evidence: str) -> Raised:
    """A rule broken at that node."""
    line, end = getattr(node, "lineno", 1), getattr(node, "end_lineno", None)
    return Raised(code, scope.module.name, line, got, evidence, end or line)


def shown(node: ast.AST, width: int = 80) -> str:
    """The node's source, short enough for one line."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= width else f"{text[: width - 1]}…"
