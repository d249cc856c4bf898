"""Which conversation is held with what is deployed: one that a user might hold, and nothing that could hurt.

What holds for every backend that others use is `model/shared_use`'s; a probe keeps from more, since it comes again and
again as the same user, and a healthy backend must have nothing to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, get_args

from envparity.errors import Mistake
from envparity.model.backend import Backend
from envparity.model.scenario import Scenario
from envparity.model.shared_use import TALK, impositions
from envparity.model.step import (
    Connect,
    ExpectStep,
    Http,
    Send,
    SendSize,
    SendText,
    Settle,
    Step,
    action_of,
    placeholders,
)
from envparity.support.toml.document import did_you_mean, in_words, shown_path

__all__ = ["choose_scenario", "objection"]

_HARMLESS: Final[frozenset[type[Step]]] = TALK - {Http, SendText, SendSize, Settle}
"""What a user says on a WebSocket, and waits for: no second way in, no text that is no frame, no frame made to size."""


def choose_scenario(
    backend: Backend, name: str | None, known: Mapping[str, str]
) -> tuple[Scenario | None, list[Mistake]]:
    """The scenario of that name, `conversation` or `conversation[header]`; without a name the first that will do.

    One will do when there is no `objection` to it, with those settings known. Otherwise None, and why.
    """
    source = shown_path(backend.file)
    objections = {scenario.name: objection(scenario, backend, known) for scenario in backend.scenarios}
    if name is None:
        found = next((each_scenario for each_scenario in backend.scenarios if not objections[each_scenario.name]), None)
        if found is None:
            expected = "a scenario of one connection with a valid token, that only sends what users send"
            return None, [Mistake(source, 0, "scenario", expected, "none", "add one")]
        return found, []
    found = next(
        (
            each_scenario
            for each_scenario in backend.scenarios
            if name in {each_scenario.name, each_scenario.name.partition("[")[0]}
        ),
        None,
    )
    if found is None:
        fitting = [each_scenario.name for each_scenario in backend.scenarios if not objections[each_scenario.name]]
        action = did_you_mean(name, fitting) or f"there are {', '.join(fitting) or 'none'}"
        return None, [Mistake("--scenario", 0, "scenario", f"a scenario of {source}", in_words(name), action)]
    why = objections[found.name]
    if why:
        expected = "a scenario that can be played against what is deployed"
        return None, [Mistake("--scenario", 0, "scenario", expected, f"{name}, which {why}")]
    return found, []


def objection(scenario: Scenario, backend: Backend, known: Mapping[str, str]) -> str:
    """Why this scenario is not for what is deployed; empty where nothing is against it.

    `known` are the settings whose values are known, as for `impositions`.
    """
    imposed = next(impositions(scenario, backend, known), None)
    return f"needs {imposed}" if imposed is not None else next(_of_a_user(scenario), "")


def _of_a_user(scenario: Scenario) -> Iterator[str]:
    """What a user who is let in, again and again, does not do."""
    for step in scenario.steps:
        if type(step) not in _HARMLESS:
            yield f"has the step {action_of(step)}"
        elif isinstance(step, Send) and step.breaks_contract:
            yield "sends what breaks the contract"
        elif isinstance(step, Connect):
            yield from _of_connecting(step)
    if scenario.new_user:
        yield "needs a user who has done nothing yet, and the probe's is always the same"
    if any(name == "token" for name, _ in placeholders(scenario.steps)):
        yield "sends tokens in other places than its handshake"
    if scenario.clients * sum(isinstance(step, Connect) for step in scenario.steps) != 1:
        yield "has not just one connection"
    if not any(isinstance(step, get_args(ExpectStep)) for step in scenario.steps):
        yield "expects no frame"


def _of_connecting(step: Connect) -> Iterator[str]:
    if step.token != "valid":  # noqa: S105  a kind of token
        yield f"connects with a token of the kind {step.token}"
    in_the_url = bool(step.query) and isinstance(step.query, str)
    if in_the_url or step.origin == "forbidden" or step.status != 101 or not step.authenticate:
        yield "asks to be refused"
