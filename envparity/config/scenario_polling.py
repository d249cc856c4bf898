"""What a scenario asks of a session of long polling that this backend's codec, carriers and steps do not have. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.frames.polling import Polls
from envparity.model.backend import Backend
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, ReadOn, SendWire, StopReading, action_of

__all__ = ["polling_problems"]

_WEBSOCKET = 'transport = "websocket"'


def polling_problems(scenario: Scenario, backend: Backend) -> Iterator[tuple[str, str, str, str]]:
    """The key below the scenario, what was expected, what is there, what to do."""
    polled: set[str] = set()
    for index, step in enumerate(scenario.steps):
        key = f"steps[{index}]"
        if isinstance(step, Connect):
            polled = polled | {step.on} if step.polls else polled - {step.on}
        if isinstance(step, Connect) and step.polls:
            if not isinstance(backend.codec, Polls):
                expected = f"{_WEBSOCKET}, or a codec that speaks long polling"
                yield f"{key}.transport", expected, "polling", 'say codec = "engine-io", or use http steps'
            carrier = _carrier(step, scenario, backend)
            if carrier and step.token != "none":  # noqa: S105  a kind of token
                expected = "a carrier that needs no WebSocket: header, query, cookie or first_frame"
                yield f"{key}.transport", expected, f"the carrier {carrier}, a subprotocol", "name another carrier"
        elif isinstance(step, SendWire) and step.on in polled:
            yield f"{key}.send_wire", _WEBSOCKET, "polling, which has no frames of RFC 6455", "remove one of them"
        elif isinstance(step, StopReading | ReadOn) and step.on in polled:
            got = "polling, of which each answer is read whole"
            yield f"{key}.{action_of(step)}", _WEBSOCKET, got, "remove one of them"


def _carrier(step: Connect, scenario: Scenario, backend: Backend) -> str:
    """The name of the carrier of that step's token, where it is a subprotocol; "" where it is not."""
    carriers = backend.tokens.carriers if backend.tokens else ()
    wanted = step.carrier or scenario.carriers
    chosen = next((carrier for carrier in carriers if carrier.name == wanted or not wanted), None)
    return chosen.name if chosen is not None and chosen.subprotocol is not None else ""
