"""An exploration and what it came to, as data: whoever only boots and judges loads nothing of what explores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from envparity.engine.events import Emit
from envparity.model.scenario import Scenario
from envparity.model.subject import Subject

if TYPE_CHECKING:
    from envparity.engine.exploring import BootCase
    from envparity.exploration.searching import Profile

__all__ = ["Explored", "explored", "with_scenarios"]


class Explored(msgspec.Struct, frozen=True):
    """What an exploration came to: what it found as scenarios, and what it did, in words."""

    scenarios: tuple[Scenario, ...] = ()
    said: str = ""


def with_scenarios(subject: Subject, scenarios: Sequence[Scenario]) -> Subject:
    """That subject, whose backend has these scenarios too."""
    backend = subject.backend
    return replace(subject, backend=msgspec.structs.replace(backend, scenarios=(*backend.scenarios, *scenarios)))


async def explored(subject: Subject, boot: BootCase, emit: Emit, profile: Profile) -> Explored:
    """Explore that subject, each environment booted so; loads Hypothesis, which takes a third of a second."""
    from envparity.engine.exploring import Exploring

    return await Exploring(subject, boot, emit, profile).run()
