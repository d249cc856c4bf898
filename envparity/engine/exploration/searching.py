"""The search for frames that are answered otherwise elsewhere: Hypothesis makes, shrinks and remembers them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

import msgspec
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import HypothesisException

from envparity.engine.exploration.frames import ClientTurn
from envparity.engine.exploration.reactions import Reaction

__all__ = ["Ask", "ExplorationProfile", "FoundSequence", "SequenceSearch"]

MOST_FOUND: Final = 4
"""How many different findings one exploration looks for."""

_KEY: Final = b"envparity exploration"

Reactions = dict[str, tuple[Reaction, ...]]
"""How each environment reacted to a sequence, by its name."""


class Ask(Protocol):
    """Plays a sequence everywhere."""

    def __call__(self, turns: tuple[ClientTurn, ...], *, confirmed: bool = False) -> Reactions:
        """How each environment reacts; `confirmed`, with more patience."""


@dataclass(frozen=True)
class ExplorationProfile:
    """How far an exploration goes: `examples` sequences, `seconds` at most, made by `seed`; `folder` remembers them."""

    examples: int
    seed: int
    seconds: float = 120.0
    folder: Path | None = None


@dataclass(frozen=True)
class FoundSequence:
    """A sequence that could be made no shorter, and how each environment reacted to it."""

    turns: tuple[ClientTurn, ...]
    reactions: Reactions

    @property
    def kind(self) -> tuple[str, ...]:
        """What tells findings apart: of which message the frame is that matters, and who reacted how."""
        at = self.first
        said = tuple(f"{name}: {seen[at]}" for name, seen in sorted(self.reactions.items()))
        return (self.turns[at].message, *said)

    @property
    def first(self) -> int:
        """The first frame to which not all reacted alike, or that was an internal error somewhere."""
        seen = list(self.reactions.values())
        return next((at for at in range(len(self.turns)) if _is_wrong([pair[at] for pair in seen])), 0)


class _Otherwise(Exception):
    """A sequence that is answered otherwise somewhere, or with an internal error."""


@dataclass
class SequenceSearch:
    """One exploration. `played` counts the sequences that were played, `over` says that its time was.

    `holds` says whether a frame that was made smaller is still what it says: allowed by the contract, or broken.
    """

    sequences: st.SearchStrategy[tuple[ClientTurn, ...]]
    ask: Ask
    profile: ExplorationProfile
    holds: Callable[[ClientTurn], bool] = lambda _turn: True
    played: int = 0
    over: bool = False
    _known: dict[str, Reactions] = field(default_factory=dict)
    _told: set[tuple[str, ...]] = field(default_factory=set)
    _believed: set[tuple[str, ...]] = field(default_factory=set)
    _database: DirectoryBasedExampleDatabase | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.profile.folder is not None:
            self._database = DirectoryBasedExampleDatabase(self.profile.folder)

    def run(self) -> tuple[FoundSequence, ...]:
        """Look until every example was made, or the time is over. Blocks: it is for a thread of its own."""
        until_s = time.monotonic() + self.profile.seconds
        found = list(self._remembered())
        self._told |= {each_found.kind for each_found in found}
        while len(found) < MOST_FOUND and not self.over and self.played < self.profile.examples * (len(found) + 1):
            shown = self._look(until_s)
            if shown is None:
                break
            shown = self._patiently(self._reduced(shown))
            found.append(shown)
            self._told.add(shown.kind)
            if self._database is not None:
                self._database.save(_KEY, msgspec.json.encode(shown.turns))
        return tuple(found)

    def _remembered(self) -> Iterator[FoundSequence]:
        """What earlier explorations found and is still so; what is not is forgotten."""
        database = self._database
        for held in sorted(database.fetch(_KEY), key=len)[:MOST_FOUND] if database is not None else ():
            try:
                turns = msgspec.json.decode(held, type=tuple[ClientTurn, ...])
            except msgspec.MsgspecError:
                turns = ()
            found = self._played(turns, _key(turns)) if turns else None
            if found is not None and found.kind not in self._told:
                yield self._patiently(found)
            elif found is None and database is not None:
                database.delete(_KEY, held)

    def _reduced(self, found: FoundSequence) -> FoundSequence:
        """The same with one frame or one property less, as long as that shows the same: a last look at what is left."""
        for turns in _smaller(found.turns):
            if all(map(self.holds, turns)):
                less = self._played(turns, _key(turns))
                if less is not None and less.kind == found.kind:
                    return self._reduced(less)
        return found

    def _patiently(self, found: FoundSequence) -> FoundSequence:
        """The same as it is when one waits longer for it."""
        seen = self.ask(found.turns, confirmed=True)
        return FoundSequence(found.turns, seen) if not _same(seen, found.turns) else found

    def _look(self, until_s: float) -> FoundSequence | None:
        """The next that is not known yet, shrunk."""
        best: list[FoundSequence] = []

        @seed(self.profile.seed)
        @settings(
            max_examples=self.profile.examples,
            database=None,  # a seed and a database exclude each other; what was found is remembered by `_remembered`
            deadline=None,
            derandomize=False,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(self.sequences)
        def explored(turns: tuple[ClientTurn, ...]) -> None:
            key = _key(turns)
            if key not in self._known and time.monotonic() >= until_s:
                self.over = True
                return
            found = self._played(turns, key)
            if found is not None and (best and found.kind != best[0].kind):
                return  # another defect; its own search comes to it
            if found is not None:
                if not best or _size(found.turns) <= _size(best[-1].turns):
                    best.append(found)
                raise _Otherwise

        try:
            explored()
        except (_Otherwise, HypothesisException):  # the latter where the time was over while it shrank
            return best[-1] if best else None
        return None

    def _played(self, turns: tuple[ClientTurn, ...], key: str) -> FoundSequence | None:
        """What is to be told of a sequence; what differs once is played once more before it is believed."""
        if key not in self._known:
            self.played += 1
            seen = self.ask(turns)
            kind = FoundSequence(turns, seen).kind
            if not _same(seen, turns) and kind not in self._told | self._believed:
                seen = self.ask(turns, confirmed=True)
                self._believed.add(FoundSequence(turns, seen).kind)
            self._known[key] = seen
        seen = self._known[key]
        return None if _same(seen, turns) or self._is_told(turns, seen) else FoundSequence(turns, seen)

    def _is_told(self, turns: tuple[ClientTurn, ...], seen: Reactions) -> bool:
        return FoundSequence(turns, seen).kind in self._told


def _same(seen: Reactions, turns: Sequence[ClientTurn]) -> bool:
    return not any(_is_wrong([pair[at] for pair in seen.values()]) for at in range(len(turns)))


def _is_wrong(reactions: Sequence[Reaction]) -> bool:
    return len(set(reactions)) > 1 or any(reaction.internal_error for reaction in reactions)


def _smaller(turns: tuple[ClientTurn, ...]) -> Iterator[tuple[ClientTurn, ...]]:
    """That sequence with one frame less, and with one property less in one of its frames."""
    for at, turn in enumerate(turns):
        if len(turns) > 1:
            yield (*turns[:at], *turns[at + 1 :])
        for name in turn.frame:
            frame = {key: value for key, value in turn.frame.items() if key != name}
            yield (*turns[:at], replace(turn, frame=frame), *turns[at + 1 :])


def _key(turns: Sequence[ClientTurn]) -> str:
    return json.dumps([turn.frame for turn in turns], sort_keys=True)


def _size(turns: Sequence[ClientTurn]) -> tuple[int, int]:
    return len(turns), len(_key(turns))
