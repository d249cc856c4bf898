"""What may be played against a backend that others use: all that only talks to it, and little of that. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from envparity.backend import Backend
from envparity.environment import Deployed, Environment
from envparity.scenario import Scenario, required_settings
from envparity.step import (
    PLACEHOLDER,
    Amount,
    Close,
    Connect,
    Cut,
    ExpectClose,
    Flood,
    Restart,
    Restore,
    Send,
    SendSize,
    SendText,
    StartReplica,
    Step,
    Stopped,
    StopReplica,
    TokenKind,
    amount_of,
    placeholders,
)
from envparity.subject import Subject

__all__ = ["MOST_AT_ONCE", "MOST_BYTES", "LeftOut", "known_settings", "need", "plays"]

MOST_AT_ONCE = 3
"""How many connections a scenario may have open at once."""

MOST_BYTES = 64 * 1024
"""How big a frame may be that a scenario sends, in bytes."""

_KEYLESS: frozenset[TokenKind] = frozenset({"none", "empty", "malformed"})
_CONTROLS = StopReplica | Stopped | StartReplica


class LeftOut(msgspec.Struct, frozen=True):
    """A scenario that is not played in an environment because that is only observed, and what it would need."""

    environment: str
    scenario: str
    needs: str


def plays(subject: Subject, name: str, scenario: Scenario) -> bool:
    """Whether that environment can play it: it has the replicas, and where it is attached, nothing more is needed."""
    environment = subject.environments[name]
    deployed = subject.attached.get(name)
    if deployed is None:
        return scenario.playable_in(environment)
    return need(scenario, subject.backend, environment, deployed) is None


def need(scenario: Scenario, backend: Backend, environment: Environment, deployed: Deployed) -> str | None:
    """What that scenario needs and cannot have where one may only look, in words; None where it can be played."""
    return next(_needs(scenario, backend, environment, deployed), None)


def known_settings(backend: Backend, environment: Environment) -> dict[str, str]:
    """The settings whose values the files say. What is deployed may have others: these are what it is held to."""
    literal = {name: value for name, value in environment.settings.items() if isinstance(value, str)}
    return {**backend.settings, **literal}


def _needs(scenario: Scenario, backend: Backend, environment: Environment, deployed: Deployed) -> Iterator[str]:
    known = known_settings(backend, environment)
    if not scenario.boot.steady or scenario.part != "usual":
        yield f"a boot of its own ({scenario.boot.label})"
    yield from _harm(scenario)
    if scenario.replicas > 1:
        yield f"{scenario.replicas} replicas that can be told apart"
    yield from (f"the value of the setting {name}" for name in sorted(required_settings(scenario) - known.keys()))
    if (most := _at_once(scenario)) > MOST_AT_ONCE:
        yield f"{most} connections at once"
    if (biggest := _biggest_frame(scenario, known)) > MOST_BYTES:
        yield f"a frame of {biggest:g} bytes"
    allowed = known.get(backend.messages_per_minute_setting or "", "")
    if allowed.isdigit() and (most := _messages(scenario)) >= int(allowed):
        yield f"{most} messages on one connection"
    yield from _tokens(scenario, backend, known, deployed)
    if deployed.token is not None or deployed.user is not None:
        yield from _users(scenario, only_one=deployed.token is not None)


def _harm(scenario: Scenario) -> Iterator[str]:
    for step in scenario.steps:
        if isinstance(step, _CONTROLS):
            yield "a replica to be stopped"
        elif isinstance(step, Restart):
            yield f"{step.dependency} to be restarted"
        elif isinstance(step, Cut | Restore):
            yield f"{step.dependency} to be cut off"
        elif isinstance(step, Flood):
            yield "a flood of messages"
    if scenario.disruptive:
        yield "to disturb others"


def _at_once(scenario: Scenario) -> int:
    """The most connections that are open together."""
    open_now: set[str] = set()
    most = 0
    for step in scenario.steps:
        if isinstance(step, Connect):
            open_now.add(step.on)
        elif isinstance(step, Close | ExpectClose):
            open_now.discard(step.on)
        most = max(most, len(open_now))
    return most


def _biggest_frame(scenario: Scenario, known: Mapping[str, str]) -> float:
    sizes = [0.0]
    for step in scenario.steps:
        if isinstance(step, SendSize):
            sizes.append(_amount(step.size, known))
        elif isinstance(step, SendText):
            sizes.append(len(step.text.encode()))
        elif isinstance(step, Send):
            sizes.append(len(msgspec.json.encode(step.frame)))
    return max(sizes)


def _amount(given: Amount, known: Mapping[str, str]) -> float:
    """The number, or what its text comes to; 0 where it names a setting that nobody knows, which is said elsewhere."""
    if not isinstance(given, str):
        return float(given)
    try:
        return amount_of(PLACEHOLDER.sub(lambda match: known.get(match[2] or "", ""), given))
    except ValueError:
        return 0.0


def _messages(scenario: Scenario) -> int:
    """The most messages that one connection sends, the frame with the token among them."""
    sent: Counter[str] = Counter()
    for step in scenario.steps:
        if isinstance(step, Connect | Send | SendText | SendSize):
            sent[step.on] += 1
    return max(sent.values(), default=0)


def _tokens(scenario: Scenario, backend: Backend, known: Mapping[str, str], deployed: Deployed) -> Iterator[str]:
    kinds = dict.fromkeys(_kinds(scenario.steps))
    if "revoked" in kinds and backend.tokens is not None and backend.tokens.revocation is not None:
        yield f"a token to be revoked in {backend.tokens.revocation.dependency}"
    made = [kind for kind in kinds if kind not in _KEYLESS and not (kind == "valid" and deployed.token is not None)]
    if not made:
        return
    if deployed.secret is None:
        given = "only a token" if deployed.token is not None else "no credential"
        yield f"a token of the kind {made[0]} ({given} is given)"
    elif backend.tokens is not None:
        for name in (backend.tokens.issuer_setting, backend.tokens.audience_setting):
            if name not in known:
                yield f"the value of the setting {name}"


def _kinds(steps: tuple[Step, ...]) -> Iterator[str]:
    for step in steps:
        if isinstance(step, Connect):
            yield step.token
    yield from (argument for name, argument in placeholders(steps) if name == "token")


def _users(scenario: Scenario, *, only_one: bool) -> Iterator[str]:
    """What needs another user than the one who is known there."""
    connects = [step for step in scenario.steps if isinstance(step, Connect)]
    if only_one and any(step.user for step in connects if step.token not in _KEYLESS):
        yield "another user"
    if any(step.user_id for step in connects):
        yield "a user with an id of a form of its own"
    if scenario.new_user:
        yield "a user who has done nothing yet"
