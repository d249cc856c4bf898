"""The backend's own modules, compiled ahead and kept in memory for boots to run. Compiling runs none of them."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Mapping
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path
from typing import Any

from .command import ProgramCommand

MOST_FILES = 2000

Code = Any
Recompile = Callable[[bytes, str, str], Code]  # source, path and module's name to other code for it, or None


class CompiledModule:
    """One module: its file, the package's `__path__` that it is found by, its own `__path__`, its code."""

    def __init__(self, file: Path, *, is_package: bool, code: Code) -> None:
        self.file, self.code = str(file), code
        folder = file.parent
        self.searched = str(folder.parent if is_package else folder)
        self.searches = [str(folder)] if is_package else None
        self.stamp = _stamp(self.file)


class Compiled:
    """The modules that could be compiled, by their names."""

    def __init__(self) -> None:
        self._modules: dict[str, CompiledModule] = {}
        self._instead: dict[tuple[str, ...], dict[str, Code]] = {}

    def compile(self, command: ProgramCommand, until: float) -> None:
        """Compile the backend's own packages, as far as there is time; what cannot be compiled is left to the boot."""
        if self._modules:
            return
        writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            for name in sorted(command.own_names()):
                for module, file in _below(name)[:MOST_FILES]:
                    if time.monotonic() >= until:
                        return
                    with contextlib.suppress(SyntaxError, OSError, ValueError, ImportError):
                        code = SourceFileLoader(module, str(file)).get_code(module)
                        self._modules[module] = CompiledModule(file, is_package=file.name == "__init__.py", code=code)
        finally:
            sys.dont_write_bytecode = writes

    def instead(self, key: tuple[str, ...], recompile: Recompile) -> dict[str, Code]:
        """What `recompile` makes of the modules, for those of which it makes anything; remembered by `key`."""
        if key not in self._instead:
            made = {}
            for name, module in self._modules.items():
                with contextlib.suppress(SyntaxError, OSError, ValueError):
                    code = recompile(Path(module.file).read_bytes(), module.file, name)
                    if code is not None:
                        made[name] = code
            self._instead[key] = made
        return self._instead[key]

    def use(self, instead: Mapping[str, Code]) -> None:
        """In a boot: import these modules from memory; `instead` is run in place of what was compiled at first."""
        finders: list[Any] = sys.meta_path
        at = finders.index(PathFinder) if PathFinder in finders else len(finders)
        finders.insert(at, Finder(self._modules, instead))


class Finder:
    """Finds submodules where their package would, in files that are what they were when they were compiled.

    Everything else is left to the finder behind it: a file that was changed, a package with another `__path__`.
    """

    def __init__(self, modules: Mapping[str, CompiledModule], instead: Mapping[str, Code]) -> None:
        self._modules, self._instead = modules, instead

    def find_spec(self, name: str, path: Any = None, target: object = None) -> Any:  # noqa: ARG002  importlib's protocol
        """The module's spec, or None."""
        module = self._modules.get(name)
        if module is None or path is None or list(path) != [module.searched] or _stamp(module.file) != module.stamp:
            return None
        loader = Loader(name, module.file)
        loader.code = self._instead.get(name, module.code)
        return importlib.util.spec_from_file_location(
            name, module.file, loader=loader, submodule_search_locations=module.searches
        )


class Loader(SourceFileLoader):
    """As for any other file, but the code is there already."""

    code: Code = None

    def get_code(self, fullname: str) -> Code:  # noqa: ARG002  a loader has one module
        """The code."""
        return self.code


def _below(top_level: str) -> list[tuple[str, Path]]:
    """The modules below that package, by name and file, found without importing it."""
    try:
        spec = importlib.util.find_spec(top_level)
    except (ImportError, ValueError):
        return []
    found = []
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for file in sorted(Path(folder).rglob("*.py")):
            parts = file.relative_to(folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            if parts:  # the package itself is found on the path, by whoever has to say where that is
                found.append((".".join((top_level, *parts)), file))
    return found


def _stamp(file: str) -> tuple[int, int] | None:
    try:
        status = os.stat(file)  # noqa: PTH116  once for each import of a boot
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
