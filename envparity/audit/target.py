"""What is audited: a package, where it lies, and what a backend file says of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from envparity.config.backend import load_backend
from envparity.errors import ConfigurationError, Mistake
from envparity.model.backend import Audit, Backend
from envparity.support.toml.document import shown_path

__all__ = ["AuditTarget", "find_target"]

_BACKEND = "backend.toml"


@dataclass(frozen=True)
class AuditTarget:
    """A package below `root` (None: where the interpreter finds it); its backend, where there is one.

    Where `part` is named, a module or subpackage, the whole is read, and only that part is imported and reported.
    """

    package: str
    root: Path | None
    audit: Audit
    backend: Backend | None = None
    part: str | None = None

    def holds(self, module: str) -> bool:
        """Whether that module is one of those that are reported."""
        return self.part is None or module == self.part or module.startswith(f"{self.part}.")


def find_target(subject: str | None, backend_file: Path | None, default_file: Path | None = None) -> AuditTarget:
    """From what stands on the command line: a folder, a file, an importable name, or nothing but a backend file.

    A package in whose folder a backend file lies is audited as that says. Raises `ConfigurationError`.
    """
    if subject is None:
        file = backend_file or default_file
        if file is None:
            mistake = Mistake("audit", 0, "PACKAGE_OR_PATH", "a package, or a backend file", "neither", "name one")
            raise ConfigurationError([mistake])
        return _of_backend(load_backend(file))
    asked = backend_file is not None
    name, root = _placed(subject)
    if backend_file is None and root is not None and (root / name.replace(".", "/") / _BACKEND).is_file():
        backend_file = root / name.replace(".", "/") / _BACKEND
    backend = load_backend(backend_file) if backend_file is not None else None
    said = backend.audit if backend is not None else None
    if said is None or (not asked and said.package != name):
        return AuditTarget(name, root, Audit(name))
    package = _package_of(name, said.package)
    return AuditTarget(package, root, _renamed(said, package), backend, None if package == name else name)


def _package_of(name: str, said: str) -> str:
    """The package that `name` is or is a part of, as it is called there; `said` is what the backend file calls it."""
    if said == name or said.startswith(f"{name}."):
        return name
    parts, sought = name.split("."), said.split(".")
    for start in range(len(parts) - len(sought) + 1):
        if parts[start : start + len(sought)] == sought:
            return ".".join(parts[: start + len(sought)])
    return ".".join(parts[: len(sought)])  # called otherwise altogether: a copy


def _renamed(said: Audit, package: str) -> Audit:
    """What the file says, with the names that the modules have where the package is called otherwise."""
    if said.package == package or said.package.startswith(f"{package}."):
        return replace(said, package=package)

    def moved(names: tuple[str, ...]) -> tuple[str, ...]:
        below = f"{said.package}."
        return tuple(
            package + name[len(said.package) :] if name == said.package or name.startswith(below) else name
            for name in names
        )

    return replace(
        said,
        package=package,
        request_scoped=moved(said.request_scoped),
        settings_modules=moved(said.settings_modules),
        settings_readers=moved(said.settings_readers),
        settings_tellers=moved(said.settings_tellers),
        startup_modules=moved(said.startup_modules),
    )


def _of_backend(backend: Backend) -> AuditTarget:
    source = shown_path(backend.file)
    if backend.audit is None:
        expected = "a table that says which package to audit"
        mistake = Mistake(source, 0, "audit", expected, "none", "add [audit] with package, or name a package")
        raise ConfigurationError([mistake])
    path = Path(*backend.audit.package.split("."))
    above = [backend.file.resolve().parent, *backend.file.resolve().parent.parents]
    if backend.image.context is not None:
        above.insert(0, backend.image.context)
    for folder in above:
        if (folder / path).is_dir() or (folder / path).with_suffix(".py").is_file():
            return AuditTarget(backend.audit.package, folder, backend.audit, backend)
    expected, got = "a package beside or around this file", f"no {path.as_posix()}/ there"
    raise ConfigurationError([Mistake(source, 0, "audit.package", expected, got)])


def _placed(subject: str) -> tuple[str, Path | None]:
    """The dotted name and the folder that it is found from; a folder of a larger package is audited as part of it."""
    path = Path(subject)
    if path.is_file() and path.suffix == ".py":
        path = path.resolve()
        name = path.parent.name if path.stem == "__init__" else path.stem
        folder = path.parent.parent if path.stem == "__init__" else path.parent
    elif path.is_dir():
        path = path.resolve()
        if not any(path.rglob("*.py")):
            raise ConfigurationError([Mistake("audit", 0, subject, "a Python package", "a folder without Python")])
        name, folder = path.name, path.parent
    elif all(part.isidentifier() for part in subject.split(".")):
        return subject, None
    else:
        raise ConfigurationError([Mistake("audit", 0, subject, "a package, a folder or a file", "no such file")])
    while (folder / "__init__.py").is_file():
        name, folder = f"{folder.name}.{name}", folder.parent
    if not all(part.isidentifier() for part in name.split(".")):
        mistake = Mistake("audit", 0, subject, "a folder whose name can be imported", repr(name))
        raise ConfigurationError([mistake])
    return name, folder
