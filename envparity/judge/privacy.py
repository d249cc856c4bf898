"""EP307: values that only one user's frames carry, looked for on every connection of everybody else.

Who owns a connection, and which values are whose, is read from the scenario: what a script says on a user's
connections, what it captures there and what it expects there by name is that user's to see. A value is looked for in
every play of the boot, so that what a cache keeps of one play and gives to the user of the next is seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from envparity.judge.conversation_checks import ANOTHERS, OWN_ALONE, other_users_events, who_got_what
from envparity.judge.evidence import Excerpt, Note
from envparity.judge.finding import Breach
from envparity.judge.view import RunView
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, Expect, ExpectStep, ExpectUnordered, placeholders
from envparity.observe.frame import Frame, plain
from envparity.observe.own_values import is_unique, text_of
from envparity.observe.record import Observation
from envparity.observe.transcript import Event, FrameReceived, HttpAnswered, Transcript

__all__ = ["others_values"]

_QUOTED = 6
_ANY = "*"
_UNREAD = Note("a frame that no step reads: of a type in `skip` or `ignored_frames`, or right before a close")

Arrival = FrameReceived | HttpAnswered


def others_values(view: RunView, observation: Observation) -> Iterator[Breach]:
    """A frame or an answer over HTTP carries what only another user's frames carry, and no script expects that."""
    backend = view.project.backend
    scenarios = {scenario.name: scenario for scenario in backend.scenarios}
    again = [each_play.transcript for each_play in observation.second]
    plays = [
        _Play(number, script, scenarios[script.scenario], backend.frame_type)
        for number, script in enumerate((*observation.transcripts, *observation.control, *again, *observation.turned))
        if script.scenario in scenarios
    ]
    told_to_all = frozenset(backend.public_frames).union(*(each_play.told_to_others for each_play in plays))
    known = _Known(plays)
    in_private = list(other_users_events(view, observation))
    crossed = list(_crossed(observation, backend.frame_type, frozenset(backend.public_frames)))
    yield from (*in_private, *crossed)
    told = {(breach.scenario or "", "") for breach in (*in_private, *crossed)}
    for play in plays:
        for connection, owner in play.owners.items():
            if not told.isdisjoint({(play.scenario.name, ""), (play.scenario.name, connection)}):
                continue
            found = list(_leaks(play, connection, owner, known, told_to_all))
            if not found:
                continue
            told.add((play.scenario.name, connection))
            yield _breach(play, connection, owner, found)


@dataclass(frozen=True)
class _Value:
    """A value that a script made or captured, by its placeholder, and the users (by their ids) who may see it."""

    text: str
    name: str
    users: frozenset[str]
    play: _Play


class _Play:
    """One play of a scenario: who owns each connection, and whose each of its values is."""

    def __init__(self, number: int, transcript: Transcript, scenario: Scenario, type_field: str) -> None:
        self.number, self.transcript, self.scenario = number, transcript, scenario
        self._type_field = type_field
        self._by_name = {name: value for value, name in transcript.names.items()}

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """The user's id by connection; not of one that shows no credential, nor where the script knows no id."""
        owners: dict[str, str] = {}
        for step in self.scenario.steps:
            if isinstance(step, Connect) and step.token != "none":  # noqa: S105  a kind of token
                user = self._by_name.get(f"<user:{step.user}>" if step.user else "<user>")
                if user is not None:
                    owners.setdefault(step.on, user)
        return owners

    @cached_property
    def values(self) -> tuple[_Value, ...]:
        """Every value that can be told apart from all others, with those who say, capture or expect it."""
        users: defaultdict[str, set[str]] = defaultdict(set)
        for step in self.scenario.steps:
            owner = self.owners.get(getattr(step, "on", ""))
            for key in _mentioned(step):
                if owner is not None and f"<{key}>" in self._by_name:
                    users[f"<{key}>"].add(owner)
        for owner in self.owners.values():
            users[self.transcript.names[owner]].add(owner)
        return tuple(
            _Value(self._by_name[name], name, frozenset(whose), self)
            for name, whose in users.items()
            if is_unique(self._by_name[name], name)
        )

    @cached_property
    def open_to(self) -> Mapping[str, frozenset[str]]:
        """By connection, the types of frames that the script expects there whoever they are from."""
        whose = {value.name: value.users for value in self.values}
        types: defaultdict[str, set[str]] = defaultdict(set)
        for step in self.scenario.steps:
            if not isinstance(step, ExpectStep) or step.on not in self.owners:
                continue
            known = [whose[f"<{key}>"] for key in _mentioned(step) if f"<{key}>" in whose]
            if not known or any(users != {self.owners[step.on]} for users in known):
                types[self.owners[step.on]] |= _types_of(step, self._type_field)
        return {connection: frozenset(types[owner]) for connection, owner in self.owners.items()}

    @cached_property
    def told_to_others(self) -> frozenset[str]:
        """The types of frames that carried, as the script expects, what belongs to another user of this play."""
        if self.scenario.private or len(set(self.owners.values())) == 1:
            return frozenset()
        return frozenset(
            kind
            for connection, owner in self.owners.items()
            for _, kind, text in self.arrivals(connection, self.transcript.events)
            if _is_in(kind, self.open_to[connection])
            and any(value.text in text for value in self.values if value.users - {owner})
        )

    def arrivals(self, connection: str, events: Iterable[Event]) -> Iterator[tuple[Arrival, str, str]]:
        """What of these events came on that connection: each with its type, and its text."""
        for event in events:
            if event.connection != connection:
                continue
            match event:
                case FrameReceived(frame=frame):
                    yield event, _kind(frame, self._type_field), text_of(frame)
                case HttpAnswered(request=request, body=frame) if frame is not None:
                    yield event, request, text_of(frame)


