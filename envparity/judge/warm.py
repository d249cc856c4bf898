"""EP902: what fresh containers do not show again."""

from __future__ import annotations

from envparity.judge.rules import Conduct, Rule, contract

__all__ = ["RULES", "WARM_ONLY"]

WARM_ONLY: Rule = contract(
    "EP902",
    "seen in warm boots alone",
    Conduct("environment"),
    means="A forked process showed this, and the same boot in a fresh container did not.",
    matters="It is no finding about what is deployed; but something outlives the fork, or the outcome depends on time.",
    action="Run it again; if it stays, look for state that a third-party module keeps from its import, or for a race.",
    example="would have been EP213, conversation depends on the order",
    check=lambda _view, _observation: (),  # raised by `confirm`, which has both to compare
)

RULES: tuple[Rule, ...] = (WARM_ONLY,)
