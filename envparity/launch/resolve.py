"""From an environment's settings to the values that a process gets, and their fingerprints."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from envparity.errors import LaunchError
from envparity.model.backend import Backend
from envparity.model.case import Boot
from envparity.model.environment import Composed, Environment, FromSource, SecretOf, Setting
from envparity.observe.record import SettingFingerprint
from envparity.observe.setting_source import OF_THE_PLATFORM
from envparity.support.zones import TIMEZONE_VARIABLE

__all__ = [
    "ResolvedSetting",
    "RunSecrets",
    "comes_with_a_secret",
    "fingerprints",
    "hastened",
    "named_secrets",
    "resolve_settings",
    "secret_variables",
    "settings_of_boot",
]

_OF_A_DEPENDENCY = "dependency "
_RESERVED = ("@", "/", ":", "%41", "#", "+", "?", "")
"""What stands behind each piece of a password with reserved characters; %41 becomes A by one decoding too many."""
_PIECE_BYTES = 4
_IN_PLACE = re.compile(r"<secret \d+ for \w+>")


class RunSecrets:
    """Secrets made for one run and kept in memory only. The same name gives the same secret for as long as it lives.

    `salt` is what fingerprints are made with, where several processes make them for one run; else it is made.
    """

    def __init__(self, salt: bytes | None = None) -> None:
        self._made: dict[tuple[str, str], str] = {}
        self._keys: dict[tuple[str, str], str] = {}
        self._parts: dict[tuple[str, str, str], None] = {}
        self._salt = salt or secrets.token_bytes(16)

    def hexadecimal(self, environment: str, name: str, size: int) -> str:
        """`size` random bytes as hexadecimal digits, the same each time for that environment and name."""
        return self._made.setdefault((environment, name), secrets.token_hex(size))

    def key(self, environment: str, name: str, make: Callable[[], str]) -> str:
        """The private key of that environment and name: made when it is first asked for, and given to no backend."""
        if (environment, name) not in self._keys:
            self._keys[environment, name] = make()
        return self._keys[environment, name]

    def reserved(self, environment: str, name: str, size: int) -> str:
        """The same amount of chance among characters that mean something in a URL unless they are percent-encoded.

        What a client that does not encode them makes of it are pieces, and each of those is a secret too. Each begins
        with a letter: of digits alone one in forty would be an IPv4 address (inet_aton(3)) or a port, and mean another
        failure than the rest.
        """
        key = environment, name
        if key not in self._made:
            digits = max(size // len(_RESERVED), _PIECE_BYTES)
            parts = [secrets.choice("ghijkm") + secrets.token_hex(digits)[1:] for _ in _RESERVED]
            self._parts.update({(*key, part): None for part in parts})
            self._made[key] = "".join(part + mark for part, mark in zip(parts, _RESERVED, strict=True))
        return self._made[key]

    def fingerprint(self, value: str) -> str:
        """12 hexadecimal digits that are equal for equal values within this run, and say nothing outside it."""
        return hmac.new(self._salt, value.encode(errors="surrogatepass"), "sha256").hexdigest()[:12]

    def named(self, environment: str) -> tuple[tuple[str, str], ...]:
        """Every secret made so far, with what is shown for it: those of that environment first."""
        whole = [(owner, name, value) for (owner, name), value in self._made.items()]
        ordered = sorted([*whole, *self._parts], key=lambda made: made[0] != environment)
        return tuple((value, _shown(name)) for _, name, value in ordered)


@dataclass(frozen=True)
class ResolvedSetting:
    """One setting as the process gets it, and in words where its value came from."""

    name: str
    value: str
    source: str
    secret: bool

    def __repr__(self) -> str:
        value = "<secret>" if self.secret else repr(self.value)
        return f"ResolvedSetting({self.name}={value} from {self.source})"


def hastened(backend: Backend, environment: Environment, boot: Boot) -> Environment:
    """That environment with every idle time `boot.hasten` times shorter: who is silent is dropped that much sooner.

    What is too slow for another idle time stays so, for all are divided alike. Raises `LaunchError` for an idle setting
    that is no number of seconds.
    """
    if boot.hasten == 1:
        return environment
    given = {**backend.settings, **environment.settings}
    shorter: dict[str, Setting] = {}
    for name in backend.idle_settings:
        if name not in given:
            continue  # another environment alone has it
        try:
            shorter[name] = f"{float(str(given[name])) / boot.hasten:g}"
        except ValueError:
            raise LaunchError(f"{environment.name}: {name} is no number of seconds, which {boot.label} needs") from None
    ingress = environment.ingress
    return msgspec.structs.replace(
        environment,
        settings=environment.settings | shorter,
        ingress=msgspec.structs.replace(
            ingress,
            idle_timeout_s=ingress.idle_timeout_s / boot.hasten,
            max_lifetime_s=ingress.max_lifetime_s and ingress.max_lifetime_s / boot.hasten,
        ),
    )


def resolve_settings(
    backend: Backend,
    environment: Environment,
    boot: Boot,
    sources: Mapping[str, str],
    run_secrets: RunSecrets,
) -> tuple[ResolvedSetting, ...]:
    """Every setting of this boot, by name. Later wins: the backend's own, the environment's, the boot's.

    `sources` holds what only the launcher knows (`postgres.url`). Raises `LaunchError` for a source it does not hold.
    """
    resolved = {
        name: ResolvedSetting(name, value, "backend file", secret=backend.is_secret(name, value))
        for name, value in backend.settings.items()
    }
    for name, setting in environment.settings.items():
        if isinstance(setting, SecretOf):
            value = run_secrets.hexadecimal(environment.name, name, setting.secret)
            resolved[name] = ResolvedSetting(name, value, "secret", secret=True)
        elif isinstance(setting, Composed):
            resolved.pop(name, None)
        elif isinstance(setting, FromSource):
            if setting.source not in sources:
                known = ", ".join(sorted(sources))
                raise LaunchError(f"{environment.name}: {name} takes {setting.source!r}, which is none of {known}")
            hidden = comes_with_a_secret(setting.source)
            resolved[name] = ResolvedSetting(name, sources[setting.source], setting.source, secret=hidden)
        else:
            hidden = backend.is_secret(name, setting)
            resolved[name] = ResolvedSetting(name, setting, "environment file", secret=hidden)
    port, number = environment.platform.port_setting, sources.get("platform.port", str(environment.platform.port))
    resolved[port] = ResolvedSetting(port, number, OF_THE_PLATFORM, secret=False)
    if environment.platform.timezone is not None:
        zone = environment.platform.timezone
        resolved[TIMEZONE_VARIABLE] = ResolvedSetting(TIMEZONE_VARIABLE, zone, OF_THE_PLATFORM, secret=False)
    resolved |= settings_of_boot(backend, boot)
    for name, setting in environment.settings.items():
        if isinstance(setting, Composed):
            _compose(name, backend, environment, sources, resolved)
    return tuple(resolved[name] for name in sorted(resolved))


def _compose(
    name: str,
    backend: Backend,
    environment: Environment,
    sources: Mapping[str, str],
    resolved: dict[str, ResolvedSetting],
) -> ResolvedSetting:
    """That setting, which is put among the `resolved`, with those before it that it is made of.

    Raises `LaunchError` for what is not there. Circles are refused where the file is read.
    """
    if name in resolved:
        return resolved[name]
    setting = environment.settings.get(name)
    if not isinstance(setting, Composed):
        raise LaunchError(f"{environment.name}: a setting takes {{setting:{name}}}, which is not given")
    parts = {part: _compose(part, backend, environment, sources, resolved) for part in setting.settings}
    try:
        value = setting.filled(sources, lambda part: parts[part].value)
    except KeyError as error:
        raise LaunchError(f"{environment.name}: {name} takes {error}, which there is not") from None
    literal = backend.is_secret(name, setting.around)
    held = any(map(comes_with_a_secret, setting.sources)) or any(part.secret for part in parts.values())
    source = setting.outline if literal else setting.template
    made = ResolvedSetting(name, value, source, secret=literal or held or backend.is_secret(name, value))
    resolved[name] = made
    return made


def settings_of_boot(backend: Backend, boot: Boot) -> dict[str, ResolvedSetting]:
    """What that boot itself sets. Raises `LaunchError` where it names a secret that the backend's file has no more."""
    resolved = {}
    for name, said in boot.settings:
        value = backend.boot_secrets.get(said, said)
        if value == said and _IN_PLACE.fullmatch(said):
            raise LaunchError(f"{name} takes {said}, which the backend's file does not give: run it again")
        resolved[name] = ResolvedSetting(name, value, "this boot", secret=backend.is_secret(name, value))
    if boot.order and backend.order_setting:
        name = backend.order_setting
        resolved[name] = ResolvedSetting(name, ",".join(boot.order), "this boot", secret=False)
    return resolved


