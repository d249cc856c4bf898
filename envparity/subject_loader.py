"""What is judged: one backend and its environments, read from their files and checked against each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from envparity.backend import Backend
from envparity.backend_loader import read_backend
from envparity.document import did_you_mean, shown_path
from envparity.environment import Environment, Setting
from envparity.environment_loader import read_environments
from envparity.errors import ConfigurationError, Mistake
from envparity.scenario import required_settings
from envparity.subject import Subject

__all__ = ["load_subject"]


def load_subject(backend_file: Path, environment_paths: Path | Sequence[Path], names: Sequence[str] = ()) -> Subject:
    """Read a backend file and its environment files (or the folders that hold them), the baseline first.

    `names` chooses environments, and their order. `today` is the date in UTC.
    Raises `ConfigurationError` with every mistake of every file.
    """
    paths = [environment_paths] if isinstance(environment_paths, Path) else list(environment_paths)
    backend, mistakes = read_backend(backend_file)
    environments, wrong = read_environments(paths, names)
    mistakes = [*mistakes, *wrong]
    if backend is not None:
        mistakes += _unmet_needs(backend, environments)
    if mistakes or backend is None:
        raise ConfigurationError(mistakes)
    return Subject(backend, environments, dt.datetime.now(dt.UTC).date().isoformat())


def _unmet_needs(backend: Backend, environments: Mapping[str, Environment]) -> Iterator[Mistake]:
    """What the backend's file takes for granted and an environment does not have."""
    source = shown_path(backend.file)
    for environment in environments.values():
        given = {*backend.settings, *environment.settings, environment.platform.port_setting}
        for where, setting in _needed_settings(backend).items():
            if setting not in given:
                got = f"no {setting} in {environment.name}"
                action = did_you_mean(setting, given) or f"add {setting} to its [settings]"
                yield Mistake(source, 0, where, "a setting that every environment gives", got, action)
        for index, setting in enumerate(backend.idle_settings):
            value = (backend.settings | environment.settings).get(setting)
            if value is not None and not _is_seconds(value):
                shown = repr(value) if isinstance(value, str) else "what is made for each run"
                got = f"{setting} = {shown} in {environment.name}"
                yield Mistake(source, 0, f"idle_settings[{index}]", "a number of seconds in every environment", got)
        revocation = backend.tokens.revocation if backend.tokens else None
        if revocation is not None:
            dependency = environment.dependencies.get(revocation.dependency)
            if dependency is None or dependency.kind != "redis":
                got = f"no Redis called {revocation.dependency} in {environment.name}"
                yield Mistake(source, 0, "tokens.revocation.dependency", "a Redis of every environment", got)


def _is_seconds(value: Setting) -> bool:
    try:
        return isinstance(value, str) and 0 < float(value) < float("inf")
    except ValueError:
        return False


def _needed_settings(backend: Backend) -> dict[str, str]:
    """Settings by the key of the backend file that names them."""
    needed = {}
    if backend.tokens is not None:
        needed = {
            "tokens.key_setting": backend.tokens.key_setting,
            "tokens.issuer_setting": backend.tokens.issuer_setting,
            "tokens.audience_setting": backend.tokens.audience_setting,
        }
    needed |= {f"idle_settings[{index}]": setting for index, setting in enumerate(backend.idle_settings)}
    for scenario in backend.scenarios:
        for setting in sorted(required_settings(scenario)):
            needed[f"scenario {scenario.name}: {{setting:{setting}}}"] = setting
    return needed
