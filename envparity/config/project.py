"""What is judged: one backend and its environments, read from their files and checked against each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from envparity.auth.key_pair import ISSUER, key_maker
from envparity.config.backend import read_backend
from envparity.config.deployed_image import with_fitting_image
from envparity.config.environment import read_environments
from envparity.config.limits import limit_settings, number_of
from envparity.config.own_nginx import places
from envparity.config.scenario_needs import unmet_by_environments, with_lines
from envparity.dependency.kind import HoldsKeys, SaysWhatItHolds, TakesCommands, kind_of
from envparity.dependency.wording import command_problem, commands_of
from envparity.errors import ConfigurationError, Mistake
from envparity.model.backend import Backend
from envparity.model.commands import HEALTH_PORT, ports_in
from envparity.model.environment import Composed, Environment, Setting, is_made_secret, sources_of
from envparity.model.project import Project
from envparity.model.scenario import required_settings
from envparity.model.step import Rotate
from envparity.support.toml.document import did_you_mean, shown_path

__all__ = ["load_project", "with_secrets_known"]

_PROVIDER = "an identity provider of every environment"
_COMMANDED = "a dependency of every environment that takes commands"


def load_project(backend_file: Path, environment_paths: Path | Sequence[Path], names: Sequence[str] = ()) -> Project:
    """Read a backend file and its environment files (or the folders that hold them), the baseline first.

    `names` chooses environments, and their order. `today` is the date in UTC.
    Raises `ConfigurationError` with every mistake of every file.
    """
    paths = [environment_paths] if isinstance(environment_paths, Path) else list(environment_paths)
    backend, mistakes = read_backend(backend_file)
    environments, wrong = read_environments(paths, names, None if backend is None else backend.settings)
    if backend is not None:
        environments = {name: with_fitting_image(backend, environment) for name, environment in environments.items()}
    mistakes = [*mistakes, *wrong]
    if backend is not None:
        mistakes += [*_unmet_needs(backend, environments), *unmet_by_environments(backend, environments)]
        mistakes = with_lines(backend, mistakes)
    if mistakes or backend is None:
        raise ConfigurationError(mistakes)
    backend = with_secrets_known(backend, environments.values())
    return Project(backend, environments, dt.datetime.now(dt.UTC).date().isoformat())


def with_secrets_known(backend: Backend, environments: Iterable[Environment]) -> Backend:
    """That backend with what its environments say of secrets, and with no secret in a boot of its scenarios.

    What is a secret in one of them is one in all. A boot is part of everything that is told of it: in place of a secret
    there stands which one it is.
    """
    environments = list(environments)
    made = {
        name for environment in environments for name, value in environment.settings.items() if is_made_secret(value)
    }
    while found := {name for environment in environments for name in _made_of(made, environment)} - made:
        made |= found
    backend = msgspec.structs.replace(backend, secret_settings=frozenset(made))
    placeholders: dict[tuple[str, str], str] = {}
    scenarios = []
    for scenario in backend.scenarios:
        given = list(scenario.boot.settings)
        for place, (name, value) in enumerate(given):
            if backend.is_secret(name, value):
                count = sum(1 for known, _ in placeholders if known == name)
                given[place] = name, placeholders.setdefault((name, value), f"<secret {count + 1} for {name}>")
        boot = msgspec.structs.replace(scenario.boot, settings=tuple(given))
        scenarios.append(msgspec.structs.replace(scenario, boot=boot))
    secrets = {placeholder: value for (_, value), placeholder in placeholders.items()}
    return msgspec.structs.replace(backend, scenarios=tuple(scenarios), boot_secrets=secrets)


def _made_of(secret: Collection[str], environment: Environment) -> Iterator[str]:
    """The settings that are composed of one of these secrets: of a URL that is what is seen in its value."""
    for name, setting in environment.settings.items():
        if (
            isinstance(setting, Composed)
            and "://" not in setting.around
            and any(part in secret for part in setting.settings)
        ):
            yield name


def _no_limits(source: str, backend: Backend, environment: Environment) -> Iterator[Mistake]:
    """What [limits] names and this environment gives as no number, or has not."""
    given = backend.settings | environment.settings
    for key, setting in limit_settings(backend).items():
        if setting in given and number_of(given[setting]) is None:
            yield Mistake(source, 0, f"limits.{key}", "a number wherever it is set", f"{setting} in {environment.name}")
    pool = backend.limits.pool_dependency
    if pool is not None and pool not in environment.dependencies:
        action = did_you_mean(pool, environment.dependencies)
        got = f"{pool}, which {environment.name} has not"
        yield Mistake(source, 0, "limits.pool_dependency", "a dependency of every environment", got, action)


def _unmet_needs(backend: Backend, environments: Mapping[str, Environment]) -> Iterator[Mistake]:
    """What the backend's file takes for granted and an environment does not have."""
    source = shown_path(backend.file)
    everywhere = {*backend.settings}.union(*(each_environment.settings for each_environment in environments.values()))
    for index, setting in enumerate(backend.idle_settings):
        if setting not in everywhere and environments:
            action = did_you_mean(setting, everywhere)
            expected = "a setting that some environment gives"
            yield Mistake(source, 0, f"idle_settings[{index}]", expected, f"{setting}, which none has", action)
    for key, setting in limit_settings(backend).items():
        if setting not in everywhere and environments:
            action = did_you_mean(setting, everywhere)
            expected = "a setting that some environment gives"
            yield Mistake(source, 0, f"limits.{key}", expected, f"{setting}, which none has", action)
    for environment in environments.values():
        yield from _own_of(source, backend, environment)
        given = {*backend.settings, *environment.settings, environment.platform.port_setting}
        for where, setting in _needed_settings(backend).items():
            if setting not in given:
                got = f"no {setting} in {environment.name}"
                action = did_you_mean(setting, given) or f"add {setting} to its [settings]"
                yield Mistake(source, 0, where, "a setting that every environment gives", got, action)
        for index, setting in enumerate(backend.idle_settings):
            value = (backend.settings | environment.settings).get(setting)
            if value is not None and not _is_seconds(value):
                secret = not isinstance(value, str) or backend.is_secret(setting, value)
                shown = "a secret" if secret else repr(value)
                shown = "a composed value" if isinstance(value, Composed) else shown
                got = f"{setting} = {shown} in {environment.name}"
                yield Mistake(source, 0, f"idle_settings[{index}]", "a number of seconds in every environment", got)
        yield from _no_limits(source, backend, environment)
        yield from _silent_holders(source, backend, environment)
        yield from _keys_of_nobody(source, backend, environment)
        yield from _slow_configurations(source, backend, environment)
        yield from _no_providers(source, backend, environment)
        yield from _revoked_nowhere(source, backend, environment)


