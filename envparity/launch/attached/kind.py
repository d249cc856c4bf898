"""The launcher `attached`: it boots nothing, so that every environment must be one that is looked at."""

from __future__ import annotations

from envparity.errors import ConfigurationError, Mistake
from envparity.launch.attached.launcher import AttachedLauncher
from envparity.launch.kinds import LauncherKind
from envparity.launch.port import Waiting
from envparity.model.project import Project

__all__ = ["KIND"]


def _open(project: Project, _waiting: Waiting) -> AttachedLauncher:
    mistakes = [
        Mistake("--launcher", 0, name, f"--attach {name}: attached boots nothing", "nothing of it", "attach it too")
        for name in project.environments
        if name not in project.attached
    ]
    if mistakes:
        raise ConfigurationError(mistakes)
    return AttachedLauncher(project)


KIND = LauncherKind("nothing: every environment is looked at where it runs (--attach)", _open)
