"""The steps of a conversation, one frozen struct each.

Strings in steps may hold placeholders:

- `{uuid:NAME}` made once per name and scenario; `{user}`, `{user:NAME}` a user's id; `{token:KIND}` a token
- `{setting:NAME}` a setting of the backend, `{first:NAME}` the first of a comma-separated one
- `{counter:NAME}` 1 in the first step that says something with it, 2 in the next; what is expected has the last
- `{client}` the number of the client, from 1, where several play the scenario at the same time
- `{origin}` the origin of the endpoint; `{NAME}` what an earlier step captured
- `{any}` in what is expected: anything at all

Numbers may be given as text with placeholders and sums: `"{setting:WEBSOCKET_AUTH_TIMEOUT_S}+3"`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from envparity.model.step.control import (
    Command,
    Cut,
    KillReplica,
    Restart,
    Restore,
    Revoke,
    Rotate,
    StartReplica,
    Stopped,
    StopReplica,
    UntilReady,
)
from envparity.model.step.disturbing import (
    BlackHole,
    BreakAnswer,
    BreakRequest,
    DisturbsDependency,
    HangUp,
    JumpClock,
    Refuse,
    RestartAll,
    RestartReplicas,
    Slow,
    Throttle,
)
from envparity.model.step.expecting import Expect, ExpectBytes, ExpectClose, ExpectJson, ExpectText, ExpectUnordered
from envparity.model.step.http import Http
from envparity.model.step.losing import Drop, ReadOn, StopReading
from envparity.model.step.sending import (
    Close,
    Connect,
    Flood,
    Send,
    SendBytes,
    SendJson,
    SendSize,
    SendText,
    SendWire,
    Settle,
    Silence,
)
from envparity.model.step.values import PLACEHOLDER, SUM, Amount, Query, amount_of, placeholders

__all__ = [
    "ACTIONS",
    "PLACEHOLDER",
    "SUM",
    "Amount",
    "BlackHole",
    "BreakAnswer",
    "BreakRequest",
    "Close",
    "Command",
    "Connect",
    "Cut",
    "Disturbance",
    "DisturbsDependency",
    "Drop",
    "Expect",
    "ExpectBytes",
    "ExpectClose",
    "ExpectJson",
    "ExpectStep",
    "ExpectText",
    "ExpectUnordered",
    "Flood",
    "HangUp",
    "Http",
    "JumpClock",
    "KillReplica",
    "MessageStep",
    "Query",
    "ReadOn",
    "Refuse",
    "Restart",
    "RestartAll",
    "RestartReplicas",
    "Restore",
    "Revoke",
    "Rotate",
    "Send",
    "SendBytes",
    "SendJson",
    "SendSize",
    "SendText",
    "SendWire",
    "Settle",
    "Silence",
    "Slow",
    "StartReplica",
    "Step",
    "StopReading",
    "StopReplica",
    "Stopped",
    "Throttle",
    "UntilReady",
    "action_of",
    "amount_of",
    "placeholders",
    "rotations",
]

ExpectStep = Expect | ExpectText | ExpectJson | ExpectBytes | ExpectUnordered
"""The steps that expect a message."""

MessageStep = Send | SendText | SendJson | SendBytes
"""The steps that send one message, as it is written."""

Step = (
    Connect
    | Http
    | Send
    | SendText
    | SendJson
    | SendBytes
    | SendSize
    | SendWire
    | Flood
    | Expect
    | ExpectText
    | ExpectJson
    | ExpectBytes
    | ExpectUnordered
    | ExpectClose
    | Silence
    | Settle
    | Close
    | Drop
    | StopReading
    | ReadOn
    | StopReplica
    | KillReplica
    | Stopped
    | StartReplica
    | Restart
    | Cut
    | Restore
    | Rotate
    | Revoke
    | Command
    | UntilReady
    | Slow
    | BreakAnswer
    | BreakRequest
    | BlackHole
    | HangUp
    | Refuse
    | Throttle
    | JumpClock
    | RestartAll
    | RestartReplicas
)

Disturbance = DisturbsDependency | Throttle | JumpClock | RestartAll | RestartReplicas
"""The steps that only ever disturb."""

ACTIONS: dict[str, type[Step]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Step)}


def rotations(steps: Sequence[Step]) -> int:
    """How often these steps rotate keys."""
    return sum(isinstance(step, Rotate) for step in steps)


def action_of(step: Step) -> str:
    """The key that names the step's action in the file: `expect_close`."""
    return str(step.__struct_config__.tag)
