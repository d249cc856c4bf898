"""What a step may ask for: close codes that exist, amounts that can be borne, texts that a handshake can carry."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Final

from envparity.model.step import (
    PLACEHOLDER,
    SUM,
    Close,
    Connect,
    ExpectClose,
    Http,
    SendSize,
    SendWire,
    Slow,
    Step,
    amount_of,
)

__all__ = [
    "LONGEST_WAIT_S",
    "MOST_FLOODED",
    "MOST_SCENARIOS",
    "MOST_SENT_BYTES",
    "MOST_STEPS",
    "NAME",
    "Problem",
    "amount_problems",
    "handshake_problems",
    "step_problems",
]

MOST_SCENARIOS: Final = 2_000
"""How many of them a backend's file may have; the schema says so too."""
MOST_STEPS: Final = 10_000
"""How many steps one scenario may have."""
MOST_FLOODED: Final = 100_000
"""How many frames one `flood` may send."""
MOST_SENT_BYTES: Final = 64 * 1024 * 1024
"""How long a frame of `send_size` may be."""
LONGEST_WAIT_S: Final = 86_400.0
"""How long one step may wait, as long as an ingress may be silent."""

_SENDABLE: Final = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)})
_SEEN: Final = _SENDABLE | {1005, 1006}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_NOT_IN_A_HEADER: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NOT_IN_A_QUERY: Final = re.compile(r"[^!-~]|#")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What a setting or a placeholder may be called."""
_LONGEST_REASON: Final = 123

Problem = tuple[str, str, str, str]
"""The field of the step, what is expected, what stands there, and advice."""


def step_problems(step: Step) -> Iterator[Problem]:
    """What is wrong with the values of a step, each of the right type. Texts of placeholders are passed over."""
    yield from _code_problems(step)
    yield from _reverse_problems(step)
    for name in ("within_s", "size", "count", "seconds"):
        given = getattr(step, name, None)
        if isinstance(given, str) and SUM.fullmatch(given):
            given = amount_of(given)
        if isinstance(given, int | float):
            yield from amount_problems(name, given)
    for name in ("on", "user", "user_id", "dependency", "other_replica_than", "other_worker_than", "same_token_as"):
        text = getattr(step, name, None)
        if isinstance(text, str) and _CONTROL.search(text):
            yield name, "text without control characters", _shown(text), "leave them out"
    if isinstance(step, Connect | Http):
        yield from handshake_problems(step, lambda text: PLACEHOLDER.sub("x", text))
    if isinstance(step, SendSize):
        yield from _size_problems(step)
    if isinstance(step, SendWire):
        try:
            whole = b"".join(step.data)
        except ValueError as error:
            yield "pieces", "hexadecimal digits, two for each byte", str(error), "as 8105 for the head of a frame"
        else:
            if not 1 <= len(whole) <= MOST_SENT_BYTES:
                yield "pieces", f"1 to {MOST_SENT_BYTES} bytes", f"{len(whole)}", "say what is sent"


def amount_problems(name: str, amount: float) -> Iterator[Problem]:
    """What is wrong with a number of a step, `within_s`, `seconds`, `size` or `count`."""
    if name in {"within_s", "seconds"}:
        least = 0.0 if name == "seconds" else 1e-6
        if not least <= amount <= LONGEST_WAIT_S:
            action = "silence shows in seconds; a longer one wants `hasten`" if name == "seconds" else "wait less"
            yield name, f"seconds, more than 0 and at most {LONGEST_WAIT_S:g}", f"{amount:g}", action
    elif name in {"size", "count"}:
        most, what = (MOST_SENT_BYTES, "bytes") if name == "size" else (MOST_FLOODED, "frames")
        if not 1 <= amount <= most or amount != int(amount):
            yield name, f"a whole number of {what} from 1 to {most}", f"{amount:g}", f"at most {most} are sent"


def handshake_problems(step: Connect | Http, filled: Callable[[str], str]) -> Iterator[Problem]:
    """What of a handshake or request no client could send, once `filled` has put something for each placeholder."""
    for name, value in step.headers.items():
        if _NOT_IN_A_HEADER.search(filled(value)):
            yield "headers", "values of one line", f"{name} with a line break or a control character", "leave it out"
    for name, value in step.cookies.items() if isinstance(step, Connect) else ():
        if ";" in filled(value) or _NOT_IN_A_HEADER.search(filled(value)):
            yield (
                "cookies",
                "values of cookies (RFC 6265 §4.1.1)",
                f"{name} with a ; or a control character",
                "encode it",
            )
    if isinstance(step.query, str) and _NOT_IN_A_QUERY.search(filled(step.query)):
        got = "white space, # or a character beyond ASCII"
        yield "query", "a query (RFC 3986 §3.4), as it is sent", got, "write it as a table"
    target = ("path", step.path) if isinstance(step, Connect) else ("request", step.target)
    if _NOT_IN_A_QUERY.search(filled(target[1])):
        yield target[0], "a path (RFC 3986 §3.3)", "white space, # or a character beyond ASCII", "percent-encode it"
    if step.origin is not None and _NOT_IN_A_QUERY.search(filled(step.origin)):
        yield "origin", "an origin (RFC 6454 §7)", "white space, # or a character beyond ASCII", "leave it out"
    if isinstance(step, Http):
        return
    for name in step.offer or ():
        if not _TOKEN.fullmatch(filled(name)):
            yield "offer", "subprotocols (RFC 6455 §4.1)", _shown(name), "a token, without spaces and separators"
    if step.subprotocol and not _TOKEN.fullmatch(filled(step.subprotocol)):
        yield "subprotocol", "a subprotocol (RFC 6455 §4.1)", _shown(step.subprotocol), "a token, without spaces"


def _reverse_problems(step: Step) -> Iterator[Problem]:
    if isinstance(step, Slow) and step.reverse and step.answers is not None:
        got = f"reverse beside answers = {step.answers}"
        yield "reverse", "all answers, as those in reverse order are", got, "leave out one of them"


def _code_problems(step: Step) -> Iterator[Problem]:
    action = str(step.__struct_config__.tag)
    status, reason = getattr(step, "status", None), getattr(step, "reason", None)
    known = _SENDABLE if action == "close" else _SEEN
    given = step.codes if isinstance(step, ExpectClose) else (step.code,) if isinstance(step, Close) else ()
    for code in given:
        if code not in known:
            unsent = "" if action == "close" else ", or 1005 (none came) and 1006 (no close at all)"
            expected = f"a close code: 1000 to 1003, 1007 to 1014, 3000 to 4999{unsent}"
            yield "code", expected, str(code), "RFC 6455 §7.4 says which there are"
    if isinstance(step, Connect) and isinstance(status, int) and not 100 <= status <= 599:
        yield "status", "an HTTP status from 100 to 599", str(status), "RFC 9110 §15 says which there are"
    if isinstance(reason, str) and not PLACEHOLDER.search(reason) and len(reason.encode()) > _LONGEST_REASON:
        got = f"{len(reason.encode())}"
        yield "reason", f"a reason of at most {_LONGEST_REASON} bytes (RFC 6455 §5.5)", got, "no close can carry more"


def _size_problems(step: SendSize) -> Iterator[Problem]:
    if not step.pad_field:
        yield "pad_field", "the name of a field", "an empty one", "say which field is padded"
    size = step.size
    if isinstance(size, str):
        size = amount_of(size) if SUM.fullmatch(size) else -1
    least = _least_bytes(step.frame, step.pad_field)
    if 1 <= size < least:
        yield "size", f"at least {least}, which the frame has without padding", f"{size:g}", "make it longer"


def _least_bytes(frame: dict[str, object], pad_field: str) -> int:
    """How long the frame is at least, whatever is put for its placeholders."""
    bare = PLACEHOLDER.sub("", json.dumps(frame | {pad_field: ""}, ensure_ascii=False, separators=(",", ":")))
    return len(bare.encode())


def _shown(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
