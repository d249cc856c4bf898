"""What EP301–307 look at: one conversation after the other, each held against its script and the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from envparity.judge.canonical import frame_type, line, lines
from envparity.judge.finding import Finding
from envparity.judge.rules import finding
from envparity.judge.volatile import steady
from envparity.observe.record import Entry, Observation, Transcript
from envparity.subject import Subject

__all__ = ["DEPARTURES", "contract_broken", "departed", "internal_error", "other_users_events"]

# Departure.kind -> the rule that it breaks
DEPARTURES = {
    "frame": "EP301",
    "silence": "EP301",
    "control": "EP301",
    "handshake": "EP302",
    "close": "EP303",
    "timeout": "EP306",
}
_LAST = 6  # entries of a conversation that are quoted
_LOG_LINES = 8

Check = Callable[[Subject, Observation], Iterator[Finding]]


def departed(code: str) -> Check:
    """The check of EP301, EP302, EP303 or EP306: departures of the kinds that belong to that code."""

    def check(_subject: Subject, observation: Observation) -> Iterator[Finding]:
        for script in observation.transcripts:
            departure = script.departure
            if departure is None or DEPARTURES[departure.kind] != code:
                continue
            yield finding(
                observation,
                code,
                script.scenario,
                steady(departure.expected, script.names),
                steady(departure.got, script.names),
                scenario=script.scenario,
                evidence=[f"step {departure.step + 1}, after:", *lines(script, _LAST)],
            )

    return check


def contract_broken(subject: Subject, observation: Observation) -> Iterator[Finding]:
    """EP304."""
    contract = subject.backend.contract.name if subject.backend.contract is not None else "the contract"
    for script in observation.transcripts:
        for entry in script.entries:
            for violation in entry.violations:
                yield finding(
                    observation,
                    "EP304",
                    _what(subject, entry),
                    f"what {contract} says of it",
                    steady(violation, script.names),
                    scenario=script.scenario,
                    evidence=[line(entry)],
                )


def internal_error(_subject: Subject, observation: Observation) -> Iterator[Finding]:
    """EP305."""
    for script in observation.transcripts:
        for index, entry in enumerate(script.entries):
            if entry.kind != "close" or entry.data.get("code") != 1011:
                continue
            reason = steady(str(entry.data.get("reason") or ""), script.names)
            before = lines(Transcript("", "", script.entries[: index + 1]), _LAST)
            log = [text for replica in observation.replicas for text in replica.log_tail[-_LOG_LINES:]]
            yield finding(
                observation,
                "EP305",
                f"{_phase(script, index)} phase",
                "a close code that names a known condition; 1011 is for bugs",
                f"close 1011 {reason}".rstrip(),
                scenario=script.scenario,
                evidence=[*before, *log],
            )


def other_users_events(subject: Subject, observation: Observation) -> Iterator[Finding]:
    """EP307."""
    for script in observation.transcripts:
        if script.group != "isolation":
            continue
        owners = _owners(script)
        sent_by = _sent_by(script, owners)
        for connection, owner in owners.items():
            foreign = {value for value, users in sent_by.items() if owner not in users}
            received = [one for one in script.entries if one.kind == "received" and one.connection == connection]
            leaked = [one for one in received if any(_mentions(one.data, value) for value in foreign)]
            if leaked:
                told = sorted(script.names[value] for value in foreign if _mentions(leaked[0].data, value))
                yield finding(
                    observation,
                    "EP307",
                    script.scenario,
                    f"only what belongs to {script.names[owner]} reaches connection {connection}",
                    f"{_what(subject, leaked[0])} with {', '.join(told)}",
                    scenario=script.scenario,
                    evidence=[f"{connection}: {line(one)}" for one in leaked[:_LAST]],
                )


def _what(subject: Subject, entry: Entry) -> str:
    """The frame's type; with `sent` where it is the client's, and the entry's kind where it is no frame."""
    if entry.kind not in {"sent", "received"}:
        return entry.kind
    named = frame_type(subject.backend, entry.data)
    return named if entry.kind == "received" else f"sent {named}"


def _phase(script: Transcript, index: int) -> str:
    """What the conversation was at when the peer closed: the phase of the entry before, on the same connection."""
    close = script.entries[index]
    before = [entry.phase for entry in script.entries[:index] if entry.connection == close.connection]
    return before[-1] if before else close.phase


def _owners(script: Transcript) -> dict[str, str]:
    """The user of each connection: the first user id that the backend named on it."""
    users = [value for value, name in script.names.items() if name.startswith("<user")]
    owners: dict[str, str] = {}
    for entry in script.entries:
        if entry.kind == "received" and entry.connection not in owners:
            for value in sorted(users, key=len, reverse=True):
                if _mentions(entry.data, value):
                    owners[entry.connection] = value
                    break
    return owners


def _sent_by(script: Transcript, owners: dict[str, str]) -> dict[str, set[str]]:
    """Every generated value that can only be known to some users: their own ids, and what they sent."""
    known = {user: {user} for user in owners.values()}
    for entry in script.entries:
        owner = owners.get(entry.connection)
        if entry.kind == "sent" and owner is not None:
            for value in script.names:
                if _mentions(entry.data, value):
                    known.setdefault(value, set()).add(owner)
    return known


def _mentions(data: Any, value: str) -> bool:
    """Whether that value stands anywhere in the frame, all of a text by itself."""
    if isinstance(data, dict):
        return any(_mentions(under, value) for under in data.values())
    if isinstance(data, list):
        return any(_mentions(under, value) for under in data)
    return bool(data == value)
