"""Which modules a package has, what they compile to, and what of others they import at their top."""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import importlib.util
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..guard import Watch

MAIN = "__main__"


class PackageSurvey:
    """The package of that name below `root` (None: where this interpreter finds it).

    `files` has each module's file; `unreadable` what cannot be compiled; `warned` what the compiler warned of.
    """

    def __init__(self, package: str, root: str | None, watch: Watch) -> None:
        self.package, self.watch = package, watch
        self.root = root or _root_of(package)
        self.files: dict[str, str] = {}
        self.folders: set[str] = set()
        self.programs: list[str] = []  # run when imported, and never imported by anybody: a `__main__` without a guard
        self.unreadable: dict[str, dict[str, object]] = {}
        self.warned: list[dict[str, object]] = []
        self.wanted: dict[str, None] = {}
        self._codes: dict[str, Any] = {}
        self._find(package, Path(self.root, *package.split(".")))
        for module in self.files:
            self._compile(module)

    @property
    def modules(self) -> list[str]:
        """Those that can be imported, in the order of their names."""
        return sorted(set(self.files) - set(self.programs) - set(self.unreadable))

    def own(self, name: str) -> bool:
        """Whether a module of that name is the package's."""
        return name == self.package or name.startswith(self.package + ".")

    def names_at_top(self, module: str) -> tuple[str, ...]:
        """The names that the code of its top level mentions."""
        return tuple(self._codes[self.files[module]].co_names)

    def serve_codes(self) -> None:
        """Have the import system take what was compiled here: nothing is read again, nothing cached on the disk."""
        loader: Any = importlib.machinery.SourceFileLoader
        usual, codes = loader.get_code, self._codes

        def get_code(self: Any, fullname: str) -> Any:
            code = codes.get(self.path)
            return usual(self, fullname) if code is None else code

        loader.get_code = get_code
        sys.path[:] = [self.root, *(text for text in sys.path if text not in ("", self.root))]

    def preload(self, without: list[str]) -> str | None:
        """Import what is not the package's own, but for those packages; the package that imports it, if one does."""
        blocker = _Blocker(self)
        sys.meta_path.insert(0, blocker)
        for name in self.wanted:
            top = name.partition(":")[0].partition(".")[0]
            if top not in without:
                _import_quietly(name)
                if blocker.asked:
                    return top
        sys.meta_path.remove(blocker)
        return None

    def _find(self, name: str, path: Path) -> None:
        if not path.is_dir():
            if path.with_suffix(".py").is_file():
                self.files[name] = str(path.with_suffix(".py"))
            return
        if (path / "__init__.py").is_file():
            self.files[name] = str(path / "__init__.py")
            self.folders.add(name)
        for below in sorted(path.iterdir()):
            if below.suffix == ".py" and below.stem != "__init__" and below.stem.isidentifier():
                self.files[f"{name}.{below.stem}"] = str(below)
            elif below.name.isidentifier() and (below / "__init__.py").is_file():
                self._find(f"{name}.{below.name}", below)

    def _compile(self, module: str) -> None:
        path = self.files[module]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                source = Path(path).read_bytes()
                tree = ast.parse(source, path)
                if self.watch.concerns(source):
                    self.watch.decorate(tree, module)
                self._codes[path] = compile(tree, path, "exec", dont_inherit=True)
            except (SyntaxError, ValueError) as error:
                line = getattr(error, "lineno", None) or 1
                self.unreadable[module] = {"module": module, "line": line, "error": f"{type(error).__name__}: {error}"}
                return
        seen = {(message.lineno, str(message.message)): message.category.__name__ for message in caught}
        for (line, text), category in seen.items():
            self.warned.append({"module": module, "line": line, "detail": f"{category}: {text}"})
        if module.rpartition(".")[2] == MAIN and not any(_is_main_guard(node) for node in tree.body):
            self.programs.append(module)
            return
        for name in _imports_at_top(tree, module, module in self.folders):
            if not self.own(name.partition(":")[0]):
                self.wanted[name] = None


class _Blocker:
    """A finder that lets nobody import the package that is audited."""

    def __init__(self, survey: PackageSurvey) -> None:
        self._survey = survey
        self.asked = False

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002  importlib's protocol
        """None for everything else: the next finder is asked."""
        if self._survey.own(name):
            self.asked = True
            raise ImportError(f"{name} is not imported yet", name=name)


def _root_of(package: str) -> str:
    """The folder that the package is imported from: where the import system finds it, else the working folder."""
    first = package.partition(".")[0]
    spec = importlib.util.find_spec(first)
    if spec is None and Path(first).is_dir():
        return str(Path.cwd())
    if spec is None or (spec.origin is None and not spec.submodule_search_locations):
        raise LookupError(package)
    places = list(spec.submodule_search_locations or ())
    return str(Path(places[0] if places else str(spec.origin)).parent)


def _import_quietly(name: str) -> None:
    module, _, last = name.rpartition(":")
    try:
        if not module:
            importlib.import_module(name)
        elif not hasattr(importlib.import_module(module), last):
            importlib.import_module(f"{module}.{last}")
    except BaseException as error:  # a third party's import may raise what it likes: it is seen again in the child
        if isinstance(error, KeyboardInterrupt):
            raise


def _imports_at_top(tree: ast.Module, module: str, is_folder: bool) -> Iterator[str]:  # noqa: FBT001
    """The absolute names that are imported when the module is: `a.b`, and `a.b:c` where c may be a module or not."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting = [*node.orelse, *waiting]
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".") if is_folder else module.split(".")[:-1]
                above = parts[: len(parts) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            yield from (f"{base}:{alias.name}" if alias.name != "*" else base for alias in node.names)
        else:
            waiting = [*ast.iter_child_nodes(node), *waiting]


def _is_main_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "'__name__'" in ast.dump(node.test)
