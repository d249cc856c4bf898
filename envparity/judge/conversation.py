"""EP301–308, EP321, EP322: what a client met, held against the script and the contract."""

from __future__ import annotations

from dataclasses import replace

from envparity.judge import conversation_checks as checks
from envparity.judge.explored import BELOW, FRAMES
from envparity.judge.privacy import others_values
from envparity.judge.rules import Conduct, Rule, contract

__all__ = ["RULES"]

_DEPARTURE = Conduct("conversation", follows=True, departure=True, causes="hybrids", merges=True, joins=False)

_EXPLORED = Conduct("conversation", follows=True, departure=True, causes="hybrids", joins=False)

RULES: tuple[Rule, ...] = (
    contract(
        "EP301",
        "conversation leaves its script",
        _DEPARTURE,
        means="""
            A frame came that is not the one promised, something came where silence was promised, or what the script
            did to the environment (stop a replica, restart a dependency) did not end as promised.
        """,
        matters="A client written against this conversation breaks at this step, in the environments named.",
        action="Compare the frame that came with the step of the scenario; one of the two is wrong.",
        example='expected agent_completed {"answer": "3"}, got agent_completed {"answer": "2"}',
        check=checks.departed("frame", "silence", "control"),
    ),
    contract(
        "EP302",
        "handshake not as promised",
        replace(_DEPARTURE, ends="cut off"),
        means="The upgrade was answered with another HTTP status or subprotocol than promised (RFC 6455 §4.2.2).",
        matters="""
            Before the upgrade a client sees only a status: what should be an error frame and a close code with a
            reason becomes a bare 403 or 502.
        """,
        action="See who answered: the ingress, or the backend before it accepts. Accept first, then authenticate.",
        example="expected 101 with subprotocol netra.v1, got HTTP status 403",
        check=checks.departed("handshake"),
    ),
    contract(
        "EP303",
        "close not as promised",
        replace(_DEPARTURE, ends="cut off"),
        means="The connection was closed with another code or reason than promised, or where no close was due.",
        matters="Clients decide by the code whether to come back, to log in again or to give up (RFC 6455 §7.4).",
        action="Find what closed it: 1006 means that nobody did so properly; look at the log and at the ingress.",
        example="expected close 1008 'token_expired', got close 1006 '' by the server",
        check=checks.departed("close"),
    ),
    contract(
        "EP304",
        "frame breaks the contract",
        Conduct("conversation", follows=True, causes="hybrids", joins=False),
        means="A frame or a close is not what the AsyncAPI document says: a field too many or too few, another type.",
        matters="The contract is what clients are generated from; every frame on the wire is held against it.",
        action="Correct the frame, or the contract if the frame is meant; both live in the backend's repository.",
        example="error: 'retryable' is a required property",
        check=checks.contract_broken,
    ),
    contract(
        "EP305",
        "1011 internal error",
        Conduct("conversation", "its scenario", follows=True, causes="hybrids", joins=False),
        means="The backend closed with 1011, whatever the script expected. Known conditions have codes of their own.",
        matters="""
            1011 says that something broke, and nothing of what: it is how a failed startup, a missing secret and a
            forgotten await all look to a client.
        """,
        action="Find the traceback in the log by the id in the reason; give the condition a code and an error frame.",
        example="authenticate phase: close 1011 Internal error",
        check=checks.internal_error,
    ),
    contract(
        "EP306",
        "a phase hung",
        replace(_DEPARTURE, ends="silent"),
        means="Nothing came within the deadline of that phase: connect, accept, authenticate, message or close.",
        matters="A client that waits for ever looks alive; probes and load balancers give up at some later time.",
        action="Look for what blocks the event loop or awaits without a deadline in that phase.",
        example="expected authenticate: connection_established within 5 s, got nothing",
        check=checks.departed("timeout"),
    ),
    contract(
        "EP307",
        "events reached another user",
        Conduct("conversation", "its scenario", causes="hybrids", joins=False, also="returns"),
        means="""
            A frame on one user's connection carried what only another user's frames carry: an id, or a text that the
            other has sent. It is looked for in every scenario and in every play of a boot, those of other users too,
            so that a cache that gives to one what it keeps of another is seen; and in frames that no step reads, of a
            type in `skip` or `ignored_frames`. What a script expects on another user's connection is meant to be
            there; so are frames that `public_frames` names.
        """,
        matters="This is a leak of one user's data to another, not a mere defect of delivery.",
        action="""
            Look for state shared between connections: a singleton that holds a socket, a channel or the key of a cache
            without a user. What everybody may see is named in `public_frames`.
        """,
        example="only what belongs to its user reaches a connection; got what belongs to another user",
        check=others_values,
    ),
    contract(
        "EP308",
        "HTTP answer not as promised",
        replace(_DEPARTURE, ends="cut off"),
        means="A step over HTTP was answered with another status, or without what the script asks for in it.",
        matters="What a conversation begins with - a login, a room that is made - is not to be had here as elsewhere.",
        action="See who answered, and what it says: the ingress, or the backend; compare the cookies that were sent.",
        example="expected POST /login answered with 303, got HTTP status 403",
        check=checks.departed("http"),
    ),
    contract(
        "EP321",
        "frame is answered otherwise elsewhere",
        _EXPLORED,
        means="""
            A frame that the contract allows, or one that breaks it in one place, is answered in this environment with
            another reply, error, close or silence than in the first. Exploration made it, and left nothing in it that
            is not needed.
        """,
        matters="Clients may send it, sooner or later, and what they meet depends on where they are.",
        action="Look at the one field of the frame; `--keep FILE` writes it as a scenario to keep.",
        example='order as the contract allows it: expected served, got error {"code": "too_big"}',
        check=checks.departed("frame", "silence", "close", "timeout", group=FRAMES),
    ),
    contract(
        "EP322",
        "bytes below the frames are answered otherwise elsewhere",
        _EXPLORED,
        means="""
            Fragments, control frames between them, or bytes that break a rule of RFC 6455 are answered in this
            environment otherwise than in the first. The section that says what they are stands in the finding.
        """,
        matters="An ingress, another server or another library reads the bytes: what passes here is refused there.",
        action="Compare who reads the bytes in both: the ingress, the server, its limits for frames and messages.",
        example="RFC 6455 §5.4: a ping between two fragments of a message: expected pong, got close 1002",
        check=checks.departed("frame", "silence", "close", "timeout", group=BELOW),
    ),
)
