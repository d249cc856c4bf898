"""What a scenario imposes on a backend that others use: one policy for attached environments and for the probe. Pure.

Each kind of step is either talk or something that is done to the environment. What a probe keeps from beyond that is
its own matter (`probe/choice`), as is what credentials there are of an attached environment (`model/reach`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, get_args

import msgspec

from envparity.model.backend import Backend
from envparity.model.scenario import Scenario
from envparity.model.step import (
    PLACEHOLDER,
    Amount,
    Close,
    Command,
    Connect,
    Cut,
    DisturbsDependency,
    Drop,
    Expect,
    ExpectBytes,
    ExpectClose,
    ExpectJson,
    ExpectText,
    ExpectUnordered,
    Flood,
    Http,
    JumpClock,
    KillReplica,
    ReadOn,
    Restart,
    RestartAll,
    RestartReplicas,
    Restore,
    Revoke,
    Rotate,
    Send,
    SendBytes,
    SendJson,
    SendSize,
    SendText,
    SendWire,
    Settle,
    Silence,
    StartReplica,
    Step,
    Stopped,
    StopReading,
    StopReplica,
    Throttle,
    UntilReady,
    amount_of,
)
from envparity.model.step.payloads import payload

__all__ = ["IMPOSES", "MOST_AT_ONCE", "MOST_BYTES", "TALK", "impositions"]

MOST_AT_ONCE: Final = 3
"""How many connections a scenario may have open at once."""

MOST_BYTES: Final = 64 * 1024
"""How big a frame may be that a scenario sends, in bytes."""

TALK: Final[frozenset[type[Step]]] = frozenset(
    {
        *(Connect, Http, Send, SendText, SendJson, SendBytes, SendSize, Close),
        *(Expect, ExpectText, ExpectJson, ExpectBytes, ExpectUnordered, ExpectClose, Silence, Settle),
    }
)
"""The steps that only talk to the backend, as its clients do, or wait for what it says."""

IMPOSES: Final[Mapping[type[Step], str]] = {
    **dict.fromkeys((StopReplica, KillReplica, Stopped, StartReplica), "a replica to be stopped"),
    UntilReady: "to be told when its replicas are ready",
    Restart: "{dependency} to be restarted",
    **dict.fromkeys((Cut, Restore, *get_args(DisturbsDependency)), "{dependency} to be cut off"),
    Command: "a command to {dependency}",
    Revoke: "a token to be revoked",
    Rotate: "the keys of {dependency} to be rotated",
    **dict.fromkeys((Throttle, JumpClock, RestartAll, RestartReplicas), "replicas to be disturbed"),
    Flood: "a flood of messages",
    SendWire: "bytes below the frames of RFC 6455",
    Drop: "a client that is gone without a close",
    **dict.fromkeys((StopReading, ReadOn), "a client that does not read"),
}
"""What each other step would need, which nobody is given who is not alone; `{dependency}` is the step's."""


def impositions(scenario: Scenario, backend: Backend, known: Mapping[str, str]) -> Iterator[str]:
    """What of it is not for a backend that others use, in words: "a replica to be stopped". Nothing: it only talks.

    `known` are the settings whose values are known, by which a frame may be as big as an environment allows.
    """
    if not scenario.boot.steady or scenario.part != "usual":
        yield f"a boot of its own ({scenario.boot.label})"
    for step in scenario.steps:
        if type(step) not in TALK:
            yield IMPOSES[type(step)].format(dependency=getattr(step, "dependency", ""))
    if scenario.disruptive:
        yield "to disturb others"
    if scenario.replicas > 1:
        yield f"{scenario.replicas} replicas that can be told apart"
    if scenario.client_addresses:
        yield "clients that come from different addresses"
    if any(isinstance(step, Connect) and step.polls for step in scenario.steps):
        yield "long polling, of which each request takes a connection of its own"
    if scenario.tells_workers_apart:
        yield "to see which worker process answers"
    if (most := scenario.clients * _at_once(scenario)) > MOST_AT_ONCE:
        yield f"{most} connections at once"
    if (biggest := _biggest_frame(scenario, known)) > MOST_BYTES:
        yield f"a frame of {biggest:g} bytes"
    allowed = known.get(backend.messages_per_minute_setting or "", "")
    if allowed.isdigit() and (most := _messages(scenario)) >= int(allowed):
        yield f"{most} messages on one connection"


def _at_once(scenario: Scenario) -> int:
    """The most connections that are open together."""
    open_now: set[str] = set()
    most = 0
    for step in scenario.steps:
        if isinstance(step, Connect):
            open_now.add(step.on)
        elif isinstance(step, Close | ExpectClose | Drop):
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
