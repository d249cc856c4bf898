"""How a step over HTTP is played: a request, and its answer held against what the step promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import msgspec

from envparity.conversation import actions
from envparity.conversation.actions import HttpResponse
from envparity.conversation.addressing import query_text, target_with, wrong_target
from envparity.conversation.filling import fill
from envparity.conversation.matching import ABSENT, matches, reach
from envparity.conversation.playing import Actions, Playing
from envparity.conversation.record import Departed
from envparity.conversation.wire import FrameReading
from envparity.frames.decoding import decoded_json, decoded_text
from envparity.model.step import PLACEHOLDER, Http
from envparity.model.step.values import ENDS_LINE
from envparity.observe.frame import BinaryFrame, Frame, JsonFrame, TextFrame, plain
from envparity.observe.headers import Cookie, promised
from envparity.observe.transcript import HttpAnswered
from envparity.support.redaction import is_secret_name

__all__ = ["ask", "body_of"]

_SHOWN_TEXT = 4000


def ask(playing: Playing, step: Http) -> Actions:
    """Send the request, take the answer, and keep what it sets and what is captured of it."""
    phases = playing.script.phases
    timeout_s = phases.message_s if step.within_s is None else playing.script.amount(step.within_s)
    target = _target(playing, step)
    headers, body, withheld = _headers_and_body(playing, step, target)
    user = playing.users.get(step.on, "")
    request = actions.SendRequest(
        step.on, step.method, target, tuple(headers.items()), body, timeout_s, user, step.source
    )
    playing.told.forget()
    while playing.told.response is None:
        yield request
        if playing.told.expired is not None:
            raise playing.timeout(step.on, "http", f"an answer to {step.request}", timeout_s)
    response = playing.told.response
    event = _event(playing, step, target, response, withheld)
    held = plain(event.body) if isinstance(event.body, JsonFrame) else None
    _hide(playing, held)
    captured = {name: _found(playing, step, response, held, place) for name, place in step.capture.items()}
    for name, place in step.capture.items():
        if captured[name] is not ABSENT:
            held_as = place.replace("/", ".").replace(":", ".").rpartition(".")[2]
            is_secret = place.startswith("cookie:") or is_secret_name(held_as)
            playing.keep(name, captured[name], secret=is_secret)
    playing.recorder.note(event)
    if response.status not in step.statuses:
        expected = f"{step.request} answered with {' or '.join(map(str, step.statuses))}"
        got = f"HTTP status {response.status}" if response.status else f"no HTTP answer: {response.error}"
        raise Departed("http", expected, got, step.on)
    if len(step.statuses) > 1:
        playing.recorder.note_compared_as({"status": " or ".join(map(str, step.statuses))})
    if step.fields and (held is None or not matches(_bare(held), fill(step.fields, playing.values))):
        expected = f"{step.request} answered with {json.dumps(step.fields, ensure_ascii=False)}"
        raise Departed("http", expected, playing.recorder.shown(plain(event.body or TextFrame(""))), step.on)
    playing.recorder.note_said({"body": step.fields})
    for name, place in step.capture.items():
        if captured[name] is ABSENT:
            got = playing.recorder.shown(plain(event.body or TextFrame("")))
            raise Departed("http", f"{step.request} answered with {place}", got, step.on)


def _target(playing: Playing, step: Http) -> str:
    """Where the request goes: behind the prefix, but a path that was captured whole."""
    path = step.target.partition("?")[0]
    target = step.target
    if not PLACEHOLDER.fullmatch(path) or path[1:-1] in playing.script.values:
        target = playing.script.prefix + str(fill(target, playing.script.values))
    target = target_with(target, playing.captured)
    query = target_with("?" + query_text(step.query, playing.script.values), playing.captured)[1:] if step.query else ""
    if query:
        target += ("&" if "?" in target else "?") + query
    if wrong_target(target):
        got = playing.recorder.shown({"path": target})
        raise Departed("http", f"{step.method} for a path that begins with a slash", got, step.on)
    return target


def _headers_and_body(playing: Playing, step: Http, target: str) -> tuple[dict[str, str], bytes, tuple[str, ...]]:
    """What goes out, and the cookies that stay behind, each with its reason."""
    headers: dict[str, str] = {}
    body = b""
    if step.json is not msgspec.UNSET:
        headers["Content-Type"] = "application/json"
        body = json.dumps(fill(step.json, playing.values), ensure_ascii=False).encode()
    elif step.form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(fill(step.form, playing.values), doseq=True).encode()
    elif step.body is not None:
        body = str(fill(step.body, playing.values)).encode()
    origin = playing.script.origins.get(step.origin, step.origin)
    origin = None if origin is None else str(fill(origin, playing.values))
    if origin is not None:
        headers["Origin"] = origin
    withheld: tuple[str, ...] = ()
    given = {name: str(fill(value, playing.values)) for name, value in step.headers.items()}
    if step.cookies:
        pairs, withheld = playing.cookies.sent(step.on, target, origin)
        if pairs:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in pairs)
    said = {name.lower() for name in given}
    headers = {name: value for name, value in headers.items() if name.lower() not in said} | given
    for name, value in headers.items():
        if ENDS_LINE.search(value):
            raise Departed("http", "headers of one line", f"a line break in {name}", step.on)
    return headers, body, withheld


def _event(
    playing: Playing, step: Http, target: str, response: HttpResponse, withheld: tuple[str, ...]
) -> HttpAnswered:
    """What is written down of an answer; what it sets is kept, where the step asks for that."""
    set_cookies = [value for name, value in response.headers if name.lower() == "set-cookie"]
    cookies: list[Cookie] = []
    for cookie, value in playing.cookies.keep(step.on, target, set_cookies) if step.cookies else ():
        cookies.append(playing.cookies.told(cookie))
        playing.recorder.keep_secret(value, f"<cookie:{cookie.name}>")
    headers = promised(response.headers, playing.script.values["origin"])
    return HttpAnswered(
        playing.told.at_s,
        step.on,
        "http",
        request=step.request,
        target=target,
        status=response.status,
        headers=headers,
        body=body_of(response, playing.reading, target) if response.status else None,
        cookies=tuple(cookies),
        withheld=withheld,
        error=response.error,
        replica=response.replica,
        answered_by=response.answered_by,
        version=response.version,
    )


def body_of(response: HttpResponse, reading: FrameReading | None = None, target: str = "") -> Frame | None:
    """The body: JSON as what it holds, frames of the codec as a list of them, else text, else bytes; None where there
    is none.
    """
    if not response.body:
        return None
    kind = next((value.lower() for name, value in response.headers if name.lower() == "content-type"), "")
    charset = kind.partition("charset=")[2].partition(";")[0].strip(" \"'") or None
    if "\0" in response.body.decode("utf-8", errors="replace") or kind.startswith(("image/", "application/octet")):
        return BinaryFrame.of(response.body)
    text = decoded_text(response.body, charset)
    try:
        held = decoded_json(text)
    except ValueError:
        frames = reading.answered(target, text) if reading is not None else None
        if frames is not None:
            return JsonFrame({"json": frames})
        digest = BinaryFrame.of(response.body).digest
        rest = f"… {len(text)} characters, SHA-256 {digest}" if len(text) > _SHOWN_TEXT else ""
        return TextFrame(text[:_SHOWN_TEXT] + rest)
    return JsonFrame(held if isinstance(held, dict) else {"json": held})


def _bare(held: dict[str, object]) -> object:
    return held["json"] if set(held) == {"json"} else held


def _found(playing: Playing, step: Http, response: HttpResponse, held: dict[str, object] | None, place: str) -> object:
    """What a capture's place leads to; `ABSENT` where it leads nowhere."""
    kind, _, name = place.partition(":")
    if kind == "header":
        given = (value for key, value in response.headers if key.lower() == name.strip().lower())
        return next(given, ABSENT)
    if kind == "cookie":
        value = playing.cookies.value(step.on, name.strip())
        return ABSENT if value is None else value
    return ABSENT if held is None else reach(_bare(held), place)


def _hide(playing: Playing, held: object) -> None:
    """Values under names of secrets are secrets: a login answers with what nobody else may know."""
    for name, value in _texts(held):
        if is_secret_name(name):
            playing.recorder.keep_secret(value, f"<{name}>")


def _texts(held: object) -> Iterator[tuple[str, str]]:
    if isinstance(held, dict):
        for name, under in held.items():
            if isinstance(under, str):
                yield name, under
            yield from _texts(under)
    elif isinstance(held, list):
        for under in held:
            yield from _texts(under)
