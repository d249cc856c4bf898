"""What each client was told when it knocked on a backend whose startup had failed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from envparity.backend import Backend
from envparity.judge.canonical import frame_type
from envparity.judge.volatile import steady
from envparity.observe.record import Entry, Observation, StartupFailure

__all__ = ["Told", "starting_scenarios", "what_clients_were_told"]


@dataclass(frozen=True)
class Told:
    """One connection as the client saw it: the status of its handshake, an error frame, the peer's close.

    `served` is a frame that a working backend would send; `waiting` is True where nothing more came in time.
    """

    scenario: str
    status: int
    error: dict[str, Any] | None
    served: str | None
    close: tuple[int, str] | None
    waiting: bool

    def rightly(self, backend: Backend, failures: Sequence[StartupFailure]) -> bool | None:
        """Whether it was 1013 with the component's name, after an error frame; None where the client did not wait."""
        if self.status != 101:
            return None if 0 < self.status < 500 else False  # an HTTP refusal of its own, such as 403 for an Origin
        if self.served is not None:
            return False
        if self.close is not None:
            return self.error is not None and self.close[0] == 1013 and _names(backend, failures, self.close[1])
        if self.waiting:
            return False
        return None

    def __str__(self) -> str:
        if self.status != 101:
            return f"handshake refused with {self.status}" if self.status else "no answer to the handshake"
        parts = []
        if self.error is not None:
            parts.append(f"error frame {json.dumps(self.error, ensure_ascii=False)}")
        if self.served is not None:
            parts.append(f"frame {self.served}, as if all were well")
        if self.close is not None:
            code, reason = self.close
            parts.append(f"close {code} {reason}".rstrip() + ("" if self.error else " without an error frame"))
        elif self.waiting:
            parts.append("no close")
        return ", ".join(parts) or "nothing"

    @property
    def steadily(self) -> str:
        """The same without what differs from run to run, and without the frame's wording."""
        error = {key: value for key, value in (self.error or {}).items() if key in {"type", "code"}}
        return steady(str(Told(self.scenario, self.status, error or self.error, self.served, self.close, self.waiting)))


def what_clients_were_told(backend: Backend, observation: Observation) -> tuple[Told, ...]:
    """Every connection that was tried once startup had ended, in the order of that boot's transcripts."""
    early = starting_scenarios(backend)
    return tuple(
        _told(backend, transcript.scenario, entries)
        for transcript in observation.transcripts
        if transcript.scenario not in early
        for entries in _by_connection(transcript.entries)
        if entries[0].kind == "handshake"
    )


def starting_scenarios(backend: Backend) -> frozenset[str]:
    """The scenarios that are played while the backend still starts: no client of those can be told how it ended."""
    return frozenset(one.name for one in backend.scenarios if one.part == "starting")


def _by_connection(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    for name in dict.fromkeys(entry.connection for entry in entries):
        yield [entry for entry in entries if entry.connection == name]


def _told(backend: Backend, scenario: str, entries: Sequence[Entry]) -> Told:
    received = [entry.data for entry in entries if entry.kind == "received"]
    errors = [frame for frame in received if frame_type(backend, frame) == backend.error_type]
    others = [frame_type(backend, frame) for frame in received if frame not in errors]
    closes = [entry.data for entry in entries if entry.kind == "close" and entry.data.get("by", "server") == "server"]
    return Told(
        scenario=scenario,
        status=int(entries[0].data.get("status") or 0),
        error=errors[0] if errors else None,
        served=others[0] if others else None,
        close=(int(closes[0].get("code") or 0), str(closes[0].get("reason") or "")) if closes else None,
        waiting=any(entry.kind == "timeout" for entry in entries),
    )


def _names(backend: Backend, failures: Sequence[StartupFailure], reason: str) -> bool:
    """Whether a close reason is the promised refusal, for a component that failed (if any is known)."""
    if failures:
        return any(reason == backend.startup_refusal.replace("{component}", one.component) for one in failures)
    pattern = re.escape(backend.startup_refusal).replace(re.escape("{component}"), ".+")
    return re.fullmatch(pattern, reason) is not None
