"""What is wrong with a step by itself: patterns that are none, braces that mean nothing, placeholders that stay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from envparity.model.step.expecting import Expect, ExpectBytes, ExpectText
from envparity.model.step.http import Http
from envparity.model.step.payloads import bytes_pattern, payload, text_pattern
from envparity.model.step.sending import Connect, SendBytes, SendText
from envparity.model.step.values import MADE, PLACEHOLDER, Query, placeholders
from envparity.support.patterns import Pattern

__all__ = ["Objection", "captured_by", "objections"]

Objection = tuple[str, str, str, str]
"""The option that is meant ("" for the action's own key), what was expected, what is there, what to do."""

_AS_IT_STANDS = frozenset(
    {"on", "token", "user", "carrier", "types", "skip", "capture", "subprotocol", "offer", "pad_field", "dependency"}
    | {"other_replica_than", "other_worker_than", "same_token_as"}
)
_ANYTHING_MAY_STAND = frozenset({"each", "fields", "frames"})
_ALMOST = re.compile(rf"\{{\s*(?:(?:{'|'.join(sorted(MADE))})\b[^{{}}\"]*|[A-Za-z_][\w.-]*(?::[^{{}}\"\s]*)?)\s*\}}")
_ADDRESS = re.compile(r"[a-z][a-z0-9-]{0,39}")
_NAME = re.compile(r"[A-Za-z_]\w*")
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(r"[/{].*", re.DOTALL)
_METHOD = re.compile(r"[A-Z]+")
_STATUSES = range(200, 600)


def objections(step: msgspec.Struct) -> Iterator[Objection]:
    """Everything that is wrong with a step whose values are of the right types, whatever stands before it."""
    first = step.__struct_fields__[0]
    for name in (name for name in step.__struct_fields__ if name != "source"):  # see below
        value = getattr(step, name)
        by_content = name == "fields" and isinstance(step, Expect) and not step.types
        option = "" if name == first or by_content else name
        yield from ((option, *rest) for rest in _of_braces(step, name, value))
    if isinstance(step, Expect) and not step.types and not step.fields and step.each:
        yield "each", "types, of which each frame is one", "none", "say the fields in expect"
    if isinstance(step, Connect):
        yield from _of_polling(step)
        yield from _of_target("path", step.path, step.query)
        yield from _of_fields(step.headers, step.cookies)
    if isinstance(step, Http):
        yield from _of_request(step)
    if isinstance(step, Connect | Http) and step.source is not None and not _ADDRESS.fullmatch(step.source):
        expected = "a name for an address: lower-case letters, digits and -"
        yield "from", expected, repr(step.source), "the launcher chooses the addresses"
    yield from _of_form(step)
    for name in captured_by(step):
        if not _NAME.fullmatch(name) or name in MADE:
            yield "", "names of letters, digits and _ for what is captured, that stand for nothing else", repr(name), ""


def captured_by(step: msgspec.Struct) -> tuple[str, ...]:
    """The placeholders that stand for something once the step has been played."""
    if isinstance(step, ExpectText | ExpectBytes):
        try:
            pattern: Pattern[str] | Pattern[bytes] = (
                text_pattern(step.pattern, {}) if isinstance(step, ExpectText) else bytes_pattern(step.pattern, {})
            )
        except ValueError:
            return ()
        return tuple(pattern.groupindex)
    return tuple(getattr(step, "capture", ()))


def _of_target(option: str, target: str, query: Query) -> Iterator[Objection]:
    if target and not _TARGET.fullmatch(target):
        yield option, "a path that begins with a slash, or a placeholder", repr(target), ""
    if "?" in target and query:
        yield "query", "a query in one place", "one in the path too", "say all of it in query"


def _of_polling(step: Connect) -> Iterator[Objection]:
    """What only the upgrade to a WebSocket can say."""
    said = {
        "subprotocol": bool(step.subprotocol),
        "offer": bool(step.offer),
        "other_worker_than": bool(step.other_worker_than),
        "compression": not step.compression,
    }
    for option in (name for name, given in said.items() if step.polls and given):
        yield option, 'transport = "websocket", which can say it', 'transport = "polling"', "remove one of them"


def _of_fields(headers: Mapping[str, str], cookies: Mapping[str, str]) -> Iterator[Objection]:
    """What no header of a request can be, or no cookie (RFC 9110 §5.1, RFC 6265 §4.1.1)."""
    for name in headers:
        if not _FIELD_NAME.fullmatch(name):
            yield "headers", "names of headers (RFC 9110 §5.1)", repr(name), ""
    for name in cookies:
        if not _FIELD_NAME.fullmatch(name):
            yield "cookies", "names of cookies (RFC 6265 §4.1.1)", repr(name), ""
    if cookies and any(name.lower() == "cookie" for name in headers):
        yield "cookies", "cookies in one place", "a header of them too", "say all of them in cookies"


def _of_request(step: Http) -> Iterator[Objection]:
    """What is no request, and what no answer can be."""
    if not _METHOD.fullmatch(step.method) or not step.target:
        yield "", "a method in capitals and a path: POST /login", repr(step.request), ""
    else:
        yield from _of_target("", step.target, step.query)
    yield from _of_fields(step.headers, {})
    if step.cookies and any(name.lower() == "cookie" for name in step.headers):
        yield "cookies", "cookies in one place", "a header of them too", "remove one of them"
    said = [name for name in ("json", "form", "body") if _is_said(step, name)]
    if len(said) > 1:
        yield "", "one of json, form and body", " and ".join(said), "remove the others"
    for status in step.statuses:
        if status not in _STATUSES:
            yield "status", "statuses of answers (RFC 9110 §15)", str(status), ""
    for name, place in step.capture.items():
        kind, _, held = place.partition(":")
        if kind == "cookie" and not step.cookies:
            yield "capture", "cookies = true, to capture one", f"{name} = {place!r}", "add it"
        elif kind in {"header", "cookie"} and not held.strip():
            yield "capture", f"{kind}:NAME", f"{name} = {place!r}", "say which"


def _of_form(step: msgspec.Struct) -> Iterator[Objection]:
    """What is no message or pattern of its form."""
    try:
        match step:
            case SendBytes(data=data):
                payload(data)
            case ExpectBytes(pattern=pattern):
                bytes_pattern(pattern, {})
            case ExpectText(pattern=pattern):
                text_pattern(pattern, {})
    except ValueError as error:
        expected = "hex:, base64: or text: and what is meant" if not isinstance(step, ExpectText) else "a pattern"
        yield "", expected, str(error), ""


def _of_braces(step: msgspec.Struct, field: str, value: object) -> Iterator[tuple[str, str, str]]:
    if field in _AS_IT_STANDS:
        for name, argument in placeholders(value):
            written = f"{{{name}:{argument}}}" if argument else f"{{{name}}}"
            yield "what is said as it stands, without placeholders", written, "write what is meant"
        return
    anything = field in _ANYTHING_MAY_STAND or (field == "value" and "capture" in step.__struct_fields__)
    for text, is_name in _texts(value):
        if is_name and PLACEHOLDER.search(text):
            yield "no placeholders in names, which are not filled", repr(text), "put it into a value"
        if is_name:
            continue
        if any(name == "any" for name, _ in placeholders(text)) and not (anything and text == "{any}"):
            yield "{any} as a whole value of what is expected", repr(text), ""
        if field in {"pattern", "user_id"} or isinstance(step, SendText):
            continue
        for found in _ALMOST.finditer(text):
            if not PLACEHOLDER.fullmatch(found[0]):
                yield "a placeholder ({NAME} or {NAME:ARGUMENT}), or no braces", repr(found[0]), ""


def _texts(value: object) -> Iterator[tuple[str, bool]]:
    """Every text of a value, and whether it is a name."""
    if isinstance(value, str):
        yield value, False
    elif isinstance(value, Mapping):
        for name, under in value.items():
            yield str(name), True
            yield from _texts(under)
    elif isinstance(value, list | tuple):
        for under in value:
            yield from _texts(under)


def _is_said(step: Http, name: str) -> bool:
    value = getattr(step, name)
    return value is not msgspec.UNSET if name == "json" else value is not None
