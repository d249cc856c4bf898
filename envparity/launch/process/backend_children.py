"""What runs as the platform has a replica run, as a process: its user, its processors, a home of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from envparity.errors import LaunchError
from envparity.launch.cleanup.leftovers import MARK
from envparity.launch.process.child import Child, Program
from envparity.launch.process.folders import made_for
from envparity.launch.process.limits import program_path, user_of
from envparity.launch.process.resources import ProcessResources
from envparity.model.environment import Environment
from envparity.support.zones import TIMEZONE_VARIABLE, UTC, system_has

__all__ = ["BackendChildren"]


@dataclass(frozen=True)
class BackendChildren:
    """Makes them, each with a home in `folder`. `command` is what a replica runs."""

    means: ProcessResources
    environment: Environment
    folder: Path
    command: tuple[str, ...]

    def child(self, name: str, argv: Sequence[str], given: Mapping[str, str], *, previous: bool = False) -> Child:
        """One that runs `argv` with these settings, of the previous release or of this one; it is not started yet."""
        code = self.means.previous if previous else self.means.code
        if code is None:
            raise LaunchError(f"{self.means.backend.file} does not say where the previous release is")
        zone = self.environment.platform.timezone
        if zone is not None and not system_has(zone):
            raise LaunchError(f"{self.environment.name}: programs of this machine do not find {zone}: install tzdata")
        user = user_of(self.environment.platform, self.command, code)
        home = self.folder / name
        made_for(home, user)
        made_for(home / "tmp", user)
        environment = {
            "PATH": program_path(),
            "LANG": "C.UTF-8",
            TIMEZONE_VARIABLE: UTC,  # whatever the machine's own zone is
            "HOME": str(home),
            "TMPDIR": str(home / "tmp"),
            # Python keeps back what it writes to a file: a log would say nothing of the moment that it is asked about.
            "PYTHONUNBUFFERED": "1",
            MARK: self.means.run_id,
            **self.means.variables,
            **given,
        }
        for path, place in self._written(home, given, user).items():
            argv = [argument.replace(path, place) for argument in argv]
            environment |= {key: value.replace(path, place) for key, value in given.items()}
            given = {key: environment[key] for key in given}
        log = self.folder / f"{name}.log"
        cpus = self.means.processors.take(self.environment.platform)
        root = os.geteuid() == 0
        program = Program(argv, environment, code, log, user, cpus, group=self.means.group, confined=root)
        return Child(program, self.means.guard)

    def _written(self, home: Path, values: Mapping[str, str], user: int | None) -> dict[str, str]:
        """The environment's files, filled with these settings, in a folder of their reader's; where each lies, by path.

        Of paths that begin alike the longest comes first.
        """
        places = {}
        for number, path in enumerate(sorted(self.environment.files, key=len, reverse=True)):
            folder = home / f"files-{number}"
            made_for(folder, user)
            place = folder / Path(path).name
            place.write_text(self.environment.files[path].filled(values), encoding="utf-8", errors="surrogateescape")
            place.chmod(0o600)
            if user is not None:
                os.chown(place, user, user)
            places[path] = str(place)
        return places
