"""The files of shards, read and held against each other: together they are one run, or it is said why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from envparity.engine.events import CaseObserved, RunStarted
from envparity.engine.session.identity import Identity
from envparity.errors import ConfigurationError, Mistake
from envparity.report.saved import read_lines
from envparity.report.saved_project import SavedProject, SavedShard
from envparity.support.toml.document import shown_path

__all__ = ["Shard", "read_shards", "unfit_for"]

_SHOWN = 5


@dataclass(frozen=True)
class Shard:
    """One file: what its run was about, which part of it this is, how it began, and what its cases showed."""

    path: Path
    project: SavedProject
    part: SavedShard
    started: RunStarted | None
    observed: tuple[CaseObserved, ...]

    @property
    def identity(self) -> Identity:
        """What was booted: version, commit, files."""
        return Identity(self.part.version, self.part.commit, self.part.files)

    @property
    def name(self) -> str:
        """The file, as people know it."""
        return shown_path(self.path)


def read_shards(paths: Sequence[Path]) -> tuple[Shard, ...]:
    """The shards in these files, which are all of one run. Raises `ConfigurationError` with all that is wrong."""
    mistakes: list[Mistake] = []
    shards: list[Shard] = []
    for path in paths:
        try:
            project, events = read_lines(path)
        except ConfigurationError as wrong:
            mistakes += wrong.mistakes
            continue
        if project.shard is None:
            mistakes.append(_mistake(shown_path(path), "a shard's, of `envparity run --shard`", "that of a whole run"))
            continue
        started = next((event for event in events if isinstance(event, RunStarted)), None)
        observed = tuple(event for event in events if isinstance(event, CaseObserved))
        shards.append(Shard(path, project, project.shard, started, observed))
    if shards:
        mistakes += _of_different_runs(shards)
        if not mistakes:
            mistakes += [*_not_all(shards), *_unfinished(shards), *_by_others(shards)]
    if mistakes:
        raise ConfigurationError(mistakes)
    return tuple(sorted(shards, key=lambda shard: shard.part.index))


def unfit_for(shards: Sequence[Shard], here: Identity, plan: str) -> Iterator[Mistake]:
    """Why these shards cannot be judged with the files that are `here`, whose plan has that name."""
    for shard in shards:
        found = list(here.differences(shard.identity))
        for word, own, other in found:
            yield _mistake(shard.name, f"{word} {own or 'none'}, as here", other or "none", "merge in the same tree")
        if not found and shard.part.plan != plan:
            yield _mistake(shard.name, f"plan {plan}, as here", shard.part.plan, "merge with the same environments")


def _of_different_runs(shards: Sequence[Shard]) -> Iterator[Mistake]:
    """Those that are not of the same version, commit, files and options as the first."""
    first = shards[0]
    for shard in shards[1:]:
        found = list(first.identity.differences(shard.identity))
        for word, expected, got in found:
            yield _mistake(shard.name, f"{word} {expected or 'none'}, as {first.name} has", got or "none")
        if found:
            continue
        if shard.part.plan != first.part.plan:
            yield _mistake(shard.name, f"plan {first.part.plan}, as {first.name} has", shard.part.plan, "same options")
        elif shard.part.of != first.part.of:
            yield _mistake(shard.name, f"a shard of {first.part.of}, as {first.name} is", f"one of {shard.part.of}")


def _not_all(shards: Sequence[Shard]) -> Iterator[Mistake]:
    """Shards that are missing or doubled; and cases that are, where the shards were cut by different plans."""
    first = shards[0].part
    count = Counter(shard.part.index for shard in shards)
    missing = [f"{index}/{first.of}" for index in range(1, first.of + 1) if not count[index]]
    if missing:
        yield _mistake("shards", f"all {first.of}", f"none of {_some(missing)}", "run it, and merge all of them")
    for index, times in sorted(count.items()):
        if times > 1:
            names = ", ".join(shard.name for shard in shards if shard.part.index == index)
            yield _mistake(names, "each shard once", f"shard {index}/{first.of} {times} times")
    if missing or max(count.values()) > 1:
        return
    cases = Counter(case for shard in shards for case in shard.part.own)
    absent = [case for case in first.cases if not cases[case]]
    twice = [case for case, times in cases.items() if times > 1]
    action = "give all of them the same --plan, or none"
    if absent:
        yield _mistake("shards", "every case in one of them", f"{_some(absent)} in none", action)
    if twice:
        yield _mistake("shards", "every case in one of them", f"{_some(twice)} in several", action)


def _unfinished(shards: Sequence[Shard]) -> Iterator[Mistake]:
    """Shards that were interrupted, and files in which something else was observed than what is theirs."""
    for shard in shards:
        seen = Counter(event.case for event in shard.observed)
        missing = [case for case in shard.part.own if not seen[case]]
        if shard.started is None or missing:
            got = f"one that was interrupted before {_some(missing) or 'it began'}"
            yield _mistake(shard.name, "a shard that came to its end", got, "run it again")
        foreign = [case for case, times in seen.items() if times > 1 or case not in shard.part.own]
        if foreign:
            yield _mistake(shard.name, "each of its cases once", f"{_some(foreign)} beside them", "run it again")
        if any(event.more is None or event.observation.case.id != event.case for event in shard.observed):
            yield _mistake(shard.name, "all that each case showed", "a part of it", "run it again")


def _by_others(shards: Sequence[Shard]) -> Iterator[Mistake]:
    """Shards that were booted by another launcher: what it shows is not to be compared."""
    first = next((shard.started for shard in shards if shard.started is not None), None)
    for shard in shards:
        if first is not None and shard.started is not None and shard.started.launcher != first.launcher:
            expected = f"launcher {first.launcher}, as in the other shards"
            yield _mistake(shard.name, expected, shard.started.launcher, "name one with --launcher")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _mistake(source: str, expected: str, got: str, action: str = "") -> Mistake:
    return Mistake("merge", 0, source, expected, got, action)