def _revoked_nowhere(source: str, backend: Backend, environment: Environment) -> Iterator[Mistake]:
    """The dependency in which tokens are revoked, where this environment has none that takes that command."""
    scheme = backend.scheme
    if scheme is None or not scheme.revokes_in:
        return
    name = scheme.revokes_in
    dependency = environment.dependencies.get(name)
    if dependency is None or not isinstance(kind_of(dependency), TakesCommands):
        got = f"no dependency {name}" if dependency is None else f"{name}, a {dependency.kind},"
        action = did_you_mean(name, environment.dependencies) or "name one that each has"
        yield Mistake(source, 0, "tokens.revocation.dependency", _COMMANDED, f"{got} in {environment.name}", action)
        return
    _, command = scheme.revoking("revoked", "{jti}") or ("", ())
    problem = command_problem(commands_of(dependency), command) if command else ""
    if problem:
        got = f"{' '.join(command)} in {environment.name}"
        yield Mistake(source, 0, "tokens.revocation.command", f"{problem}, as a {dependency.kind} takes it", got)


def _slow_configurations(source: str, backend: Backend, environment: Environment) -> Iterator[Mistake]:
    """Boots that make idle times shorter, where the ingress's stands in a configuration without a place for it."""
    own = environment.ingress.config
    if own is None or "idle_timeout_s" in places(own.text):
        return
    for scenario in backend.scenarios:
        if scenario.boot.hasten != 1:
            got = f"none in {own} of {environment.name}"
            expected = "a place for {idle_timeout_s} in every configuration of nginx"
            action = "write proxy_read_timeout {idle_timeout_s}s; there"
            yield Mistake(source, 0, f"scenario {scenario.name}: boot.hasten", expected, got, action)


