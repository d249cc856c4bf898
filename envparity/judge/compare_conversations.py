"""Conversations laid side by side: where two plays of one scenario differ, and whether that is by chance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product, zip_longest

from envparity.judge.canonical import Item, connections
from envparity.judge.compare import Compared, ComparedPair, Groups, Kind, covers
from envparity.judge.compare_moments import BootMoments, moments_apart
from envparity.judge.evidence import ReplicasReached, SideBySide
from envparity.judge.moments import in_words
from envparity.judge.normalise import ABSENT
from envparity.judge.volatile import same_but_for_ids
from envparity.model.project import Project
from envparity.observe.record import Observation
from envparity.observe.transcript import Clients, Transcript

__all__ = ["control_differences", "kept", "partings", "transcript_differences"]


def control_differences(project: Project, observation: Observation) -> Iterator[Compared]:
    """Where another play of a scenario went otherwise than the first, in the same boot, and nobody declares that.

    Of plays that kept to the script: one that did not is a finding of its own. How far moments are from their arrival
    may differ.
    """
    yield from _between_plays(project, observation)


def _between_plays(
    project: Project, observation: Observation, moments: BootMoments | None = None
) -> Iterator[Compared]:
    declarations = [
        difference for environment in project.environments.values() for difference in environment.differences
    ]
    pair = ComparedPair(project, observation, observation, ("first play", "second play"))
    for scenario in dict.fromkeys(transcript.scenario for transcript in observation.control):
        plays = _plays(observation, scenario)
        seen: set[str] = set()
        for again in plays[1:]:
            for compared in _partings(pair, plays[0], again, None if moments is None else (moments, moments)):
                path = compared.difference.path
                if path not in seen and not any(covers(declaration, path) for declaration in declarations):
                    seen.add(path)
                    yield compared


def transcript_differences(project: Project, groups: Groups) -> Iterator[Compared]:
    """Conversations that kept to their script and were yet not the same; a departure is a finding of its own.

    What differs between two plays of one environment differs by chance, and is not compared with another environment.
    """
    for group in groups:
        moments = {id(observation): BootMoments(project.backend, observation) for observation in group}
        chance = _Chance(compared for seen in group for compared in _between_plays(project, seen, moments[id(seen)]))
        yield from (each_compared for each_compared in _across(project, group, moments) if each_compared not in chance)


class _Chance:
    """What differs by chance in a group of boots: fields of frames by name, and whole scenarios by their sequence."""

    def __init__(self, differences: Iterable[Compared]) -> None:
        found = list(differences)
        self._sequences = {compared.scenario for compared in found if compared.parts}
        self._paths = {_within(compared) for compared in found if not compared.parts}

    def __contains__(self, compared: object) -> bool:
        return isinstance(compared, Compared) and (
            compared.scenario in self._sequences or (not compared.parts and _within(compared) in self._paths)
        )


def _within(compared: Compared) -> str:
    """The path of a difference without the scenario that shows it."""
    return compared.difference.path.removeprefix(f"conversation.{compared.scenario}.")


def _across(project: Project, group: Sequence[Observation], moments: Mapping[int, BootMoments]) -> Iterator[Compared]:
    names = dict.fromkeys(transcript.scenario for observation in group for transcript in observation.transcripts)
    for scenario in names:
        played = [(observation, observation.transcript(scenario)) for observation in group]
        whole = [(item, script) for item, script in played if script is not None and kept(script)]
        for other, script in whole[1:]:
            pair = ComparedPair(project, whole[0][0], other)
            boots = moments[id(pair.baseline)], moments[id(other)]
            first = list(_partings(pair, whole[0][1], script, boots))
            if first:
                yield from _in_every_play(pair, scenario, first, boots)


def _in_every_play(
    pair: ComparedPair, scenario: str, first: Sequence[Compared], boots: tuple[BootMoments, BootMoments]
) -> Iterator[Compared]:
    """Those of the differences of the first plays that any play of one environment has to any play of the other."""
    lasting = {_difference_key(compared) for compared in first}
    plays = product(_plays(pair.baseline, scenario), _plays(pair.other, scenario))
    for before, after in islice(plays, 1, None):  # the first plays have been compared
        lasting &= {_difference_key(parting) for parting in _partings(pair, before, after, boots)}
    yield from (compared for compared in first if _difference_key(compared) in lasting)


def _plays(observation: Observation, scenario: str) -> list[Transcript]:
    """Every play of that scenario that kept to its script."""
    played = (*observation.transcripts, *observation.control)
    return [transcript for transcript in played if transcript.scenario == scenario and kept(transcript)]


def _difference_key(compared: Compared) -> str:
    return "" if compared.parts else compared.difference.path


def partings(
    project: Project,
    baseline: tuple[Observation, Transcript],
    other: tuple[Observation, Transcript],
    sides: tuple[str, str],
) -> Iterator[Compared]:
    """Where two playings of one scenario differ; `sides` is what the two are called."""
    yield from _partings(ComparedPair(project, baseline[0], other[0], sides), baseline[1], other[1])


def kept(transcript: Transcript) -> bool:
    """Whether the conversation kept to its script."""
    return transcript.departure is None


def _partings(
    pair: ComparedPair,
    baseline: Transcript,
    other: Transcript,
    boots: tuple[BootMoments, BootMoments] | None = None,
) -> Iterator[Compared]:
    """Field by field where two events are of a kind; where they are not, that is where the connections part.

    With `boots` also moments that are not equally far from their arrival.
    """
    backend = pair.project.backend
    before, after = connections(backend, baseline), connections(backend, other)
    seen: set[str] = set()
    offset = 0
    for connection in sorted(before.keys() | after.keys()):
        ours, theirs = before.get(connection, ()), after.get(connection, ())
        for index, (first, second) in enumerate(zip_longest(ours, theirs), start=offset):
            if first is None or second is None or (first.kind, first.name) != (second.kind, second.name):
                yield _apart(pair, baseline.scenario, index, first, second)
                break
            told = () if boots is None else _by_moment(pair, baseline.scenario, boots, first, second)
            for compared in (*_by_field(pair, baseline.scenario, first, second), *told):
                if compared.difference.path not in seen:
                    seen.add(compared.difference.path)
                    yield compared
        offset += len(ours)
    if baseline.clients is not None and other.clients is not None and baseline.clients.served != other.clients.served:
        name, served = baseline.scenario, [_served(clients) for clients in (baseline.clients, other.clients)]
        compared = pair.compared("clients", name, f"conversation.{name}.clients.served", *served)
        yield replace(compared, scenario=name, evidence=tuple(_spread((baseline.clients, other.clients))))


def _served(clients: Clients) -> str:
    """How many were served, and what the others met, by count."""
    met = (f"{count} met {what}" for what, count in clients.otherwise.items())
    return "; ".join((f"{clients.served} of {clients.of}", *met))


def _spread(both: Iterable[Clients]) -> Iterator[ReplicasReached]:
    """On which replicas the clients of either side were, where that were several: each may have seats of its own."""
    for clients in both:
        reached = tuple((f"{count} clients", at) for at, count in enumerate(clients.accepted) if count)
        if len(reached) > 1:
            yield ReplicasReached(reached)


def _by_field(pair: ComparedPair, scenario: str, item: Item, two: Item) -> Iterator[Compared]:
    for name in sorted(item.fields.keys() | two.fields.keys()):
        before, after = item.fields.get(name, ABSENT), two.fields.get(name, ABSENT)
        if not same_but_for_ids(before, after):
            path = f"conversation.{scenario}.{item.name}.{name}"
            kind: Kind = "handshake" if item.kind == "handshake" else "close" if item.kind == "close" else "frame"
            where = item.name if kind == "frame" else scenario
            yield _shown(pair.compared(kind, where, path, before, after), scenario, item, two, parts=False)


def _by_moment(
    pair: ComparedPair, scenario: str, boots: tuple[BootMoments, BootMoments], item: Item, two: Item
) -> Iterator[Compared]:
    for name, before, after in moments_apart(boots, item, two):
        path = f"conversation.{scenario}.{item.name}.{name}"
        compared = pair.compared("frame", item.name, path, in_words(before), in_words(after))
        yield _shown(compared, scenario, item, two, parts=False)


def _apart(pair: ComparedPair, scenario: str, index: int, first_item: Item | None, two: Item | None) -> Compared:
    kinds = {item.kind for item in (first_item, two) if item is not None}
    kind: Kind = "handshake" if "handshake" in kinds else "close" if "close" in kinds else "frame"
    before, after = ("nothing more" if item is None else str(item) for item in (first_item, two))
    compared = pair.compared(kind, scenario, f"conversation.{scenario}.{index}", before, after)
    return _shown(compared, scenario, first_item, two, parts=True)


def _shown(compared: Compared, scenario: str, first_item: Item | None, two: Item | None, *, parts: bool) -> Compared:
    names = (compared.difference.baseline, compared.difference.other)
    sides = tuple(
        (name, item.event if item is not None else None) for name, item in zip(names, (first_item, two), strict=True)
    )
    return replace(compared, scenario=scenario, evidence=(SideBySide(sides),), parts=parts)
