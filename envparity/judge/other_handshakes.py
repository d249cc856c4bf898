"""EP311, EP313: what a client is told whose handshake says the same in another way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envparity.judge.conversation_checks import breach_of
from envparity.judge.evidence import Note
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.observe.beside import PLAYS_TO_BLAME
from envparity.observe.record import Observation
from envparity.observe.transcript import Transcript

__all__ = ["RULES"]

_OFFERED_FIRST = Note("what carries the token was offered before the other subprotocols; behind them it is as expected")

Ways = tuple[str, ...]


def _token_first(view: RunView, observation: Observation) -> Iterator[Breach]:
    for script in _blamed(observation, observation.turned):
        yield from _breaches(view, script, _OFFERED_FIRST)


def _written_otherwise(view: RunView, observation: Observation) -> Iterator[Breach]:
    """Of all ways at once only where none by itself is to blame."""
    plays: dict[Ways, list[Transcript]] = {}
    for play in observation.dialects:
        plays.setdefault(play.ways, []).append(play.transcript)
    alone = {ways: _blamed(observation, scripts) for ways, scripts in plays.items() if len(ways) == 1}
    told = {script.scenario for scripts in alone.values() for script in scripts}
    together = {
        ways: [script for script in _blamed(observation, scripts) if script.scenario not in told]
        for ways, scripts in plays.items()
        if len(ways) > 1
    }
    for ways, scripts in (alone | together).items():
        for script in scripts:
            yield from _breaches(view, script, Note(f"the handshake was written so: {'; '.join(ways)}"))


def _blamed(observation: Observation, plays: Iterable[Transcript]) -> list[Transcript]:
    """The first play of each scenario of which enough left their script, and none kept to it.

    None of a scenario that does not go well as usual either: that is told for itself.
    """
    by_scenario: dict[str, list[Transcript]] = {}
    for play in plays:
        by_scenario.setdefault(play.scenario, []).append(play)
    return [
        several[0]
        for name, several in by_scenario.items()
        if len(several) >= PLAYS_TO_BLAME and all(map(_left, several)) and not any(map(_left, observation.plays(name)))
    ]


def _left(play: Transcript) -> bool:
    return play.departure is not None


def _breaches(view: RunView, script: Transcript, note: Note) -> Iterator[Breach]:
    if script.departure is not None:
        yield breach_of(view.project.backend, script, script.departure, (note,))


RULES: tuple[Rule, ...] = (
    contract(
        "EP311",
        "the token's place among the subprotocols matters",
        Conduct("conversation", "its scenario", causes="hybrids", merges=True, joins=False, also="offers"),
        means="""
            A client that carries its token in a subprotocol was served, or refused, as its scenario says where it
            offered the token behind what it speaks, and otherwise where it offered it before that.
        """,
        matters="""
            The order of an offer is a preference among subprotocols, and a token is none. Browsers' libraries put it
            where they like: a client that was never tried is let in by nobody, or is told its own token.
        """,
        action="Find the token by its form among all that is offered, and never select it; take no place for granted.",
        example="expected connection_established, got close 1008 auth_timeout",
        check=_token_first,
    ),
    contract(
        "EP313",
        "another client's handshake is read otherwise",
        Conduct("conversation", "its scenario", causes="hybrids", merges=True, also="offers"),
        means="""
            A client was served, or refused, as its scenario says, and otherwise where its request for the upgrade said
            the same in another way: lists without spaces behind their commas (RFC 9110 §5.6.1), `Connection:
            keep-alive, Upgrade` (RFC 6455 §4.1 asks for a list that has Upgrade in it), names of headers in lower case
            (RFC 9110 §5.1).
        """,
        matters="""
            Browsers and libraries differ in all three. Who was tried with one of them turns the users of another away:
            everybody with Firefox, or every service that is written in another language.
        """,
        action="Have a library read headers: split lists at commas and strip, compare names and tokens in any case.",
        example="""
            expected 101 with subprotocol netra.v1, got 101 with no subprotocol.
            the handshake was written so: lists without spaces
        """,
        check=_written_otherwise,
    ),
)