def _own_of(source: str, backend: Backend, environment: Environment) -> Iterator[Mistake]:
    """What an environment has in place of something that the backend's file does not have."""
    if environment.image is not None and not backend.image.given:
        got, action = f"none, and {environment.name} has one of its own", "add [image], or remove that one"
        yield Mistake(source, 0, "image", "a table that says which image is the backend's", got, action)
    apart = backend.health.port is not None
    if environment.command and backend.process is not None:
        named = HEALTH_PORT in ports_in(environment.command)
        if named != apart:
            expected = "{health_port} in it, for [health] has a port of its own" if apart else "no {health_port} in it"
            got = f"the command of {environment.name}"
            yield Mistake(source, 0, "health.port", expected, got, "" if apart else "set health.port, or take it out")


def _silent_holders(source: str, backend: Backend, environment: Environment) -> Iterator[Mistake]:
    """Dependencies that are to say what they keep, which this environment does not have, or whose kind cannot."""
    expected = "a dependency of every environment that says what it holds"
    for name in backend.keeps:
        dependency = environment.dependencies.get(name)
        if dependency is None or not isinstance(kind_of(dependency), SaysWhatItHolds):
            got = f"no dependency {name}" if dependency is None else f"{name}, a {dependency.kind},"
            action = did_you_mean(name, environment.dependencies) if dependency is None else ""
            yield Mistake(source, 0, f"keeps.{name}", expected, f"{got} in {environment.name}", action)


def _keys_of_nobody(source: str, backend: Backend, environment: Environment) -> Iterator[Mistake]:
    """Settings that take a public key where the scheme makes no key pair."""
    if key_maker(backend.scheme) is not None or "tokens" in environment.dependencies:
        return
    for name, value in environment.settings.items():
        taken = [source for source in sources_of(value) if source.startswith("tokens.")]
        if taken:
            got = f"{name} of {environment.name}, which takes {taken[0]}"
            expected, action = "no setting that takes a key that nobody makes", 'set scheme = "jwt-key-pair"'
            yield Mistake(source, 0, "tokens.scheme", expected, got, action)


def _no_providers(source: str, backend: Backend, environment: Environment) -> Iterator[Mistake]:
    """What is said of an identity provider that this environment does not have."""
    maker = key_maker(backend.scheme)
    named = {"tokens.provider": maker.provider} if maker is not None and maker.provider is not None else {}
    for scenario in backend.scenarios:
        rotated = (step.dependency for step in scenario.steps if isinstance(step, Rotate))
        named |= {f"scenario {scenario.name}: rotate": name for name in rotated}
    for key, name in named.items():
        dependency = environment.dependencies.get(name)
        if dependency is None or not isinstance(kind_of(dependency), HoldsKeys):
            got = f"no dependency {name}" if dependency is None else f"{name}, a {dependency.kind},"
            yield Mistake(source, 0, key, _PROVIDER, f"{got} in {environment.name}")


def _is_seconds(value: Setting) -> bool:
    try:
        return isinstance(value, str) and 0 < float(value) < float("inf")
    except ValueError:
        return False


def _needed_settings(backend: Backend) -> dict[str, str]:
    """Settings by the key of the backend file that names them."""
    needed = {}
    scheme = backend.scheme
    if scheme is not None:
        made = key_maker(scheme) is not None
        needed = {} if made else {f"tokens.{scheme.key_of_signing}": scheme.signing_setting}
        needed |= {f"tokens.{key}": name for key, name in scheme.open_settings.items() if name != ISSUER}
    for setting in sorted(backend.settings_of_connecting):
        needed[f"websocket_path and origin: {{setting:{setting}}}"] = setting
    for scenario in backend.scenarios:
        for setting in sorted(required_settings(scenario)):
            needed[f"scenario {scenario.name}: {{setting:{setting}}}"] = setting
    return needed
