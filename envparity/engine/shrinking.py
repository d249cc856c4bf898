"""What it is in a failing order that fails: the order is shrunk towards the canonical one, with boots as the oracle.

It costs boots, and is done only where something failed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec

from envparity.engine.case_result import Explained
from envparity.engine.events import Emit, Waiting
from envparity.engine.explore import BootsBeside
from envparity.isolate import Shrunk, shrink_order
from envparity.judge import conduct, judge
from envparity.judge.cause import NotFound, OrderCause, StepPair
from envparity.judge.finding import Finding, Judgement
from envparity.model.case import Boot
from envparity.model.project import Project
from envparity.observe.record import Observation
from envparity.orders.graph import Graph

__all__ = ["SHRINK_BOOTS", "SHRINK_S", "Explained", "OrderShrinker", "with_causes"]

SHRINK_BOOTS = 60
"""How many boots one finding may cost."""

SHRINK_S = 120.0
"""How long the failing orders of one environment may be shrunk, in seconds, all together."""


class OrderShrinker:
    """Shrinks one failing order of each finding. What another environment is busy with already is left to it."""

    def __init__(self, project: Project, emit: Emit, *, boots: int = SHRINK_BOOTS, seconds: float = SHRINK_S) -> None:
        self._project = project
        self._emit = emit
        self._boots = boots
        self._seconds = seconds
        self._claimed: set[tuple[str, str, str]] = set()

    async def causes(self, beside: BootsBeside, graph: Graph, seen: Sequence[Observation]) -> tuple[Explained, ...]:
        """What fails in the orders among `seen`, whose first is the canonical boot, with which they are compared."""
        until_s = time.monotonic() + self._seconds
        causes = []
        for finding in judge(self._project, seen).findings:
            boot = next(
                (observation.case.boot for observation in seen[1:] if observation.case.id in finding.cases), None
            )
            claim = (finding.code, finding.where, finding.got)
            if conduct(finding).causes == "orders" and boot is not None and claim not in self._claimed:
                self._claimed.add(claim)
                causes.append(await self._cause(beside, graph, seen[0], finding, boot=boot, until_s=until_s))
        return tuple(causes)

    async def _cause(
        self, beside: BootsBeside, graph: Graph, canonical: Observation, finding: Finding, *, boot: Boot, until_s: float
    ) -> Explained:
        asked, code, where = 0, finding.code, finding.where

        async def fails(order: tuple[str, ...]) -> bool:
            nonlocal asked
            asked += 1
            self._emit(Waiting(beside.case.id, f"boot {asked} to find out what {code} depends on"))
            seen = await beside.observe(msgspec.structs.replace(boot, order=order))
            return any(_shows(finding, code, where) for finding in judge(self._project, (canonical, seen)).findings)

        try:
            async with asyncio.timeout(until_s - time.monotonic()):
                shrunk = await shrink_order(graph, boot.order, fails, most=self._boots)
        except TimeoutError:
            return Explained(code, where, boot, NotFound("orders out of time", seconds=self._seconds, boots=asked))
        return Explained(code, where, boot, _cause(shrunk))


def with_causes(judgement: Judgement, causes: Sequence[Explained], seen: Sequence[Observation]) -> Judgement:
    """The judgement, in which the findings have the causes that were found in one of their boots."""
    boots = {observation.case.id: observation.case.boot for observation in seen}

    def explained(finding: Finding) -> Finding:
        shown = {boots.get(case_id) for case_id in finding.cases}
        known = next(
            (cause for cause in causes if cause.boot in shown and _shows(finding, cause.code, cause.where)), None
        )
        return finding if known is None else msgspec.structs.replace(finding, cause=known.cause)

    return msgspec.structs.replace(judgement, findings=tuple(map(explained, judgement.findings)))


def _shows(finding: Finding, code: str, where: str) -> bool:
    """Whether it is of that rule and shows at that place: another component is another failure."""
    return finding.code == code and where in {finding.where, *(place.where for place in finding.places)}


def _cause(shrunk: Shrunk) -> OrderCause:
    return OrderCause(
        decisive=tuple(StepPair(pair.first, pair.then) for pair in shrunk.decisive),
        minimal=shrunk.minimal,
        pairs=tuple(StepPair(pair.first, pair.then) for pair in shrunk.pairs),
        boots=shrunk.boots,
    )
