"""Boots of a case beside the first, where as many are asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from envparity.engine.events import Emit, Waiting
from envparity.engine.repeats import of_most_interest
from envparity.model.case import Case
from envparity.observe.record import Observation
from envparity.support.together import together

__all__ = ["FurtherBoots"]


@dataclass(frozen=True)
class FurtherBoots:
    """Each case is booted `repeat` times unless its environment is `attached`; `repeats` are those of less interest."""

    repeat: int
    attached: Collection[str]
    emit: Emit
    repeats: dict[Case, tuple[Observation, ...]] = field(default_factory=dict)

    async def beside(
        self, case: Case, first: Observation, once_more: Callable[[int], Awaitable[Observation]]
    ) -> Observation:
        """The boot that is of most interest, of as many as are asked for; the others are remembered."""
        if self.repeat == 1 or case.environment in self.attached:
            return first
        self.emit(Waiting(case.id, f"{self.repeat - 1} more boots of {case}"))
        more = await together(*(once_more(nth) for nth in range(1, self.repeat)))
        observation, self.repeats[case] = of_most_interest((first, *more))
        return observation
