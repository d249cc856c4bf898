"""EP903: an environment that was to be observed where it runs."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.judge.evidence import LAUNCHER_LOG, LogQuote, Unplayed
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.judge.volatile import steady
from envparity.observe.record import Observation

__all__ = ["RULES"]

_LINES = 12


def _not_reached(_view: RunView, observation: Observation) -> Iterator[Breach]:
    attached = observation.attached
    if attached is None:
        return
    expected = f"{attached.url} can be reached, with a certificate that is good for it"
    if observation.launch_failure is not None:
        first, *rest = observation.launch_failure.strip().splitlines() or ["no reason given"]
        evidence = (LogQuote(LAUNCHER_LOG, tuple(rest[:_LINES])),) if rest else ()
        yield Breach("environment", expected, steady(first), nature="not reached", evidence=evidence)
    elif attached.lost:
        got = f"lost in scenario {len(observation.transcripts)}: {steady(attached.lost)}"
        yield Breach("environment", expected, got, nature="lost", evidence=(Unplayed(attached.unplayed),))


RULES: tuple[Rule, ...] = (
    contract(
        "EP903",
        "deployed environment not reached",
        Conduct("environment", "conversations cut off", 1, unseen=True),
        means="""
            An environment was to be observed where it runs, and there was no connection: the name, the network, or a
            certificate that is expired, for another host or of an authority that nobody trusts. Or it was lost in the
            middle, and what came after was not played.
        """,
        matters="Clients meet the same; and what was not seen is not clean.",
        action="Read the reason. Correct [deployed] in the environment's file, or the certificate; or run again.",
        example="got the certificate is not accepted: certificate has expired",
        check=_not_reached,
    ),
)
