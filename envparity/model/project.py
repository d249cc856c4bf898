"""What a run is about, as plain data: one backend and the environments that it is booted in, or observed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from envparity.model.backend import Backend
from envparity.model.deployment import Deployed
from envparity.model.environment import Dependency, Environment

__all__ = ["Project"]


@dataclass(frozen=True)
class Project:
    """A backend and its environments by name, the baseline first. `today` is an ISO date: a rule knows no clock.

    `attached` are those that are not booted but observed where they run, by name: their `[deployed]`, with the URL
    that was asked for and agreed to. `asked` are the options of the command line that name the files and the launcher,
    where they are not the usual ones: whoever repeats a command repeats them. In a `thorough` run also that is played
    which takes long. `salt` is what fingerprints of settings are made with where several processes boot for
    one run; it is kept in memory only.
    """

    backend: Backend
    environments: Mapping[str, Environment]
    today: str = ""
    attached: Mapping[str, Deployed] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    thorough: bool = False
    salt: bytes | None = field(default=None, repr=False)

    @property
    def dependencies(self) -> tuple[Dependency, ...]:
        """The dependencies of every environment."""
        return tuple(
            dependency for environment in self.environments.values() for dependency in environment.dependencies.values()
        )
