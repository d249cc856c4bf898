"""A recording made a scenario that holds: played again on the backend that it came from, before anybody gets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from envparity.auth.scheme import token_kinds
from envparity.conversation.contract.of_backend import contract_of
from envparity.conversation.driver import play
from envparity.errors import EnvparityError
from envparity.launch.port import Endpoint
from envparity.model.backend import Backend
from envparity.model.deployed.identity import Held
from envparity.model.scenario import Scenario
from envparity.observe.plays import is_broken
from envparity.observe.transcript import HttpAnswered, Transcript, violations_of
from envparity.recording.credentials import note_credentials
from envparity.recording.culprit import culprit_of
from envparity.recording.drafting import Draft, DraftStep, drafted
from envparity.recording.polling import Cuts, cut, frames_in, recut
from envparity.recording.reading_values import read_values
from envparity.recording.refining import differing, refined, with_volatile
from envparity.recording.speech import Speech
from envparity.recording.tables import scenario_of, scenario_table, step_tables
from envparity.recording.turns import Turn
from envparity.recording.upstream import Upstream
from envparity.recording.values import Values
from envparity.support.redaction import Redaction

__all__ = ["DoesNotHold", "Proven", "Trial", "played", "prove"]

_MOST_IGNORED: Final = 6
_MOST_ROUNDS: Final = 4


class DoesNotHold(EnvparityError):
    """What was recorded does not go the same way again; says where it parts, and what parted (`DepartureKind`).

    `turn` is the one at which an answer brought other frames than it did, so many as `brought`.
    """

    def __init__(self, text: str, kind: str = "frame", turn: int = -1, brought: int = 0) -> None:
        self.kind, self.turn, self.brought = kind, turn, brought
        super().__init__(text)


@dataclass(frozen=True)
class Proven:
    """A scenario that holds: its table, what belongs into the backend's file, and what is to be known of it.

    `plays` are the last ones, of what is written; `settings` are those that had to be invented, with what each is.
    """

    table: dict[str, Any]
    scenario: Scenario
    volatile: tuple[str, ...]
    ignored: tuple[str, ...]
    settings: Mapping[str, str]
    notes: tuple[str, ...]
    redaction: Redaction
    plays: tuple[Transcript, ...]
    upstream: Upstream


@dataclass
class Trial:
    """The backend that was recorded, where it is, and what is known of it. `settings` are those that it runs with."""

    turns: Sequence[Turn]
    speech: Speech
    backend: Backend
    endpoint: Endpoint
    name: str = "recorded"
    settings: Mapping[str, str] = field(default_factory=dict)


async def prove(trial: Trial) -> Proven:
    """The scenario of that recording, once two plays in a row have kept to it.

    Raises `DoesNotHold`, and `ConfigurationError` where the backend's file and the settings do not provide what it
    takes.
    """
    cuts: Cuts = {}
    while True:
        tried = replace(trial, turns=cut(trial.turns, cuts))
        try:
            return await _prove(tried)
        except DoesNotHold as error:
            if error.turn < 0 or not recut(cuts, tried.turns, error.turn, error.brought):
                raise


async def _prove(trial: Trial) -> Proven:
    """The scenario of these turns, by the first reading of them that holds. Raises `DoesNotHold`."""
    failed = ""
    for names_users in (True, False):
        proving = _Proving(trial, names_users=names_users)
        if not names_users and not proving.would_name_users:
            break
        for unordered in (False, True):
            try:
                return await proving.proven(unordered=unordered)
            except DoesNotHold as error:
                if error.turn >= 0:
                    raise
                failed = failed or str(error)
                if not unordered and not proving.may_be_unordered(error):
                    break
    raise DoesNotHold(failed)


class _Proving:
    """One way to read the recording, tried."""

    def __init__(self, trial: Trial, *, names_users: bool) -> None:
        self._trial, backend = trial, trial.backend
        values = self._values = Values(names_users=names_users)
        shown = note_credentials(trial.turns, values, backend, trial.settings)
        read_values(values, trial.turns)
        self._draft: Draft = drafted(trial.turns, values, trial.speech, backend, shown)
        first = next(iter(shown.values()), None)
        self._settings = {**backend.settings, **trial.settings, **values.settings}
        makes = backend.scheme is not None and backend.scheme.signing_setting in self._settings
        self._known = None if first is None or makes else Held(token=first.token, user=first.user)
        self._redaction = Redaction(values.secrets.items())
        self._carriers = [carrier.name for carrier in backend.tokens.carriers] if backend.tokens is not None else []
        self._kinds = token_kinds(type(backend.scheme)) if backend.scheme is not None else ("none",)

    @property
    def would_name_users(self) -> bool:
        """Whether another reading, with made-up names of users, is another one."""
        other = Values(names_users=True)
        note_credentials(self._trial.turns, other, self._trial.backend, self._trial.settings)
        read_values(other, self._trial.turns)
        mine = {known.placeholder for known in self._values.known.values()}
        return any(
            known.placeholder not in mine for known in other.known.values() if known.placeholder.startswith("{user")
        )

    @staticmethod
    def may_be_unordered(error: DoesNotHold) -> bool:
        """Whether another order of frames could be the reason."""
        return error.kind in {"frame", "timeout", "close"}

    async def proven(self, *, unordered: bool) -> Proven:
        ignored: list[str] = []
        plays = await self._skeleton(ignored, unordered=unordered)
        expected = [step for step in self._draft.steps if not step.is_expected or step.type not in ignored]
        steps = refined(expected, plays, self._values, self._trial.speech, self._settings)
        backend = self._with_ignored(ignored)
        volatile: list[str] = []
        for _ in range(_MOST_ROUNDS):
            table = self._table(steps, ignored, unordered=unordered)
            again = [await self._play(table, backend) for _ in range(2)]
            parted = next((transcript for transcript in again if is_broken(transcript)), None)
            if parted is not None:
                steps = self._without_fields(steps, table, parted)
                continue
            fields, others = differing(with_volatile(backend, volatile), *again)
            volatile += fields
            if others:
                raise DoesNotHold(f"two plays in a row differ in {', '.join(others)}", "frame")
            if not fields:
                return self._result(table, volatile, ignored, again)
        raise DoesNotHold("it goes another way in each play", "frame")

    async def _skeleton(self, ignored: list[str], *, unordered: bool) -> list[Transcript]:
        """Two plays of the steps with types alone; adds to `ignored` what comes when it likes, where that is tried."""
        while True:
            table = self._table(self._draft.steps, ignored, unordered=unordered)
            plays: list[Transcript] = []
            for _ in range(2):
                plays.append(await self._play(table, self._with_ignored(ignored)))
                if plays[-1].departure is not None:
                    break
            failed = plays[-1].departure
            if failed is None:
                return plays
            culprit = culprit_of(plays[-1], self._draft.steps, self._trial.speech, ignored) if unordered else None
            if culprit is None or len(ignored) >= _MOST_IGNORED:
                raise self._parted(self._draft.steps, table, plays[-1])
            ignored.append(culprit)

    def _parted(self, steps: Sequence[DraftStep], table: Mapping[str, Any], play: Transcript) -> DoesNotHold:
        """What parted there; where an answer brought other frames than it did, with how many."""
        departure = play.departure
        assert departure is not None  # noqa: S101  of whom this is called
        text = self._said(table, play)
        said = table["steps"][departure.step]
        polled = next((step for step in steps if step.table is said and step.kept), None)
        answers = [event for event in play.events if isinstance(event, HttpAnswered)]
        if departure.kind != "http" or polled is None or not answers:
            return DoesNotHold(text, departure.kind)
        return DoesNotHold(text, departure.kind, polled.turn, frames_in(answers[-1].body))

    def _without_fields(
        self, steps: Sequence[DraftStep], table: Mapping[str, Any], parted: Transcript
    ) -> list[DraftStep]:
        """The steps, in which the one at which it parted expects less. Raises `DoesNotHold` where it cannot."""
        departure = parted.departure
        if departure is None:
            violations = next(iter(filter(None, map(violations_of, parted.events))), ("",))
            raise DoesNotHold(f"the contract has something against it: {violations[0]}", "contract")
        said = table["steps"][departure.step]
        less = []
        for step in steps:
            if step.table is said and said.get("fields", {}) != step.kept:
                bare = {name: value for name, value in said.items() if name != "fields"}
                bare |= {"fields": step.kept} if step.kept else {}
                less.append(DraftStep(bare, step.connection, step.turn, step.heard, step.type, kept=step.kept))
            else:
                less.append(step)
        if all(each_value is other for each_value, other in zip(less, steps, strict=True)):
            raise self._parted(steps, table, parted)
        return less

    async def _play(self, table: dict[str, object], backend: Backend) -> Transcript:
        scenario = scenario_of(table, self._carriers, self._kinds)
        return await _played(scenario, self._upstream(), backend)

    def _upstream(self) -> Upstream:
        endpoint = self._trial.endpoint
        if self._known is not None:
            endpoint = replace(endpoint, known=self._known)
        return Upstream(endpoint=endpoint, settings=self._settings, redaction=self._redaction)

    def _table(self, steps: Sequence[DraftStep], ignored: Sequence[str], *, unordered: bool) -> dict[str, object]:
        return scenario_table(self._trial.name, step_tables(steps, self._trial.speech, ignored, unordered=unordered))

    def _with_ignored(self, ignored: Sequence[str]) -> Backend:
        backend = self._trial.backend
        together = tuple(dict.fromkeys((*backend.ignored_frames, *ignored)))
        return msgspec.structs.replace(backend, ignored_frames=together)

    def _said(self, table: Mapping[str, Any], play: Transcript) -> str:
        departure = play.departure
        assert departure is not None  # noqa: S101  of whom this is called
        step = table["steps"][departure.step]
        text = f"step {departure.step + 1} ({next(iter(step))}): expected {departure.expected}, got {departure.got}"
        return self._redaction.text(text)

    def _result(
        self, table: dict[str, object], volatile: Sequence[str], ignored: Sequence[str], plays: Sequence[Transcript]
    ) -> Proven:
        if self._redaction.plain(table) != table:
            raise DoesNotHold("a credential would have to be written down for it", "secret")
        return Proven(
            table,
            scenario_of(table, self._carriers, self._kinds),
            tuple(dict.fromkeys(volatile)),
            tuple(ignored),
            {name: self._values.wheres[name] for name in self._values.settings},
            tuple(dict.fromkeys(self._draft.notes)),
            self._redaction,
            tuple(plays),
            self._upstream(),
        )


async def played(trial: Trial, proven: Proven, backend: Backend | None = None) -> Transcript:
    """How what was proven goes once more, by this file of the backend in place of its own."""
    backend = backend or trial.backend
    ignored = tuple(dict.fromkeys((*backend.ignored_frames, *proven.ignored)))
    backend = with_volatile(msgspec.structs.replace(backend, ignored_frames=ignored), proven.volatile)
    return await _played(proven.scenario, proven.upstream, backend)


async def _played(scenario: Scenario, upstream: Upstream, backend: Backend) -> Transcript:
    return await play(scenario, upstream, backend, contract_of(backend))
