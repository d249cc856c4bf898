"""That the names in a backend file's [audit] are names that the package has or imports."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.audit.source import Module, Package, bound_names, imported_names
from envparity.audit.target import AuditTarget
from envparity.errors import ConfigurationError, Mistake
from envparity.support.toml.document import did_you_mean, shown_path

__all__ = ["check_names"]

_EVERYTHING = "*"


def check_names(target: AuditTarget, package: Package) -> None:
    """Raise `ConfigurationError` with every name in [audit] that is none: nothing would ever be found by it."""
    said = target.audit
    source = shown_path(target.backend.file) if target.backend is not None else "audit"

    def mistake(key: str, name: str, expected: str, known: set[str]) -> Mistake:
        return Mistake(source, 0, f"audit.{key}", expected, name, did_you_mean(name, known))

    modules = {*package.modules, *package.broken}
    mistakes = [
        mistake(key, name, f"a module of {package.name}", modules)
        for key, names in (("settings_modules", said.settings_modules), ("startup_modules", said.startup_modules))
        for name in names
        if name not in modules
    ]
    if not package.broken:  # what is no Python may hold the name
        classes = {class_.dotted for module in package.modules.values() for class_ in module.classes.values()}
        bare = {name.rpartition(".")[2] for name in classes}
        mistakes += [
            mistake("request_scoped", name, f"a class of {package.name}", classes | bare)
            for name in said.request_scoped
            if name not in classes | bare
        ]
        functions = {*_functions(package)}
        expected = f"a function or mapping of {package.name}, or one that it imports"
        mistakes += [
            mistake("settings_readers", name, expected, functions)
            for name in said.settings_readers
            if not _is_there(package, name)
        ]
        mistakes += [
            mistake("settings_tellers", name, f"a function or method of {package.name}", functions)
            for name in said.settings_tellers
            if name not in functions
        ]
    if mistakes:
        raise ConfigurationError(mistakes)


def _functions(package: Package) -> Iterator[str]:
    for module in package.modules.values():
        yield from (f"{module.name}.{info.name}" for info in module.everything if info.outer is None)


def _is_there(package: Package, name: str) -> bool:
    """Whether the package defines that name, or imports it or what it is a part of."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = package.modules.get(".".join(parts[:length]))
        if module is not None:
            return _defines(module, parts[length:])
    return any(
        name == imported or name.startswith(f"{imported}.")
        for module in package.modules.values()
        for imported in _imports(module)
    )


def _defines(module: Module, path: list[str]) -> bool:
    first, *rest = path
    if "__getattr__" in module.functions or _EVERYTHING in module.names:
        return True  # it has whatever names it likes
    held = module.classes.get(first)
    if held is not None and rest and not held.node.bases:
        return rest[0] in held.methods or rest[0] in bound_names(held.node.body)
    return held is not None or first in {*module.functions, *module.names, *module.bindings}


def _imports(module: Module) -> Iterator[str]:
    """What the module imports, at its top level and in its functions; of `from x import *`, x."""
    yield from (name.removesuffix(f".{_EVERYTHING}") for name in module.names.values())
    for function in module.everything:
        yield from (meaning for _, meaning in imported_names(module, function.node.body))
