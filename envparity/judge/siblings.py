"""EP312: what a user's connection meets when another one of the same user goes."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.judge.conversation_checks import breach_of, nature_of
from envparity.judge.evidence import Note
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.model.backend import Backend
from envparity.observe.record import Observation
from envparity.observe.transcript import Transcript

__all__ = ["RULES"]

_TIMES = 2
_IS_CUT_OFF = frozenset({"timeout", "close"})


def _cut_off(view: RunView, observation: Observation) -> Iterator[Breach]:
    """A connection is closed, deaf or refused once another of its user has gone, and is served while that stays.

    Nothing is said of what goes otherwise beside one that stays too: a backend that has room for one connection of a
    user says so by that. Nor where it merely tells the others something, which the script does not expect.
    """
    backend = view.project.backend
    for scenario in dict.fromkeys(play.transcript.scenario for play in observation.siblings):
        plays = [play for play in observation.siblings if play.transcript.scenario == scenario]
        stayed = [play.transcript for play in plays if not play.gone]
        harmed = [play.transcript for play in plays if play.gone and _is_cut_off(backend, play.transcript)]
        usual = (*observation.plays(scenario), *stayed)
        if len(stayed) < _TIMES or len(harmed) < _TIMES or any(play.departure is not None for play in usual):
            continue
        script = harmed[0]
        if script.departure is not None:
            gone = sum(play.gone for play in plays)
            yield breach_of(backend, script, script.departure, (_told(len(harmed), gone, len(stayed)),))


def _told(harmed: int, gone: int, stayed: int) -> Note:
    return Note(
        f"another connection of the same user was there first and closed with 1000: so in {harmed} of {gone} plays; "
        f"in {stayed} of {stayed} in which it stayed it is as expected"
    )


def _is_cut_off(backend: Backend, script: Transcript) -> bool:
    departure = script.departure
    if departure is None:
        return False
    return departure.kind in _IS_CUT_OFF or nature_of(backend, script, departure).startswith(
        ("close ", "silence ", f"frame {backend.error_type}")
    )


RULES: tuple[Rule, ...] = (
    contract(
        "EP312",
        "a user's connection goes with another one",
        Conduct("conversation", "its scenario", causes="hybrids", merges=True, joins=False, also="siblings"),
        means="""
            A user had two connections, as with two tabs. When the one that had come first was closed, the other was
            closed too, was told an error, or heard nothing any more. With the first one still there it is served as its
            scenario says.
        """,
        matters="""
            Tests have one connection for each user. Users reload and close tabs all day: the page that is left looks
            connected, and nothing comes.
        """,
        action="""
            Look at what is kept by the user and not by the connection: an entry of a registry, a subscription, a
            session, a task. It may be given up with the last connection of its user, not with any.
        """,
        example="expected message: said within 2 s, got nothing",
        check=_cut_off,
    ),
)
