"""What the files of a deployment say and an environment's own file, typed by hand, does not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from envparity.config.deployed_image import with_fitting_image
from envparity.config.environment import environment_of
from envparity.errors import ConfigurationError
from envparity.model.backend import Backend
from envparity.model.environment import Composed, Dependency, Environment, FromSource, SecretOf, Setting, sources_of
from envparity.support.redaction import is_secret, redact
from envparity.support.toml.document import Document, dotted, shown_path

__all__ = ["Drift", "drifts", "said_by"]

_NOT = "not said"
_WHOLE = ("image", "entrypoint", "arguments")


class Drift(msgspec.Struct, frozen=True, order=True):
    """One thing that the deployment's files say otherwise: its key, what both say, and where either stands."""

    environment: str
    key: str
    deployed: str
    deployed_at: str
    typed: str
    typed_at: str

    def __str__(self) -> str:
        said = f"{self.deployed_at} says {self.deployed}, {self.typed_at} says {self.typed}"
        return f"{self.environment}: {self.key}: {said}"


def said_by(name: str, folder: Path, files: Sequence[str], backend: Backend) -> Environment:
    """The environment that these files alone are, as `extends` reads them. Raises `ConfigurationError`."""
    path = folder / f"{name}.toml"
    document = Document(shown_path(path), path, {"name": name, "extends": list(files)}, {})
    made, mistakes = environment_of(document, backend.settings)
    if made is None:
        raise ConfigurationError(mistakes)
    return with_fitting_image(backend, made)


def drifts(
    said: Environment, typed: Environment, backend: Backend, file: Path, lines: Mapping[str, int]
) -> Iterator[Drift]:
    """All of it. `lines` are those of the keys of `file`, in which the environment was typed.

    What the environment extends it says; what it says itself over that was meant.
    """
    for key, deployed, own in _pairs(said, typed, backend):
        if deployed != own and not (typed.extends and key in lines):
            at = said.places.get(key) or next(note.place for note in said.notes if note.name == key)
            yield Drift(said.name, key, deployed, at, own, typed.places.get(key) or _place(file, lines, key))


def _place(file: Path, lines: Mapping[str, int], key: str) -> str:
    """The line of the key, else of the table where it would stand, else the file's first."""
    line = lines.get(key) or lines.get(key.rpartition(".")[0]) or lines.get(key.partition(".")[0]) or 1
    return f"{shown_path(file)}:{line}"


def _pairs(said: Environment, typed: Environment, backend: Backend) -> Iterator[tuple[str, str, str]]:
    """Each key that the files say something of, as they say it and as the environment does."""
    given = {**backend.settings, **typed.settings}
    for name, setting in said.settings.items():
        yield dotted(("settings", name)), *_settings(backend, name, setting, given.get(name))
    for note in said.notes:
        name = note.name.removeprefix("settings.")
        if name != note.name and name not in given:
            yield note.name, f"a setting ({note.text})", "not set"
    for table in ("platform", "ingress"):
        sides = [msgspec.to_builtins(getattr(side, table)) for side in (said, typed)]
        for key in sides[0]:
            if dotted((table, key)) in said.places:
                yield dotted((table, key)), _text(sides[0][key]), _text(sides[1][key])
    for name, server in said.dependencies.items():
        other = typed.dependencies.get(name)
        yield dotted(("dependencies", name)), _server(server), _server(other)
    for name, job in said.jobs.items():
        own = typed.jobs.get(name)
        yield dotted(("jobs", name)), _text(job.command), _text(own.command if own else None)
    for key in _WHOLE:
        if key in said.places and getattr(said, key):
            yield key, _part(said, key), _part(typed, key)
    if "dependencies_first" in said.places:
        yield "dependencies_first", _text(said.dependencies_first), _text(typed.dependencies_first)


def _settings(backend: Backend, name: str, said: Setting, typed: Setting | None) -> tuple[str, str]:
    """Both as they may be shown. A secret is one however it is made; what is taken from a server, however it is put."""
    if typed is None:
        return _setting(backend, name, said), "not set"
    secret = isinstance(said, str) and backend.is_secret(name, said)
    if secret and not isinstance(typed, str):
        return "a secret", "a secret"
    servers = [{source.partition(".")[0] for source in sources_of(side)} for side in (said, typed)]
    if servers[0] and servers[0] == servers[1]:
        return "", ""
    return _setting(backend, name, said), _setting(backend, name, typed)


def _setting(backend: Backend, name: str, setting: Setting) -> str:
    if isinstance(setting, SecretOf):
        return "a secret, made for every run"
    if isinstance(setting, FromSource):
        return f"from {setting.source}"
    if isinstance(setting, Composed):
        hidden = backend.is_secret(name, setting.around)
        return f"composed of {redact(setting.outline if hidden else setting.template, ())}"
    if backend.is_secret(name, setting):
        return f"a secret ({hashlib.sha256(setting.encode()).hexdigest()[:8]})"
    return redact(setting, ()) or "(empty)"


def _server(server: Dependency | None) -> str:
    """A dependency by what files of a deployment can say of it."""
    if server is None:
        return _NOT
    told: dict[str, object] = {"kind": server.kind, "tls": server.tls, "password": server.password}
    told |= {key: server.options[key] for key in ("image", "port", "command") if server.options.get(key)}
    variables = {**server.options.get("variables", {}), **server.options.get("settings", {})}
    told |= {key: "a secret" if is_secret(key, str(value)) else value for key, value in variables.items()}
    return _text(told)


def _part(environment: Environment, key: str) -> str:
    return _text(msgspec.to_builtins(getattr(environment, key), enc_hook=shown_path))


def _text(value: object) -> str:
    if value is None or value in ((), [], {}):
        return _NOT
    if isinstance(value, dict):
        return ", ".join(
            f"{key}={_text(each_value)}" for key, each_value in value.items() if each_value not in (None, "off")
        )
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
