"""EP311: what a client is told whose token stands elsewhere among the subprotocols that it offers."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.judge.conversation_checks import breach_of
from envparity.judge.evidence import Note
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.observe.record import Observation

__all__ = ["RULES"]

_OFFERED_FIRST = Note("what carries the token was offered before the other subprotocols; behind them it is as expected")


def _otherwise(view: RunView, observation: Observation) -> Iterator[Breach]:
    """Nothing is said of a scenario that does not go well in the usual order either: that is told for itself."""
    for script in observation.turned:
        departure = script.departure
        if departure is None or any(play.departure is not None for play in observation.plays(script.scenario)):
            continue
        yield breach_of(view.project.backend, script, departure, (_OFFERED_FIRST,))


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
        check=_otherwise,
    ),
)
