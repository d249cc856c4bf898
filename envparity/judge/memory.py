"""EP524: memory that every visit of a client leaves taken."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from envparity.judge.evidence import Note
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.observe.record import Observation

__all__ = ["RULES"]

_WARMING = 2  # rounds of visits that fill pools and caches
_LEAST_KIB = 1.0  # a visit: what an allocator leaves in pieces is a fifth of that


def _grows(_view: RunView, observation: Observation) -> Iterator[Breach]:
    """As many pairs of rounds as there are must show it: what levels off is a cache, what falls was collected."""
    seen = observation.memory[_WARMING:]
    steps = [(later.kib - looked.kib) / (later.visits - looked.visits) for looked, later in pairwise(seen)]
    if len(steps) < 1 + _WARMING or min(steps) < _LEAST_KIB:
        return
    first, last = seen[0], seen[-1]
    slope = (last.kib - first.kib) / (last.visits - first.visits)
    figures = f"{first.kib} KiB after {first.visits}, {last.kib} KiB after {last.visits}"
    yield Breach(
        where="memory",
        expected="as much as before, once the user has gone",
        got="more with every visit of the same user",
        nature="grows",
        evidence=(Note(f"{observation.case.environment}: {slope:.1f} KiB a visit: {figures}"),),
    )


RULES: tuple[Rule, ...] = (
    contract(
        "EP524",
        "memory grows with every visit",
        Conduct("conversation", causes="hybrids", of_all_played=True, also="endures"),
        means="""
            At the end of an environment's own boot, in a thorough run, one user came and went 1,750 times, with a close
            and without one in turn, and was never there twice at the same time. From the third round of 250 visits on
            the resident memory of all replicas grew in each of four rounds, by 1 KiB a visit at least. Not asked of
            runtimes that collect their garbage when they see fit (Java, .NET, Go, Erlang, Node.js, Bun, Deno).
        """,
        matters="""
            A replica lives for weeks, and clients reconnect with every network that they leave. What each of them
            leaves in a list that nobody reads is found when the platform kills the process for want of memory, and
            every client of it has to come back at the same moment.
        """,
        action="""
            Look for what is made for each connection and kept where the process keeps things: a list of managers, a
            handler that was registered and never taken back, a task that waits for a client that has gone.
        """,
        example="local: 14.2 KiB a visit: 96412 KiB after 750, 110612 KiB after 1750",
        check=_grows,
    ),
)
