"""The values that each replica of a boot showed, as they were: in its reports, its answers and its frames."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from envparity.judge.canonical import frame_type
from envparity.judge.normalise import served_paths, values_below
from envparity.model.backend import Backend
from envparity.model.environment import Environment
from envparity.observe.frame import plain
from envparity.observe.headers import Header
from envparity.observe.record import HttpAnswer, Observation, Replica
from envparity.observe.transcript import FrameReceived, HandshakeAnswered, HttpAnswered, Transcript

__all__ = ["NamesShown", "is_comparable", "said_of_itself", "shown_by"]

_OK = 200
_BESIDE = {"ingress", "nobody"}


@dataclass(frozen=True)
class NamesShown:
    """What a replica (from 0) of one boot showed: by path each value (JSON text), with the scenarios that saw it."""

    observation: Observation
    replica: int
    values: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def __str__(self) -> str:
        several = len(self.observation.replicas) > 1
        return f"{self.observation.case}, replica {self.replica + 1}" if several else str(self.observation.case)

    def add(self, values: Iterator[tuple[str, str]], scenario: str = "") -> None:
        """Note these, which that scenario saw; empty: which nothing had to be played for."""
        for path, value in values:
            self.values.setdefault(path, {}).setdefault(value, set()).add(scenario)


def is_comparable(observation: Observation) -> bool:
    """Whether its values say something of others: a fork has its parent's, and a change of release has two of each."""
    case = observation.case
    return observation.launch_failure is None and not observation.warm and not case.boot.release


def shown_by(backend: Backend, observation: Observation, environment: Environment | None = None) -> list[NamesShown]:
    """What each replica showed; settings that only the launcher knows, or that the boot gives, are left out."""
    shown = [NamesShown(observation, replica.index) for replica in observation.replicas]
    for value, replica in zip(shown, observation.replicas, strict=True):
        value.add(iter(said_of_itself(backend, observation, replica, environment).items()))
    by_index = {each_shown.replica: each_shown for each_shown in shown}
    if not any(_is_named(backend, place) for place in ("handshake", "http", "frames")):
        return shown
    second = (play.transcript for play in observation.second)
    for transcript in (*observation.transcripts, *observation.control, *second, *observation.turned):
        _converse(backend, transcript, by_index)
    return shown


def said_of_itself(
    backend: Backend, observation: Observation, replica: Replica, environment: Environment | None = None
) -> Mapping[str, str]:
    """What its startup report and its health say, by path."""
    given = {f"report.{backend.report.settings}.{name}" for name, _ in observation.case.boot.settings}
    report = served_paths(replica.startup, backend, environment) if replica.startup is not None else {}
    table = {path: value for path, value in report.items() if ".".join(path.split(".")[:3]) not in given}
    for name, answer in (("health.live", replica.live), ("health.ready", replica.ready)):
        table |= _answered(name, answer)
    return table


def _answered(path: str, answer: HttpAnswer | None) -> dict[str, str]:
    if answer is None or answer.status != _OK or not isinstance(answer.body, dict):
        return {}
    return dict(values_below(path, answer.body))


def _converse(backend: Backend, transcript: Transcript, shown: Mapping[int, NamesShown]) -> None:
    """What came over each connection is what the replica showed that had answered it."""
    answering: dict[str, NamesShown] = {}
    alone = next(iter(shown.values())) if len(shown) == 1 else None
    for event in transcript.events:
        match event:
            case HandshakeAnswered(connection=connection, replica=replica, answered_by=who) if who not in _BESIDE:
                by = alone if replica is None else shown.get(replica)
                if by is not None:
                    answering[connection] = by
                    by.add(_headers("handshake", event.headers), transcript.scenario)
            case HttpAnswered(replica=replica, request=request, body=body, answered_by=who) if who not in _BESIDE:
                by = alone if replica is None else shown.get(replica)
                place = f"http.{request.replace(' ', ':')}"
                if by is not None:
                    by.add(_headers(place, event.headers), transcript.scenario)
                if by is not None and body is not None:
                    by.add(values_below(f"{place}.body", plain(body)), transcript.scenario)
            case FrameReceived(connection=connection, frame=frame) if connection in answering:
                place = f"frames.{frame_type(backend, frame)}"
                if _is_named(backend, place):
                    answering[connection].add(values_below(place, plain(frame)), transcript.scenario)


def _is_named(backend: Backend, place: str) -> bool:
    """Whether a path of [[names]] may be below that place: up to its first glob nothing speaks against it."""
    beginnings = (re.split(r"[*?\[]", name.path, maxsplit=1)[0] for name in backend.names)
    return any(beginning.startswith(place) or place.startswith(beginning) for beginning in beginnings)


def _headers(place: str, headers: tuple[Header, ...]) -> Iterator[tuple[str, str]]:
    """Each header by its name, those of one name joined (RFC 9110 §5.3)."""
    joined: dict[str, str] = {}
    for header in headers:
        joined[header.name] = ", ".join(filter(None, (joined.get(header.name), header.value)))
    yield from values_below(f"{place}.headers", joined)
