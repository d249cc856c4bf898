"""Fingerprints of settings that were made with other salts, made anew with one, so that they can be compared.

No salt leaves the process that made it: whoever judges has the files, and what stands in them is all that is compared.
"""

from __future__ import annotations

import msgspec

from envparity.launch.resolve import RunSecrets
from envparity.model.case import Case
from envparity.model.project import Project
from envparity.observe.record import Observation, SettingFingerprint

__all__ = ["with_salt"]


def with_salt(salt: bytes, project: Project, seen: Observation) -> Observation:
    """The observation with fingerprints of that salt. Those of secrets that its own run made stay as they are."""
    key = RunSecrets(salt)

    def again(setting: SettingFingerprint) -> SettingFingerprint:
        value = setting.value if setting.value is not None else _literal(project, seen.case, setting)
        if value is None:
            return setting
        return msgspec.structs.replace(setting, fingerprint=key.fingerprint(value))

    return msgspec.structs.replace(seen, settings=tuple(map(again, seen.settings)))


def _literal(project: Project, case: Case, setting: SettingFingerprint) -> str | None:
    """The secret that the files say, where it is from one; None where the run has made it."""
    backend, environment = project.backend, project.environments[case.environment]
    if setting.source == "backend file":
        return backend.settings.get(setting.name)
    if setting.source == "environment file":
        said = environment.settings.get(setting.name)
        return said if isinstance(said, str) else None
    if setting.source == "this boot":
        said = dict(case.boot.settings).get(setting.name)
        return None if said is None else backend.boot_secrets.get(said, said)
    return None
