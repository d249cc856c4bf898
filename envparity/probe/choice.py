"""Which conversation is held with what is deployed: one that a user might hold, and nothing that could hurt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from envparity.errors import Mistake
from envparity.model.backend import Backend
from envparity.model.case import Boot
from envparity.model.scenario import Scenario
from envparity.model.step import (
    Close,
    Connect,
    ExpectClose,
    ExpectStep,
    Send,
    SendBytes,
    SendJson,
    Silence,
    action_of,
    placeholders,
)
from envparity.toml.document import did_you_mean, in_words, shown_path

__all__ = ["choose_scenario", "objection"]

_HARMLESS = (Connect, Send, SendJson, SendBytes, *get_args(ExpectStep), ExpectClose, Close, Silence)


def choose_scenario(backend: Backend, name: str | None) -> tuple[Scenario | None, list[Mistake]]:
    """The scenario of that name, `conversation` or `conversation[header]`; without a name the first that will do.

    One will do when there is no `objection` to it. Otherwise None, and why.
    """
    source = shown_path(backend.file)
    if name is None:
        found = next((one for one in backend.scenarios if not objection(one)), None)
        if found is None:
            expected = "a scenario of one connection with a valid token, that only sends what users send"
            return None, [Mistake(source, 0, "scenario", expected, "none", "add one")]
        return found, []
    found = next((one for one in backend.scenarios if name in {one.name, one.name.partition("[")[0]}), None)
    if found is None:
        known = [one.name for one in backend.scenarios if not objection(one)]
        action = did_you_mean(name, known) or f"there are {', '.join(known) or 'none'}"
        return None, [Mistake("--scenario", 0, "scenario", f"a scenario of {source}", in_words(name), action)]
    why = objection(found)
    if why:
        expected = "a scenario that can be played against what is deployed"
        return None, [Mistake("--scenario", 0, "scenario", expected, f"{name}, which {why}")]
    return found, []


def objection(scenario: Scenario) -> str:
    """Why this scenario is not for what is deployed; empty where nothing is against it."""
    return next(_objections(scenario), "")


def _objections(scenario: Scenario) -> Iterator[str]:
    yield from _of_its_place(scenario)
    for step in scenario.steps:
        if not isinstance(step, _HARMLESS):
            yield f"has the step {action_of(step)}"
        elif isinstance(step, Send) and step.breaks_contract:
            yield "sends what breaks the contract"
        elif isinstance(step, Connect):
            if step.polls:
                yield "is held by long polling"
            if step.token != "valid":  # noqa: S105  a kind of token
                yield f"connects with a token of the kind {step.token}"
            if (
                (step.query and isinstance(step.query, str))
                or step.origin == "forbidden"
                or step.status != 101
                or not step.authenticate
            ):
                yield "asks to be refused"
    if any(name == "token" for name, _ in placeholders(scenario.steps)):
        yield "sends tokens in other places than its handshake"
    if scenario.clients * sum(isinstance(step, Connect) for step in scenario.steps) != 1:
        yield "has not just one connection"
    if not any(isinstance(step, ExpectStep) for step in scenario.steps):
        yield "expects no frame"


def _of_its_place(scenario: Scenario) -> Iterator[str]:
    """What it takes of those who play it, and of where it is played."""
    if scenario.disruptive or scenario.boot != Boot() or scenario.part != "usual" or scenario.replicas > 1:
        yield "needs an environment that is booted for it"
    if scenario.new_user:
        yield "needs a user who has done nothing yet, and the probe's is always the same"
    if scenario.client_addresses:
        yield "has clients that come from addresses of their own"
