"""What it is in a failing order that fails: the order is shrunk towards the canonical one, with boots as the oracle.

It costs boots, and is done only where something failed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec

from envparity.case import Boot
from envparity.engine.explore import BootsBeside
from envparity.events import Emit, Waiting
from envparity.isolate import Shrunk, shrink_order
from envparity.judge import judge
from envparity.judge.finding import Finding, Judgement
from envparity.observe.record import Observation
from envparity.orders import Graph
from envparity.subject import Subject

__all__ = ["ORDER_FINDINGS", "SHRINK_BOOTS", "SHRINK_S", "OrderCause", "OrderShrinker", "with_causes"]

ORDER_FINDINGS = frozenset({"EP211", "EP212", "EP213"})
"""What depends on the order of initialisation: report, verdict, conversation."""

SHRINK_BOOTS = 60
"""How many boots one finding may cost."""

SHRINK_S = 120.0
"""How long the failing orders of one environment may be shrunk, in seconds, all together."""

_SHOWN = 12  # pairs that are quoted


class OrderCause(msgspec.Struct, frozen=True):
    """What came of shrinking the order of `boot`, which shows a finding of that code. No `cause`: it took too long."""

    code: str
    boot: Boot
    cause: str | None
    evidence: tuple[str, ...]


class OrderShrinker:
    """Shrinks one failing order of each finding. What another environment is busy with already is left to it."""

    def __init__(self, subject: Subject, emit: Emit, *, boots: int = SHRINK_BOOTS, seconds: float = SHRINK_S) -> None:
        self._subject = subject
        self._emit = emit
        self._boots = boots
        self._seconds = seconds
        self._claimed: set[tuple[str, str, str]] = set()

    async def causes(self, beside: BootsBeside, graph: Graph, seen: Sequence[Observation]) -> tuple[OrderCause, ...]:
        """What fails in the orders among `seen`, whose first is the canonical boot, with which they are compared."""
        until_s = time.monotonic() + self._seconds
        causes = []
        for finding in judge(self._subject, seen).findings:
            boot = next((one.case.boot for one in seen[1:] if one.case.id in finding.cases), None)
            claim = (finding.code, finding.where, finding.got)
            if finding.code in ORDER_FINDINGS and boot is not None and claim not in self._claimed:
                self._claimed.add(claim)
                causes.append(await self._cause(beside, graph, seen[0], code=finding.code, boot=boot, until_s=until_s))
        return tuple(causes)

    async def _cause(
        self, beside: BootsBeside, graph: Graph, canonical: Observation, *, code: str, boot: Boot, until_s: float
    ) -> OrderCause:
        asked = 0

        async def fails(order: tuple[str, ...]) -> bool:
            nonlocal asked
            asked += 1
            self._emit(Waiting(beside.case.id, f"boot {asked} to find out what {code} depends on"))
            seen = await beside.observe(msgspec.structs.replace(boot, order=order))
            return any(one.code == code for one in judge(self._subject, (canonical, seen)).findings)

        try:
            async with asyncio.timeout(until_s - time.monotonic()):
                shrunk = await shrink_order(graph, boot.order, fails, most=self._boots)
        except TimeoutError:
            spent = f"{asked} boots in the {self._seconds:g} s that all orders may take together"
            return OrderCause(code, boot, None, (f"the order was not shrunk: {spent} did not suffice",))
        return OrderCause(code, boot, str(shrunk), tuple(_in_words(shrunk)))


def with_causes(judgement: Judgement, causes: Sequence[OrderCause], seen: Sequence[Observation]) -> Judgement:
    """The judgement, in which the findings have the causes that were found in one of their boots."""
    boots = {one.case.id: one.case.boot for one in seen}

    def explained(finding: Finding) -> Finding:
        shown = {boots.get(case_id) for case_id in finding.cases}
        known = next((one for one in causes if one.code == finding.code and one.boot in shown), None)
        if known is None:
            return finding
        return msgspec.structs.replace(finding, cause=known.cause, evidence=(*finding.evidence, *known.evidence))

    return msgspec.structs.replace(judgement, findings=tuple(map(explained, judgement.findings)))


def _in_words(shrunk: Shrunk) -> list[str]:
    pairs = ", ".join(map(str, shrunk.pairs[:_SHOWN]))
    more = f", and {len(shrunk.pairs) - _SHOWN} more" if len(shrunk.pairs) > _SHOWN else ""
    return [f"shrunk in {shrunk.boots} boots to the canonical order, but with {pairs}{more}"]
