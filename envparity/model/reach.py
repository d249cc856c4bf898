"""What may be played against a backend that others use: all that only talks to it, and little of that. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from envparity.auth.scheme import UNSIGNED, keyless_kinds
from envparity.auth.sign_in import signs_in
from envparity.model.backend import Backend
from envparity.model.environment import Composed, Deployed, Environment
from envparity.model.scenario import Scenario, required_settings
from envparity.model.step import (
    PLACEHOLDER,
    Amount,
    Close,
    Command,
    Connect,
    Cut,
    DisturbsDependency,
    ExpectClose,
    Flood,
    Http,
    JumpClock,
    Restart,
    RestartAll,
    RestartReplicas,
    Restore,
    Rotate,
    Send,
    SendBytes,
    SendJson,
    SendSize,
    SendText,
    SendWire,
    StartReplica,
    Step,
    Stopped,
    StopReplica,
    Throttle,
    amount_of,
    placeholders,
)
from envparity.model.step.payloads import payload
from envparity.model.subject import Subject

__all__ = ["MOST_AT_ONCE", "MOST_BYTES", "LeftOut", "known_settings", "need", "plays"]

MOST_AT_ONCE = 3
"""How many connections a scenario may have open at once."""

MOST_BYTES = 64 * 1024
"""How big a frame may be that a scenario sends, in bytes."""

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
    own = environment.settings
    known = {**backend.settings, **{name: value for name, value in own.items() if isinstance(value, str)}}
    waiting = {name: setting for name, setting in own.items() if isinstance(setting, Composed) and not setting.sources}
    while found := [name for name, setting in waiting.items() if known.keys() >= set(setting.settings)]:
        known |= {name: waiting.pop(name).filled({}, known.__getitem__) for name in found}
    return known


def _needs(scenario: Scenario, backend: Backend, environment: Environment, deployed: Deployed) -> Iterator[str]:
    known = known_settings(backend, environment)
    if not scenario.boot.steady or scenario.part != "usual":
        yield f"a boot of its own ({scenario.boot.label})"
    yield from _harm(scenario)
    if scenario.replicas > 1:
        yield f"{scenario.replicas} replicas that can be told apart"
    if scenario.client_addresses:
        yield "clients that come from different addresses"
    if any(isinstance(step, Connect) and step.polls for step in scenario.steps):
        yield "long polling, of which each request takes a connection of its own"
    if scenario.tells_workers_apart:
        yield "to see which worker process answers"
    needed = required_settings(scenario) | backend.settings_of_connecting
    yield from (f"the value of the setting {name}" for name in sorted(needed - known.keys()))
    if (most := scenario.clients * _at_once(scenario)) > MOST_AT_ONCE:
        yield f"{most} connections at once"
    if (biggest := _biggest_frame(scenario, known)) > MOST_BYTES:
        yield f"a frame of {biggest:g} bytes"
    allowed = known.get(backend.messages_per_minute_setting or "", "")
    if allowed.isdigit() and (most := _messages(scenario)) >= int(allowed):
        yield f"{most} messages on one connection"
    yield from _tokens(scenario, backend, known, deployed)
    if deployed.gives_token or deployed.user is not None:
        yield from _users(scenario, _keyless(backend), only_one=deployed.gives_token)


def _harm(scenario: Scenario) -> Iterator[str]:
    for step in scenario.steps:
        if isinstance(step, _CONTROLS):
            yield "a replica to be stopped"
        elif isinstance(step, Restart):
            yield f"{step.dependency} to be restarted"
        elif isinstance(step, Cut | Restore | DisturbsDependency):
            yield f"{step.dependency} to be cut off"
        elif isinstance(step, Command):
            yield f"a command to {step.dependency}"
        elif isinstance(step, Rotate):
            yield f"the keys of {step.dependency} to be rotated"
        elif isinstance(step, Throttle | JumpClock | RestartAll | RestartReplicas):
            yield "replicas to be disturbed"
        elif isinstance(step, Flood):
            yield "a flood of messages"
        elif isinstance(step, SendWire):
            yield "bytes below the frames of RFC 6455"
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
        elif isinstance(step, Send | SendJson):
            sizes.append(len(msgspec.json.encode(step.frame if isinstance(step, Send) else step.value)))
        elif isinstance(step, Http):
            sizes.append(len(msgspec.json.encode(step)))
        elif isinstance(step, SendBytes):
            sizes.append(len(payload(step.data)))
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
        if isinstance(step, Connect | Http | Send | SendText | SendJson | SendBytes | SendSize):
            sent[step.on] += 1
    return max(sent.values(), default=0)


def _tokens(scenario: Scenario, backend: Backend, known: Mapping[str, str], deployed: Deployed) -> Iterator[str]:
    kinds = dict.fromkeys(_kinds(scenario.steps))
    scheme = backend.scheme
    if scheme is not None and any(scheme.revoking(kind, "") is not None for kind in kinds):
        yield f"a token to be revoked in {scheme.revokes_in}"
    given = {"valid"} if deployed.gives_token else set()
    signing = signs_in(scheme)
    if signing is not None and any(kind in signing.locking for kind in kinds):
        yield "to sign in with a wrong password"
    made = [kind for kind in kinds if kind not in _keyless(backend) | given]
    if not made:
        return
    if deployed.secret is None:
        having = "only a token" if given else "no credential"
        yield f"a token of the kind {made[0]} ({having} is given)"
    elif scheme is not None:
        for name in scheme.open_settings.values():
            if name not in known:
                yield f"the value of the setting {name}"


def _keyless(backend: Backend) -> frozenset[str]:
    """The kinds of tokens that can be had without a credential."""
    return keyless_kinds(type(backend.scheme)) if backend.scheme is not None else frozenset(UNSIGNED)


def _kinds(steps: tuple[Step, ...]) -> Iterator[str]:
    for step in steps:
        if isinstance(step, Connect):
            yield step.token
    yield from (argument for name, argument in placeholders(steps) if name == "token")


def _users(scenario: Scenario, keyless: frozenset[str], *, only_one: bool) -> Iterator[str]:
    """What needs another user than the one who is known there."""
    connects = [step for step in scenario.steps if isinstance(step, Connect)]
    if only_one and any(step.user for step in connects if step.token not in keyless):
        yield "another user"
    if any(step.user_id for step in connects):
        yield "a user with an id of a form of its own"
    if scenario.new_user:
        yield "a user who has done nothing yet"
