"""EP313: what a client is told whose handshake says the same in other words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from envparity.judge.conversation_checks import breach_of
from envparity.judge.evidence import Note
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.observe.record import Observation

__all__ = ["RULES"]


def _otherwise(view: RunView, observation: Observation) -> Iterator[Breach]:
    """Of all ways at once only where none by itself is to blame; of none where it does not go well as usual either."""
    broken = [
        (play.ways, play.transcript, departure)
        for play in observation.dialects
        if (departure := play.transcript.departure) is not None
        and all(usual.departure is None for usual in observation.plays(play.transcript.scenario))
    ]
    alone = {transcript.scenario for ways, transcript, _ in broken if len(ways) == 1}
    twice = Counter(transcript.scenario for ways, transcript, _ in broken if len(ways) > 1)
    told = set[str]()
    for ways, transcript, departure in broken:
        name = transcript.scenario
        if len(ways) == 1 or (name not in alone and name not in told and twice[name] > 1):
            told.add(name)
            written = Note(f"the handshake was written so: {'; '.join(ways)}")
            yield breach_of(view.project.backend, transcript, departure, (written,))


RULES: tuple[Rule, ...] = (
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
        check=_otherwise,
    ),
)
