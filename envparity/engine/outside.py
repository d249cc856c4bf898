"""What a verdict says of the environments that were not booted but attached to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envparity.model.deployed.target import parse_target
from envparity.model.deployment import Deployed
from envparity.observe.record import NOT_OBSERVED, Observation

__all__ = ["not_seen", "urls", "without_orders"]


def urls(attached: Mapping[str, Deployed]) -> dict[str, str]:
    """Where each of them was observed."""
    return {name: str(parse_target(value.url)) for name, value in attached.items()}


def without_orders(attached: Iterable[str]) -> tuple[str, ...]:
    """That no order can be asked of them, in a run that asks for orders."""
    return tuple(f"{name}: none, for it is attached" for name in attached)


def not_seen(observations: Iterable[Observation]) -> tuple[str, ...]:
    """What of them did not let itself be seen."""
    return tuple(
        f"{observation.case.environment}, attached: {note}"
        for observation in observations
        if observation.attached is not None
        for note in observation.attached.notes
        if note.endswith(NOT_OBSERVED)
    )
