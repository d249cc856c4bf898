"""What a rule says of itself: its texts, for `envparity explain CODE`, and how its findings are treated.

Nothing else knows a rule by its code: whoever folds, confirms, explains, replays or writes a finding asks its rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from textwrap import dedent, wrap
from typing import Literal

from envparity.judge.finding import Breach
from envparity.judge.view import RunView
from envparity.observe.record import Observation

__all__ = ["Conduct", "ContractRule", "Explains", "Family", "ParityRule", "Rule", "contract", "parity"]

_WIDTH = 88

Family = Literal[
    "environment", "startup", "report", "settings", "declarations", "orders", "conversation", "transcript", "shutdown",
    "disturbance", "audit",
]  # fmt: skip

Explains = Literal[
    "nothing",
    "its scenario",  # that the conversation it is about left its script
    "conversations cut off",  # of its boot, those that ended because the backend would not, or could not, go on
    "its conversations",  # of its boot, those of its scenarios
    "conversations",  # of its boot, all
    "startup",  # of its boots, what is wrong with how they started
    "startup and conversations",
    "startup and conversations cut off",
]


@dataclass(frozen=True)
class Conduct:
    """How the findings of a rule are treated.

    - `explains`: which findings of the same boots follow from one of it; `root_rank` orders the roots of one boot, the
      least first (0: it is no root of a boot)
    - `follows`: whether it may follow from how its boot started
    - `departure`: it says that a conversation left its script; `ends`: that it ended there, in silence or cut off by
      somebody; `fails_startup`: that startup did not pass
    - `causes`: how the cause is sought: hybrids of two environments, orders, or not at all
    - `replay`: what is booted again: the cases that showed it, or the whole run
    - `confirm`: what confirms a finding of forks: a fresh container, or nothing can
    - `merges`: equal departures of several scenarios are one; `joins`: what is merged keeps the evidence of all
    - `unseen`: it is asked also of what was never stood up
    - `of_verdicts`: it says that startup passes in one environment and fails in another, and its place names the boot
    - `denies_expected`: boots that show it did not fail as they must
    - `parts`: it is told where the two observations part
    - `not_stood_up`: it says that an environment could not be stood up, so that nothing is known of the backend
    - `of_all_played`: it shows in what all scenarios of a boot leave behind, so that all are played again
    - `of_boots`: one boot does not show it, two of a kind do: each hybrid is booted twice
    - `also`: it shows where users come back or two ask for the same at once (`returns`), in what pages of other
      `origins` are told, or in what is held open between rounds of plays (`grows`), to who offers its token first or
      writes its handshake otherwise (`offers`), beside another connection of the same user (`siblings`), to many who
      ask `at once`, when a replica is stopped that clients have left (`stops`), when one comes back that was killed
      (`kills`), or in what a user leaves who comes and goes for long (`endures`): each hybrid has that done too
    - `of_fields`: it is about fields that `volatile` of a backend's file may name
    - `apart`: it is a difference, not a defect: it is told apart from what is broken
    """

    family: Family
    explains: Explains = "nothing"
    root_rank: int = 0
    follows: bool = False
    departure: bool = False
    ends: Literal["", "silent", "cut off"] = ""
    fails_startup: bool = False
    causes: Literal["hybrids", "orders", "none"] = "none"
    replay: Literal["cases", "run"] = "cases"
    confirm: Literal["cold", "nothing"] = "cold"
    merges: bool = False
    joins: bool = True
    unseen: bool = False
    of_verdicts: bool = False
    denies_expected: bool = False
    parts: Literal["", "startup", "conversation"] = ""
    not_stood_up: bool = False
    of_all_played: bool = False
    of_boots: bool = False
    also: Literal["", "returns", "origins", "grows", "offers", "siblings", "at once", "stops", "kills", "endures"] = ""
    of_fields: bool = False
    apart: bool = False


@dataclass(frozen=True)
class Rule:
    """What every rule says of itself. `code` never changes its meaning once released."""

    code: str
    title: str
    description: str
    action: str
    conduct: Conduct = Conduct("audit")


@dataclass(frozen=True)
class ContractRule(Rule):
    """Reads one observation."""

    check: Callable[[RunView, Observation], Iterable[Breach]] = field(repr=False, default=lambda _v, _o: ())


@dataclass(frozen=True)
class ParityRule(Rule):
    """Compares several observations that differ in nothing but their environment, or their order."""

    check: Callable[[RunView], Iterable[Breach]] = field(repr=False, default=lambda _v: ())


def contract(
    code: str,
    title: str,
    conduct: Conduct,
    *,
    means: str,
    matters: str,
    action: str,
    example: str,
    check: Callable[[RunView, Observation], Iterable[Breach]],
) -> ContractRule:
    """A rule over one observation. The texts answer: what it means, why it matters, what to do, what it looks like."""
    return ContractRule(
        code, title, _described(means, matters, action, example), " ".join(action.split()), conduct, check
    )


def parity(
    code: str,
    title: str,
    conduct: Conduct,
    *,
    means: str,
    matters: str,
    action: str,
    example: str,
    check: Callable[[RunView], Iterable[Breach]],
) -> ParityRule:
    """A rule over several observations, with the same texts."""
    return ParityRule(
        code, title, _described(means, matters, action, example), " ".join(action.split()), conduct, check
    )


def _described(means: str, matters: str, action: str, example: str) -> str:
    parts = (
        ("What it means", [means]),
        ("Why it matters", [matters]),
        ("What to do", [action]),
        ("Example", dedent(example).strip().splitlines()),
    )
    return "\n\n".join(
        "\n".join([heading, *(row for text in texts for row in wrap(" ".join(text.split()), _WIDTH))])
        for heading, texts in parts
    )
