"""What the rules about conversations look at: one after the other, each held against its script and the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from envparity.judge.advice import advice
from envparity.judge.any_value import of_any_value
from envparity.judge.canonical import frame_type
from envparity.judge.circumstances import connections_of, logged, lost_headers, refusal, waits
from envparity.judge.evidence import Counts, Evidence, Excerpt, Note
from envparity.judge.explored import EXPLORED
from envparity.judge.finding import Breach
from envparity.judge.traceback import all_raised
from envparity.judge.view import RunView
from envparity.judge.volatile import steady, words_alone
from envparity.model.backend import Backend
from envparity.observe.frame import plain
from envparity.observe.nature import latest_first, nature_on_the_wire
from envparity.observe.record import Observation
from envparity.observe.transcript import (
    ConnectionClosed,
    Departure,
    DepartureKind,
    Event,
    FrameReceived,
    FrameSent,
    Transcript,
    violations_of,
)

__all__ = [
    "ANOTHERS",
    "OWN_ALONE",
    "breach_of",
    "contract_broken",
    "departed",
    "ending",
    "flooded_by",
    "internal_error",
    "nature_of",
    "other_users_events",
    "who_got_what",
]

ANOTHERS = "what belongs to another user"
OWN_ALONE = "only what belongs to its user reaches a connection"
_LAST = 6  # entries of a conversation that are quoted
_INTERNAL_ERROR = 1011  # RFC 6455 §7.4.1 and its registry

Check = Callable[[RunView, Observation], Iterator[Breach]]


def departed(*kinds: DepartureKind, group: str = "") -> Check:
    """The check of a rule about departures of these kinds; those of `group` alone, or of all that nobody explored."""

    def check(view: RunView, observation: Observation) -> Iterator[Breach]:
        for script in observation.transcripts:
            departure = script.departure
            if departure is None or departure.kind not in kinds:
                continue
            if script.group != group if group else script.group in EXPLORED:
                continue
            if script.clients is not None or flooded_by(script):  # rules of their own
                continue
            yield breach_of(
                view.project.backend,
                script,
                departure,
                (*_in_some_plays(observation, script.scenario), *_circumstances(script, departure)),
                where=_where(view.project.backend, script.scenario) if group else script.scenario,
                action=advice(script, departure),
            )

    return check


def breach_of(
    backend: Backend,
    script: Transcript,
    departure: Departure,
    evidence: Iterable[Evidence],
    *,
    where: str = "",
    action: str = "",
) -> Breach:
    """That a conversation left its script: the evidence, then its end and its log. `where`: else its scenario."""
    return Breach(
        where=where or script.scenario,
        expected=steady(departure.expected, script.names),
        got=steady(departure.got, script.names),
        scenario=script.scenario,
        step=departure.step,
        nature=nature_of(backend, script, departure),
        evidence=(*evidence, ending(script), *logged(script.logged)),
        action=action,
    )


def flooded_by(script: Transcript) -> tuple[str, ...]:
    """The connections that had flooded when another connection, of another user, waited in vain."""
    departure = script.departure
    if departure is None or departure.kind != "timeout" or not departure.connection:
        return ()
    floods = (event for event in script.events if isinstance(event, FrameSent) and event.count is not None)
    return tuple(dict.fromkeys(flood.connection for flood in floods if flood.connection != departure.connection))


def _where(backend: Backend, scenario: str) -> str:
    """What was explored, in words: `order, broken at /size`, `RFC 6455 §5.4: a ping between two fragments …`."""
    return next(
        (
            each_scenario.title
            for each_scenario in backend.scenarios
            if each_scenario.name == scenario and each_scenario.title
        ),
        scenario,
    )


def _in_some_plays(observation: Observation, scenario: str) -> Iterator[Evidence]:
    """In how many plays of one boot it left its script, where it did not in all of them."""
    plays = observation.plays(scenario)
    left = sum(play.departure is not None for play in plays)
    if left < len(plays):
        yield Counts(observation.case.environment, left, len(plays), "plays in one boot")


def nature_of(backend: Backend, script: Transcript, departure: Departure) -> str:
    """In what way it left its script: `timeout`, `handshake 403`, `close 1006`, `frame error AUTH_FAILED`."""
    for event in latest_first(script, departure) if departure.kind in {"frame", "silence"} else ():
        match departure.kind, event:
            case "silence", ConnectionClosed(code=code):
                return f"silence {code}"
            case _, FrameReceived(frame=frame):
                kind = frame_type(backend, frame)
                error = plain(frame).get("code") if kind == backend.error_type else None
                return " ".join((departure.kind, kind, *([error] if isinstance(error, str) else [])))
    return nature_on_the_wire(script, departure)


def _circumstances(script: Transcript, departure: Departure) -> Iterator[Evidence]:
    """What is known of the moments of a departure besides its frames."""
    if departure.kind == "handshake":
        yield from refusal(script, departure.connection)
    yield from lost_headers(script)
    if departure.kind == "timeout":
        yield from waits(script)
        yield from connections_of(script)


def ending(script: Transcript) -> Excerpt:
    """The end of a conversation that left its script."""
    step = script.departure.step if script.departure is not None else None
    return Excerpt(script.events[-_LAST:], step, named=_several(script))


def contract_broken(view: RunView, observation: Observation) -> Iterator[Breach]:
    """A frame is not what the contract says of it."""
    backend = view.project.backend
    contract = backend.contract.document.name if backend.contract is not None else "the contract"
    for script in observation.transcripts:
        for event in script.events:
            for violation in violations_of(event):
                got = steady(of_any_value(violation, event), script.names)
                yield Breach(
                    where=_what(backend, event),
                    expected=f"what {contract} says of it",
                    got=got,
                    scenario=script.scenario,
                    nature=got,
                    evidence=(Excerpt((event,)),),
                )


def internal_error(_view: RunView, observation: Observation) -> Iterator[Breach]:
    """A connection was closed with 1011."""
    for script in observation.transcripts:
        for index, event in enumerate(script.events):
            if not isinstance(event, ConnectionClosed) or event.code != _INTERNAL_ERROR:
                continue
            reason = steady(event.reason, script.names)
            before = script.events[: index + 1]
            several = len({each_event.connection for each_event in before}) > 1
            yield Breach(
                where=f"{_phase(script, index)} phase",
                expected="a close code that names a known condition; 1011 is for bugs",
                got=f"close 1011 {reason}".rstrip(),
                scenario=script.scenario,
                nature=": ".join(("close", *filter(None, (words_alone(reason),)))),
                raised=_raised(script),
                evidence=(
                    *lost_headers(script),
                    Excerpt(before[-_LAST:], named=several),
                    *logged(script.logged),
                ),
            )


def _raised(script: Transcript) -> tuple[str, ...]:
    """The exceptions that the replicas logged in the moments of its failure, each once, in words alone."""
    logs = (log.lines for log in script.logged if log.is_replica)
    raised = (words_alone(known[-1], script.names) for lines in logs for known in all_raised(lines))
    return tuple(sorted(set(raised)))


def other_users_events(view: RunView, observation: Observation) -> Iterator[Breach]:
    """What belongs to one user reached another, in a scenario that is private."""
    backend = view.project.backend
    private = {scenario.name for scenario in backend.scenarios if scenario.private}
    for script in observation.transcripts:
        if script.scenario not in private:
            continue
        owners = _owners(script)
        sent_by = _sent_by(script, owners)
        for connection, owner in owners.items():
            foreign = {value for value, users in sent_by.items() if owner not in users}
            leaked = [
                event
                for event in (*script.events, *script.skipped)
                if isinstance(event, FrameReceived)
                and event.connection == connection
                and any(_mentions(plain(event.frame), value) for value in foreign)
            ]
            if leaked:
                met = [plain(received.frame) for received in leaked]
                told = {script.names[value] for value in foreign if any(_mentions(frame, value) for frame in met)}
                yield Breach(
                    where=script.scenario,
                    expected=OWN_ALONE,
                    got=ANOTHERS,
                    scenario=script.scenario,
                    nature="the same play",
                    evidence=(
                        who_got_what(script, connection, owner, told),
                        Excerpt(tuple(leaked[:_LAST]), named=True),
                    ),
                )


def who_got_what(script: Transcript, connection: str, owner: str, names: Iterable[str], whose: str = "") -> Note:
    """Which connection got which values. Which of two users meets the other's is chance, and no part of the failure."""
    return Note(f"connection {connection} of {script.names[owner]} got {', '.join(sorted(names))}{whose}")


