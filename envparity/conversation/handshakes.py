"""The opening handshakes of a scenario, with every value in them resolved."""

from __future__ import annotations

from dataclasses import dataclass

from envparity.conversation.addressing import query_text, wrong_target
from envparity.conversation.carrying import carried_by
from envparity.conversation.filling import fill
from envparity.conversation.handshake import FORBIDDEN_ORIGIN, Handshake
from envparity.conversation.made_values import MadeValues
from envparity.errors import ConfigurationError, Mistake
from envparity.model.backend import Backend, Carrier
from envparity.model.scenario import Scenario
from envparity.model.step import PLACEHOLDER, Connect

__all__ = ["Handshakes", "scenario_mistake"]


def scenario_mistake(backend: Backend, scenario: Scenario, key: str, expected: str, got: str) -> Mistake:
    """A mistake that shows only where that scenario is played."""
    return Mistake(str(backend.file), 0, f"{key} (scenario {scenario.name})", expected, got)


@dataclass(frozen=True)
class Handshakes:
    """Those of one playing. `prefix` stands before every path, `origin` is the endpoint's."""

    made: MadeValues
    prefix: str
    origin: str

    def handshake(self, step: Connect, generation: int) -> Handshake:
        """The one of that step, once keys were rotated so often. Raises `ConfigurationError`."""
        backend, values = self.made.backend, self.made.values
        token = self.made.token_of(step, generation)
        carrier = self._carrier(step)
        offered = backend.subprotocols if step.offer is None else step.offer
        ours = [name for name in backend.subprotocols if name in offered]
        selected = step.subprotocol if step.subprotocol is not None else "".join(ours[:1])
        headers = {name: str(fill(value, values)) for name, value in step.headers.items()}
        queries = [query_text(step.query, values)] if step.query else []
        first_frame = None
        carrying: tuple[str, ...] = ()
        if carrier is not None and step.token != "none":  # noqa: S105  a kind of token
            carried = carried_by(carrier, token, headers, fill)
            headers |= carried.headers
            carrying = carried.offered
            offered = (*offered, *carrying)
            queries += [carried.query] if carried.query else []
            first_frame = carried.first_frame if step.authenticate else None
        template = step.path or backend.websocket_path
        as_captured = PLACEHOLDER.fullmatch(template) and template[1:-1] not in values
        path = template if as_captured else self.prefix + str(fill(template, values))
        if not step.path and wrong_target(path):
            expected = "a path that begins with a slash, once it is filled"
            mistake = scenario_mistake(backend, self.made.scenario, "websocket_path", expected, repr(path))
            raise ConfigurationError([mistake])
        if queries:
            path += ("&" if "?" in path else "?") + "&".join(queries)
        cookies = tuple((name, str(fill(value, values))) for name, value in step.cookies.items())
        origin = self.origin_of(step.origin)
        sent = tuple(headers.items())
        if step.polls:
            offered, selected, carrying = (), "", ()
        return Handshake(
            path,
            sent,
            origin,
            tuple(offered),
            selected,
            first_frame,
            step.user,
            cookies,
            step.compression,
            step.polls,
            carrying,
        )

    def origin_of(self, said: str | None) -> str | None:
        """The origin that a step sends, which may say nothing of it; None where it sends none."""
        chosen = self.made.backend.origin if said is None else said
        known = {None: None, "none": None, "allowed": self.origin, "forbidden": FORBIDDEN_ORIGIN}
        return known[chosen] if chosen in known else str(fill(chosen, self.made.values))

    def _carrier(self, step: Connect) -> Carrier | None:
        backend, scenario = self.made.backend, self.made.scenario
        carriers = backend.tokens.carriers if backend.tokens else ()
        wanted = step.carrier or scenario.carriers
        if not wanted:
            return carriers[0] if carriers else None
        found = next((carrier for carrier in carriers if carrier.name == wanted), None)
        if found is None:
            known = ", ".join(carrier.name for carrier in carriers) or "none"
            expected = f"a carrier of this backend ({known})"
            raise ConfigurationError([scenario_mistake(backend, scenario, "carriers", expected, repr(wanted))])
        return found