def named_secrets(settings: tuple[ResolvedSetting, ...]) -> Iterator[tuple[str, str]]:
    """The values of those that are secrets, with what is shown for each: of a URL with a password also that."""
    for setting in settings:
        if setting.secret:
            yield setting.value, f"{{setting:{setting.name}}}"


def comes_with_a_secret(source: str) -> bool:
    """Whether what the launcher gives under that name is a secret, or has one in it."""
    return source.endswith((".url", ".password", ".client_secret"))


def secret_variables(backend: Backend) -> Iterator[tuple[str, str]]:
    """The same of what a process is given that is no setting."""
    for name, value in (backend.process.variables if backend.process is not None else {}).items():
        if backend.is_secret(name, value):
            yield value, f"{{variable:{name}}}"


def _shown(name: str) -> str:
    """What is shown for a secret that the run made: a setting's, or the password of a dependency."""
    dependency = name.removeprefix(_OF_A_DEPENDENCY)
    return f"{{setting:{name}}}" if dependency == name else f"{{{dependency}.password}}"


def fingerprints(settings: tuple[ResolvedSetting, ...], run_secrets: RunSecrets) -> tuple[SettingFingerprint, ...]:
    """What may be recorded of them: never the value of a secret."""
    return tuple(
        SettingFingerprint(
            setting.name,
            setting.source,
            run_secrets.fingerprint(setting.value),
            None if setting.secret else setting.value,
        )
        for setting in settings
    )
