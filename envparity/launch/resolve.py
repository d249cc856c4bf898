"""From an environment's settings to the values that a process gets, and their fingerprints."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from envparity.backend import Backend
from envparity.case import Boot
from envparity.environment import Environment, FromSource, SecretOf, Setting
from envparity.errors import LaunchError
from envparity.observe.record import SettingFingerprint

__all__ = ["ResolvedSetting", "RunSecrets", "fingerprints", "hastened", "resolve_settings"]


class RunSecrets:
    """Secrets made for one run and kept in memory only. The same name gives the same secret for as long as it lives."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], str] = {}
        self._salt = secrets.token_bytes(16)

    def hexadecimal(self, environment: str, name: str, size: int) -> str:
        """`size` random bytes as hexadecimal digits, the same each time for that environment and name."""
        return self._made.setdefault((environment, name), secrets.token_hex(size))

    def fingerprint(self, value: str) -> str:
        """12 hexadecimal digits that are equal for equal values within this run, and say nothing outside it."""
        return hmac.new(self._salt, value.encode(), "sha256").hexdigest()[:12]

    @property
    def values(self) -> tuple[str, ...]:
        """Every secret made so far, longest first: what must not be seen in a log."""
        return tuple(sorted(self._made.values(), key=len, reverse=True))


@dataclass(frozen=True)
class ResolvedSetting:
    """One setting as the process gets it, and in words where its value came from."""

    name: str
    value: str
    source: str
    secret: bool


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
        try:
            shorter[name] = f"{float(str(given[name])) / boot.hasten:g}"
        except (KeyError, ValueError):
            raise LaunchError(f"{environment.name}: {name} is no number of seconds, which {boot.label} needs") from None
    idle_timeout_s = environment.ingress.idle_timeout_s / boot.hasten
    return msgspec.structs.replace(
        environment,
        settings=environment.settings | shorter,
        ingress=msgspec.structs.replace(environment.ingress, idle_timeout_s=idle_timeout_s),
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
        name: ResolvedSetting(name, value, "backend file", secret=False) for name, value in backend.settings.items()
    }
    for name, setting in environment.settings.items():
        if isinstance(setting, SecretOf):
            value = run_secrets.hexadecimal(environment.name, name, setting.secret)
            resolved[name] = ResolvedSetting(name, value, "secret", secret=True)
        elif isinstance(setting, FromSource):
            if setting.source not in sources:
                known = ", ".join(sorted(sources))
                raise LaunchError(f"{environment.name}: {name} takes {setting.source!r}, which is none of {known}")
            hidden = setting.source.endswith((".url", ".password"))
            resolved[name] = ResolvedSetting(name, sources[setting.source], setting.source, secret=hidden)
        else:
            resolved[name] = ResolvedSetting(name, setting, "environment file", secret=False)
    port = environment.platform.port_setting
    resolved[port] = ResolvedSetting(port, str(environment.platform.port), "platform", secret=False)
    for name, value in boot.settings:
        resolved[name] = ResolvedSetting(name, value, "this boot", secret=False)
    if boot.order and backend.order_setting:
        name = backend.order_setting
        resolved[name] = ResolvedSetting(name, ",".join(boot.order), "this boot", secret=False)
    return tuple(resolved[name] for name in sorted(resolved))


def fingerprints(settings: tuple[ResolvedSetting, ...], run_secrets: RunSecrets) -> tuple[SettingFingerprint, ...]:
    """What may be recorded of them: never the value of a secret."""
    return tuple(
        SettingFingerprint(one.name, one.source, run_secrets.fingerprint(one.value), None if one.secret else one.value)
        for one in settings
    )
