"""What the rules find in boots of orders."""

from __future__ import annotations

from typing import Any

from envparity.judge import Finding
from envparity.observe.record import Observation
from tests.envparity.judge import builders
from tests.envparity.judge.builders import departed, handshake, received, refused, replica
from tests.envparity.judge.order_builders import (
    failed_in,
    in_order,
    orders_project,
    started_in,
)

FAILURE = {"code": "FACTORY", "component": "auth", "description": "no tools yet", "action": "require tools"}
LOST = departed("frame", handshake(), received({"type": "oops"}), scenario="any_order", got="oops")


def codes(*observations: Observation) -> list[str]:
    return builders.codes(*observations, of=orders_project())


def only(*observations: Observation) -> Finding:
    return builders.only(*observations, of=orders_project())


def failing(
    order: tuple[str, ...], environment: str = "local", *failures: dict[str, Any], **changes: Any
) -> Observation:
    seen = replica(failed_in(order, *(failures or (FAILURE,))))
    return in_order(order, environment, seen, **{"transcripts": (refused(scenario="any_order"),), **changes})


def checked(order: tuple[str, ...], environment: str = "local", **observed: Any) -> Observation:
    check = {"component": "redis", "critical": True, "status": "pass", "observed": "off"} | observed
    return in_order(order, environment, replica(started_in(order, checks={"redis:tls": [check]})))
