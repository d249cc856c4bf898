"""EP524: memory that every visit or conversation of a client leaves taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envparity.judge.evidence import Note
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.observe.memory import MemorySeen
from envparity.observe.record import Observation

__all__ = ["RULES", "goes_on"]

_WARMING = 2  # rounds of visits that fill pools and caches
_LEAST_KIB = 1.0  # each time: what an allocator leaves in pieces is a fifth of that


def goes_on(observed: Sequence[MemorySeen]) -> bool:
    """Whether memory grows with what was done in these rounds, one sort of them, once pools and caches are filled.

    It must go on: in the second half as much as in all of it, in the first and in the last round at least half as much.
    What levels off is a cache, what falls was collected.
    """
    seen = observed[_WARMING:]
    if len(seen) < 1 + _WARMING:
        return False
    middle = seen[len(seen) // 2]
    slopes = [
        _slope(seen[0], seen[-1]),
        _slope(middle, seen[-1]),
        *(2 * _slope(*ends) for ends in ((seen[0], middle), (seen[-2], seen[-1]))),
    ]
    return min(slopes) >= _LEAST_KIB


def _grows(_view: RunView, observation: Observation) -> Iterator[Breach]:
    """By conversations only where it does not by visits, which are the beginning of them."""
    for name in dict.fromkeys(seen.scenario for seen in observation.memory):
        observed = [each_seen for each_seen in observation.memory if each_seen.scenario == name]
        if not goes_on(observed):
            continue
        first, last = observed[_WARMING], observed[-1]
        figures = f"{first.kib} KiB after {first.times}, {last.kib} KiB after {last.times}"
        each = f"a conversation of {name}" if name else "a visit"
        yield Breach(
            where="memory",
            expected="as much as before, once everybody has gone",
            got=f"more with every {'conversation of the same users' if name else 'visit of the same user'}",
            nature="grows",
            evidence=(Note(f"{observation.case.environment}: {_slope(first, last):.1f} KiB {each}: {figures}"),),
        )
        return


def _slope(before: MemorySeen, after: MemorySeen) -> float:
    """KiB each time."""
    return (after.kib - before.kib) / (after.times - before.times)


RULES: tuple[Rule, ...] = (
    contract(
        "EP524",
        "memory grows with every client",
        Conduct("conversation", causes="hybrids", of_all_played=True, also="endures"),
        means="""
            At the end of an environment's own boot, in a thorough run, one user came and went 1,750 times, with a close
            and without one in turn, never there twice at the same time. Then fifty users had 1,050 conversations, one
            after the other. From the third of seven rounds on the memory of all replicas grew by 1 KiB each time at
            least, files aside, and in the second half of them as well; and so it did in seven rounds more, which are
            made then, for an allocator takes a megabyte at a time. Not asked of runtimes that collect their garbage
            when they see fit (Java, .NET, Go, Erlang, Node.js, Bun, Deno).
        """,
        matters="""
            A replica lives for weeks, and clients reconnect with every network that they leave. What each of them
            leaves in a list that nobody reads is found when the platform kills the process for want of memory, and
            every client of it has to come back at the same moment.
        """,
        action="""
            Look for what is made for each connection or message and kept where the process keeps things: a list of
            managers, what was said once by its id, a handler that was registered and never taken back, a task that
            waits for a client that has gone.
        """,
        example="local: 14.2 KiB a visit: 96412 KiB after 750, 110612 KiB after 1750",
        check=_grows,
    ),
)
