"""What an environment was seen to do, as lines of text: sorted, and the same in every run of the same release."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from envparity.judge.canonical import connections
from envparity.judge.normalise import normalise
from envparity.model.backend import Backend
from envparity.model.case import Boot
from envparity.model.project import Project
from envparity.observe.record import Observation
from envparity.observe.transcript import Transcript

__all__ = ["VARIES", "behaviour", "planned_boots"]

VARIES = "<varies>"
"""What stands for something that differed between two plays of one boot."""

_FINGERPRINT = re.compile(r"<secret [^>\"]*>")
_NUMBER = re.compile(r"(\d+)")


def planned_boots(backend: Backend) -> frozenset[Boot]:
    """The boots that scenarios ask for: orders, hybrids and repetitions belong to no baseline."""
    return frozenset({Boot(), *(backend.boot_without_secrets(scenario.boot) for scenario in backend.scenarios)})


def behaviour(project: Project, environment: str, observations: Iterable[Observation]) -> list[str]:
    """The lines of that environment, a boot after the other: `[as it is]`, then `path = value` sorted by path.

    There is no time, no id of a run and no secret in them, nor what differed between two plays of the same boot.
    """
    planned = planned_boots(project.backend)
    boots = {
        observation.case.boot: observation
        for observation in observations
        if observation.case.environment == environment and observation.case.boot in planned and not observation.warm
    }
    lines: list[str] = []
    for boot in sorted(boots, key=lambda each_boot: (not each_boot.steady, each_boot.label)):
        table = dict(_table(project, boots[boot]))
        lines += [f"[{boot.label}]", *(f"{path} = {table[path]}" for path in sorted(table, key=_natural)), ""]
    return lines[:-1]


def _table(project: Project, observation: Observation) -> Iterator[tuple[str, str]]:
    if observation.launch_failure is not None:
        yield "launch", "failed"
        return
    unsteady = set(_varying(project.backend, observation))
    for path, value in normalise(project, observation).items():
        scenario = path.split(".")[1] if path.startswith("conversation.") else ""
        if scenario and f"conversation.{scenario}" in unsteady:
            yield f"conversation.{scenario}", VARIES
        else:
            yield path, VARIES if path in unsteady else _FINGERPRINT.sub("<secret>", value)
    for job in observation.jobs:
        yield f"{job.path}.exit_code", str(job.exit_code)


def _varying(backend: Backend, observation: Observation) -> Iterator[str]:
    """The entries of conversations that were another in another play; the conversation where even their number was."""
    for scenario in dict.fromkeys(transcript.scenario for transcript in observation.transcripts):
        plays = [_entries(backend, play) for play in observation.plays(scenario)]
        if len({len(play) for play in plays}) > 1:
            yield f"conversation.{scenario}"
            continue
        for index, said in enumerate(zip(*plays, strict=True)):
            if len(set(said)) > 1:
                yield f"conversation.{scenario}.{index}"


def _entries(backend: Backend, transcript: Transcript) -> Sequence[str]:
    """As `normalise` lists them."""
    by_connection = connections(backend, transcript)
    return [str(item) for name in sorted(by_connection) for item in by_connection[name]]


def _natural(path: str) -> list[tuple[int, str]]:
    """So that `greeting.10` comes after `greeting.9`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _NUMBER.split(path)]