class _Known:
    """The values of all plays, by whoever may see them."""

    def __init__(self, plays: list[_Play]) -> None:
        self._values = [value for play in plays for value in play.values]

    def foreign_to(self, owner: str, play: _Play) -> list[_Value]:
        """Those that only others may see; of the same play and scenario first."""
        foreign = [value for value in self._values if owner not in value.users]
        return sorted(
            foreign, key=lambda each_value: (each_value.play is not play, each_value.play.scenario is not play.scenario)
        )


def _leaks(
    play: _Play, connection: str, owner: str, known: _Known, told_to_all: frozenset[str]
) -> Iterator[tuple[Arrival, str, _Value]]:
    foreign = [
        each_value
        for each_value in known.foreign_to(owner, play)
        if each_value.play is not play or not play.scenario.private
    ]
    own = {value.text for value in play.values if owner in value.users}
    here = play.open_to[connection]
    # What no step reads says nothing of whose it is: its type is a broadcast's where any script shows that.
    ways = ((play.transcript.events, here), (play.transcript.skipped, here | told_to_all))
    for events, open_here in ways:
        for event, kind, text in play.arrivals(connection, events):
            for value in foreign:
                if value.text not in text or value.text in own or any(value.text in each_text for each_text in own):
                    continue
                if not _is_in(kind, told_to_all if value.play is not play else open_here):
                    yield event, kind, value


def _breach(play: _Play, connection: str, owner: str, found: list[tuple[Arrival, str, _Value]]) -> Breach:
    nearest = min(
        found, key=lambda each_value: (each_value[2].play is not play, each_value[2].play.scenario is not play.scenario)
    )[2].play
    names = sorted({value.name for _, _, value in found if value.play is nearest})
    whose = "" if nearest is play else " of another play"
    whose += f" of {nearest.scenario.name}" if nearest.scenario is not play.scenario else ""
    events = tuple(dict.fromkeys(id(event) for event, _, _ in found))
    quoted = tuple(next(event for event, _, _ in found if id(event) == each) for each in events[:_QUOTED])
    unread = not {*map(id, play.transcript.skipped)}.isdisjoint(map(id, quoted))
    told = who_got_what(play.transcript, connection, owner, names, whose)
    return Breach(
        where=play.scenario.name,
        expected=OWN_ALONE,
        got="what belongs to a user of another play" if whose else ANOTHERS,
        scenario=play.scenario.name,
        nature="another play" if whose else "the same play",
        evidence=(told, *([_UNREAD] if unread else []), Excerpt(quoted, named=True)),
    )


def _crossed(observation: Observation, type_field: str, public: frozenset[str]) -> Iterator[Breach]:
    """What came to another client than it was made for, of those that played one scenario at the same time."""
    plays = (*observation.transcripts, *observation.control)
    for scenario in dict.fromkeys(play.scenario for play in plays if play.clients is not None):
        met = [
            crossed for play in plays if play.scenario == scenario and play.clients for crossed in play.clients.crossed
        ]
        found = [crossed for crossed in met if _kind(crossed.event.frame, type_field) not in public]
        if not found:
            continue
        first = found[0]
        yield Breach(
            where=scenario,
            expected=OWN_ALONE,
            got=f"{ANOTHERS} among many clients",
            scenario=scenario,
            nature="another client",
            evidence=(
                Note(f"client {first.client} got {first.name} of client {first.whose}"),
                Excerpt(tuple(crossed.event for crossed in found[:_QUOTED]), named=True),
            ),
        )


def _mentioned(step: object) -> Iterator[str]:
    """The placeholders that a step says, expects or captures, as they are written."""
    for name, argument in placeholders(step):
        yield f"{name}:{argument}" if argument else name
    yield from getattr(step, "capture", {})


def _types_of(step: ExpectStep, type_field: str) -> set[str]:
    """The types that an expectation takes; `*` where it takes any."""
    if isinstance(step, Expect) and step.types:
        return set(step.types)
    if isinstance(step, ExpectUnordered):
        named = [frame if isinstance(frame, str) else frame.get(type_field) for frame in step.frames]
        return {value if isinstance(value, str) else _ANY for value in named}
    return {_ANY}


def _is_in(kind: str, types: frozenset[str]) -> bool:
    return kind in types or _ANY in types


def _kind(frame: Frame, type_field: str) -> str:
    said = getattr(frame, "type", "") or plain(frame).get(type_field)
    return said if isinstance(said, str) else ""
