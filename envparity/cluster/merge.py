"""Shards judged as the one run that they are: their observations together, and boots here where causes need them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from envparity.cluster.facts import LauncherElsewhere, LauncherFacts
from envparity.cluster.fingerprints import with_salt
from envparity.cluster.plan import made_plan
from envparity.cluster.reading import Shard, read_shards, unfit_for
from envparity.engine.case_result import CaseMore, CaseResult
from envparity.engine.events import Emit, Waiting
from envparity.engine.plan import PlannedCase
from envparity.engine.session import engine
from envparity.engine.session.inputs import Inputs, launcher_names
from envparity.errors import ConfigurationError
from envparity.judge.finding import Verdict
from envparity.launch.port import Launcher
from envparity.model.project import Project

__all__ = ["Merge", "Observed", "prepared_merge"]


class Observed:
    """What planned cases showed in other processes, with fingerprints of one salt."""

    def __init__(self, project: Project, shards: Sequence[Shard], salt: bytes) -> None:
        self._project, self._salt = project, salt
        self._cases = {event.case: event for shard in shards for event in shard.observed}

    async def case(self, planned: PlannedCase) -> CaseResult:
        event = self._cases[planned.case.id]
        more = event.more or CaseMore()
        salted = {
            name: tuple(with_salt(self._salt, self._project, value) for value in getattr(more, name))
            for name in ("repeats", "ordered")
        }
        observation = with_salt(self._salt, self._project, event.observation)
        return CaseResult(observation, msgspec.structs.replace(more, **salted), event.duration_s)


@dataclass(frozen=True)
class Merge:
    """Shards that were found to be one run, with the files that they are judged by."""

    shards: tuple[Shard, ...]
    project: Project
    inputs: Inputs

    @property
    def launcher_name(self) -> str:
        """By what the shards were booted, and is booted here if anything is."""
        started = self.shards[0].started
        said = "" if started is None else started.launcher
        return said if said in launcher_names() else self.inputs.launcher

    @property
    def only(self) -> tuple[str, ...]:
        """The scenarios that were asked for."""
        return self.shards[0].part.only

    def verdict(self, emit: Emit, *, causes: bool) -> Verdict:
        """Judge all of it; boot here what has to be confirmed and, with `causes`, what is red."""
        part = self.shards[0].part
        asked = engine.RunRequest(self.only, self.inputs.orders, causes, part.repeat, lambda: _Shards(self, emit))
        return engine.to_verdict(self.project, self.launcher_name, emit, asked)


class _Shards:
    """Where the cases of a merge were booted."""

    def __init__(self, merge: Merge, emit: Emit) -> None:
        salt = secrets.token_bytes(16)
        self.source = Observed(merge.project, merge.shards, salt)

        def make() -> Launcher:
            from envparity.launch.choose import choose_launcher

            salted = replace(merge.project, salt=salt)
            return choose_launcher(merge.launcher_name, salted, lambda waited_for: emit(Waiting("", waited_for)))

        started = [shard.started for shard in merge.shards if shard.started is not None]
        facts = LauncherFacts(
            name=started[0].launcher,
            cannot_check=tuple(dict.fromkeys(gap for each_started in started for gap in each_started.cannot_check)),
            reason=started[0].reason,
            images=tuple(dict.fromkeys(image for each_started in started for image in each_started.images)),
        )
        self.launcher = LauncherElsewhere(facts, secrets.token_hex(4), make)


def prepared_merge(paths: Sequence[Path], backend: Path | None, environments: Path | None) -> Merge:
    """Read the shards, and the files that they were booted from. Boots nothing.

    The files are those that the shards name, where they lie below this folder, unless others are named. Raises
    `ConfigurationError` with all that is wrong: with one shard, between them, or with the files.
    """
    shards = read_shards(paths)
    about, part = shards[0].project, shards[0].part
    file = Path(about.file)
    folder = Path(about.environments[0].file).parent if about.environments else Path()
    inputs = Inputs.find(
        backend=backend or (file if file.is_file() and _is_here(file) else None),
        environments=environments or (folder if folder.is_dir() and _is_here(folder) else None),
        names=[environment.name for environment in about.environments],
        launcher=part.launcher if part.launcher in launcher_names() else None,
        repeat=part.repeat,
        thorough=part.thorough,
        image=part.image or None,
    )
    inputs = replace(inputs, orders=about.orders)
    only = part.only
    project = engine.load(inputs, only)
    here = made_plan(project, only, about.orders, part.repeat)
    mistakes = list(unfit_for(shards, here.identity, here.plan))
    if mistakes:
        raise ConfigurationError(mistakes)
    return Merge(shards, project, inputs)


def _is_here(path: Path) -> bool:
    return path.resolve().is_relative_to(Path.cwd())
