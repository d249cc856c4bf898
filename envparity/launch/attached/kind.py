"""The launcher `attached`: it boots nothing, so that every environment must be one that is looked at."""

from __future__ import annotations

from envparity.errors import ConfigurationError, Mistake
from envparity.launch.attached.launcher import AttachedLauncher
from envparity.launch.kinds import LauncherKind
from envparity.launch.port import Waiting
from envparity.model.subject import Subject

__all__ = ["KIND"]


def _open(subject: Subject, _waiting: Waiting) -> AttachedLauncher:
    mistakes = [
        Mistake("--launcher", 0, name, f"--attach {name}: attached boots nothing", "nothing of it", "attach it too")
        for name in subject.environments
        if name not in subject.attached
    ]
    if mistakes:
        raise ConfigurationError(mistakes)
    return AttachedLauncher(subject)


KIND = LauncherKind("nothing: every environment is looked at where it runs (--attach)", _open)