def _several(script: Transcript) -> bool:
    return len({event.connection for event in script.events}) > 1


def _what(backend: Backend, event: Event) -> str:
    """The frame's type; with `sent` where it is the client's, and the event's kind where it is no frame."""
    match event:
        case FrameReceived(frame=frame):
            return frame_type(backend, frame)
        case FrameSent(frame=frame):
            return f"sent {frame_type(backend, frame)}"
        case _:
            return event.kind


def _phase(script: Transcript, index: int) -> str:
    """What the conversation was at when the peer closed: the phase of the event before, on the same connection."""
    close = script.events[index]
    before = [event.phase for event in script.events[:index] if event.connection == close.connection]
    return before[-1] if before else close.phase


def _owners(script: Transcript) -> dict[str, str]:
    """The user of each connection: the first user id that the backend named on it."""
    users = [value for value, name in script.names.items() if name.startswith("<user")]
    owners: dict[str, str] = {}
    for event in script.events:
        if isinstance(event, FrameReceived) and event.connection not in owners:
            frame = plain(event.frame)
            named = (value for value in sorted(users, key=len, reverse=True) if _mentions(frame, value))
            if (owner := next(named, None)) is not None:
                owners[event.connection] = owner
    return owners


def _sent_by(script: Transcript, owners: dict[str, str]) -> dict[str, set[str]]:
    """Every generated value that can only be known to some users: their own ids, and what they sent."""
    known = {user: {user} for user in owners.values()}
    for event in script.events:
        owner = owners.get(event.connection)
        if isinstance(event, FrameSent) and owner is not None:
            for value in script.names:
                if _mentions(plain(event.frame), value):
                    known.setdefault(value, set()).add(owner)
    return known


def _mentions(data: object, value: str) -> bool:
    """Whether that value stands anywhere in the frame, all of a text by itself."""
    if isinstance(data, dict):
        return any(_mentions(under, value) for under in data.values())
    if isinstance(data, list):
        return any(_mentions(under, value) for under in data)
    return bool(data == value)
