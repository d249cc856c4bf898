"""How the client of a recording showed who it is: by a carrier of the backend's file, a cookie, something else."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from envparity.auth.scheme import SCHEMES
from envparity.model.backend import Backend, Carrier, Tokens
from envparity.recording.events import HttpExchange, MessageSent, WebSocketOpened, first_of
from envparity.recording.turns import Turn, cookies_of, query_of, set_cookies
from envparity.recording.values import Values
from envparity.support.redaction.names import is_secret

__all__ = ["ShownCredential", "note_credentials", "offered"]

_TOKEN: Final = re.compile(r"\\\{(token|token_base64url)\\\}")
_LONG_ENOUGH: Final = 8
_NO_WORD: Final = 12
"""How long the value of a setting that is no secret is at least, where it is told from what others say."""


@dataclass(frozen=True, repr=False)
class ShownCredential:
    """What one connection showed: the token, the carrier that took it, whom it names, and the turn of the frame that
    carried it (-1: none did).
    """

    token: str
    carrier: Carrier
    user: str = ""
    frame_turn: int = -1


def offered(opened: WebSocketOpened) -> tuple[str, ...]:
    """The subprotocols that a client offered."""
    names = (name.strip() for name in first_of(opened.headers, "sec-websocket-protocol").split(","))
    return tuple(name for name in names if name)


def note_credentials(
    turns: Sequence[Turn], values: Values, backend: Backend, settings: Mapping[str, str]
) -> dict[str, ShownCredential]:
    """Tell `values` what is a credential before anything else is read; gives what each connection showed.

    `settings` are those that the backend runs with, as far as they are known.
    """
    for name, value in settings.items():
        secret = is_secret(name, value, backend.known_secrets)
        if secret or (len(value) >= _NO_WORD and not value.isdecimal()):
            values.stands_for(value, f"{{setting:{name}}}", secret=secret)
    shown = _shown(turns, backend.tokens) if backend.tokens is not None else {}
    users: dict[str, str] = {}
    for each_shown in shown.values():
        if each_shown.user and each_shown.user not in users:
            users[each_shown.user] = f"user{len(users) + 1}" if users else ""
    for user, name in users.items():
        values.stands_for(user, f"{{user:{name}}}" if name else "{user}")
    for each_shown in shown.values():
        values.stands_for(each_shown.token, "{token:valid}", secret=True)
    _note_cookies(turns, values)
    return shown


def _shown(turns: Sequence[Turn], tokens: Tokens) -> dict[str, ShownCredential]:
    found: dict[str, ShownCredential] = {}
    for number, turn in enumerate(turns):
        event = turn.event
        for carrier in tokens.carriers if isinstance(event, WebSocketOpened | MessageSent) else ():
            token = _carried(carrier, turn)
            if token and turn.connection not in found:
                with SCHEMES.guarding(tokens.scheme):
                    user = tokens.scheme.read(token).subject or tokens.scheme.subject
                frame_turn = number if isinstance(event, MessageSent) else -1
                found[turn.connection] = ShownCredential(token, carrier, user, frame_turn)
    return found


def _carried(carrier: Carrier, turn: Turn) -> str:
    """The token that the carrier has taken there, "" where it has taken none."""
    event = turn.event
    if isinstance(event, MessageSent):
        return _within(carrier.first_frame, turn.frame) if carrier.first_frame is not None else ""
    if not isinstance(event, WebSocketOpened):
        return ""
    if carrier.header is not None:
        name, _, form = carrier.header.partition(":")
        return _token_in(form.strip(), first_of(event.headers, name.strip().lower()))
    if carrier.subprotocol is not None:
        return next((token for name in offered(event) if (token := _token_in(carrier.subprotocol, name))), "")
    if carrier.query is not None:
        return dict(query_of(event.target)).get(carrier.query, "")
    return cookies_of(event).get(carrier.cookie, "") if carrier.cookie is not None else ""


def _token_in(form: str, text: str) -> str:
    """What stands for the token in a text of that form."""
    pattern = _TOKEN.sub(_group, re.escape(form))
    found = re.fullmatch(pattern, text) if text else None
    if found is None:
        return ""
    groups = found.groupdict()
    return _decoded(groups["token_base64url"]) if "token_base64url" in groups else groups.get("token", "")


def _group(match: re.Match[str]) -> str:
    return rf"(?P<{match[1]}>\S+)"


def _decoded(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _within(form: object, value: object) -> str:
    """The token in a frame of that form; "" where it is another."""
    if isinstance(form, str) and isinstance(value, str):
        return _token_in(form, value)
    if not isinstance(form, dict) or not isinstance(value, dict) or form.keys() != value.keys():
        return ""
    token = ""
    for name, under in form.items():
        found = _within(under, value[name])
        if not found and under != value[name]:
            return ""
        token = token or found
    return token


def _note_cookies(turns: Sequence[Turn], values: Values) -> None:
    """Cookies that the client has from before the recording are credentials of its own."""
    given: set[tuple[str, str]] = set()
    for turn in turns:
        event = turn.event
        if isinstance(event, WebSocketOpened | HttpExchange):
            for name, value in cookies_of(event).items():
                if (name, value) not in given:
                    values.setting_of(f"cookie_{name}", value, f"the cookie {name}")
        if isinstance(event, HttpExchange):
            for name, value in set_cookies(event):
                given.add((name, value))
                if len(value) >= _LONG_ENOUGH:
                    values.secrets.setdefault(value, f"<cookie:{name}>")
