"""What a run is of, so that two of its parts can be told to belong together: the commit, the files, the version."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePath

import msgspec

from envparity.doors import foreign_entries, version_of_envparity
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.support.redaction import Redaction, is_secret, without_shapes

__all__ = ["Identity", "identity_of"]

_GIT_S = 60.0
_DIGITS = 16
_KEPT_BACK = "<kept back>"


class Identity(msgspec.Struct, frozen=True):
    """`envparity` is the version, with what is installed beside it; `files` a digest of all that the files say.

    `commit` is that of the repository that holds the backend's file, with a digest of what was changed since; "" where
    there is no repository. No digest is of a secret: a secret's value is left out of it.
    """

    envparity: str
    commit: str
    files: str

    def differences(self, other: Identity) -> Iterator[tuple[str, str, str]]:
        """What differs, in words, with both values: here, and in the other."""
        yield from (
            (word, getattr(self, name), getattr(other, name))
            for name, word in (("envparity", "version"), ("commit", "commit"), ("files", "files"))
            if getattr(self, name) != getattr(other, name)
        )


def identity_of(project: Project) -> Identity:
    """What that project, as it was read here, is."""
    entries = [f"{entry.distribution} {entry.version}" for entry in foreign_entries()]
    version = " ".join([version_of_envparity(), *sorted(set(entries))])
    return Identity(version, _commit(project.backend.file.parent), _digest(_said(project)))


def _said(project: Project) -> str:
    """All that the files say, in one way of writing it, without secrets and without where the project lies."""
    folder = project.backend.file.resolve().parent

    def written(value: object) -> object:
        if isinstance(value, PurePath):
            path = Path(value).resolve()
            return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
        return str(type(value))

    said = {"backend": project.backend, "environments": list(project.environments.values())}
    plain = msgspec.to_builtins(said, enc_hook=written, order="deterministic")
    plain["backend"]["boot_secrets"] = sorted(project.backend.boot_secrets)
    contract = project.backend.contract.document if project.backend.contract is not None else None
    text = msgspec.json.encode(plain, order="deterministic").decode()
    text += contract.read_text(encoding="utf-8") if contract is not None and contract.is_file() else ""
    return without_shapes(Redaction(_literals(project)).text(text))


def _literals(project: Project) -> Iterator[tuple[str, str]]:
    """Every secret that stands in the files, with what is put in its place."""
    backend = project.backend
    tables = [backend.settings, backend.process.variables if backend.process is not None else {}]
    tables += [_plain_settings(each_environment) for each_environment in project.environments.values()]
    for table in tables:
        yield from ((value, _KEPT_BACK) for name, value in table.items() if value and backend.is_secret(name, value))
    yield from ((value, _KEPT_BACK) for value in backend.boot_secrets.values())
    for environment in project.environments.values():
        for dependency in environment.dependencies.values():
            for option in dependency.options.values():
                if isinstance(option, dict):
                    yield from (
                        (value, _KEPT_BACK)
                        for name, value in option.items()
                        if isinstance(value, str) and value and is_secret(name, value)
                    )


def _plain_settings(environment: Environment) -> dict[str, str]:
    return {name: value for name, value in environment.settings.items() if isinstance(value, str)}


def _commit(folder: Path) -> str:
    """The commit, and a digest of what is changed in files that it has; "" without git or a repository."""
    git = shutil.which("git")
    head = None if git is None else _asked(git, folder, "rev-parse", "HEAD")
    if git is None or head is None:
        return ""
    changed = _asked(git, folder, "diff", "HEAD", "--binary", "--no-color", "--no-ext-diff", "--relative", "--", ".")
    return head.decode().strip() + (f"+{_digest(changed)}" if changed else "")


def _asked(git: str, folder: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            [git, *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=_GIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _digest(text: str | bytes) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass") if isinstance(text, str) else text).hexdigest()[:_DIGITS]
