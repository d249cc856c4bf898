"""EP111: a credential that a replica has written into its log."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.judge.evidence import BACKEND_LOG, LogQuote
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.observe.record import Observation

__all__ = ["RULES"]


def _logged(_view: RunView, observation: Observation) -> Iterator[Breach]:
    """One for each credential, whichever replicas have written it."""
    lines = {name: line for replica in observation.replicas for name, line in replica.credentials.items()}
    for name, line in lines.items():
        yield Breach(
            where=f"{name} in the log",
            expected="logs without passwords, keys and tokens",
            got="a line that holds it in full",
            nature="logged",
            evidence=(LogQuote(BACKEND_LOG, (line,)),),
        )


RULES: tuple[Rule, ...] = (
    contract(
        "EP111",
        "a credential is logged",
        Conduct("startup", causes="hybrids"),
        means="""
            A replica wrote into its log what opens something for whoever reads it: the password of a URL, a key, or
            somebody's JSON Web Token. The finding shows it by its name. A token in the query of a request does not
            count, nor does a password that could be a word.
        """,
        matters="""
            Logs are read by more people than databases are, are kept for longer, and leave the house. What was written
            there once has to be changed everywhere. Mostly it is a line for what seldom happens: a server that is late.
        """,
        action="Log what was connected to by its host and name, and who came by an id; change what was written.",
        example="{setting:DATABASE_URL} in the log: could not connect to {setting:DATABASE_URL}, trying again",
        check=_logged,
    ),
)
