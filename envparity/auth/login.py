"""Login by HTTP: one request with a user and a password, which gives a cookie or a token."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, ClassVar
from urllib.parse import urlencode

import msgspec

from envparity.auth.passwords import Passwords, wrong_one
from envparity.auth.scheme import Request
from envparity.auth.sign_in import Answered, NotSignedIn, SignInRequest

__all__ = ["Login"]

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
_KNOWN = {"username", "password"}
_SHOWN = 80
_NO_CREDENTIAL = "this-is-not-a-credential"

Status = Annotated[int, msgspec.Meta(ge=100, le=599)]


class Login(Passwords, frozen=True, kw_only=True):
    """One user, who signs in before each conversation with `request`; {username} and {password} stand in its body."""

    request: Annotated[
        str, msgspec.Meta(description="method and path: POST /login", pattern=r"^(POST|PUT|GET) /[^\s#]*$")
    ]
    form: Annotated[
        dict[str, str] | None,
        msgspec.Meta(description="the fields of a form, with {username} and {password} in them"),
    ] = None
    json: Annotated[
        dict[str, Any] | None,
        msgspec.Meta(description="an object of JSON, with {username} and {password} in it"),
    ] = None
    headers: Annotated[dict[str, str], msgspec.Meta(description="headers of that request")] = msgspec.field(
        default_factory=dict
    )
    status: Annotated[
        tuple[Status, ...], msgspec.Meta(description="what is answered to who may come in", min_length=1)
    ] = (200, 201, 204, 302, 303)
    token: (
        Annotated[
            str, msgspec.Meta(description="where in the answer's JSON the token is (RFC 6901)", pattern="^(/[^/]*)+$")
        ]
        | None
    ) = None
    cookie: Annotated[str, msgspec.Meta(description="the cookie that the answer sets", min_length=1)] | None = None

    kinds: ClassVar[Mapping[str, str]] = {
        "valid": "what a login gave",
        "malformed": "what no login ever gave",
        "forged": "as long as a good one, and not given by a login",
        "wrong_password": "what a login with a wrong password gave, if it gave anything",
    }
    keyless: ClassVar[frozenset[str]] = frozenset({"malformed"})

    @property
    def locking(self) -> Collection[str]:
        return ("wrong_password",)

    def mistakes(self) -> Iterator[tuple[str, str, str]]:
        if (self.form is None) == (self.json is None):
            yield "form", "either form or json", "both" if self.form is not None else "neither"
        if (self.token is None) == (self.cookie is None):
            yield "token", "either token or cookie", "both" if self.token is not None else "neither"
        named = {found for text in _texts([self.form, self.json]) for found in _PLACEHOLDER.findall(text)}
        for name in sorted(named - _KNOWN):
            yield "json" if self.form is None else "form", "{username} and {password} alone", f"{{{name}}}"
        if not named >= _KNOWN and (self.form is None) != (self.json is None):
            missing = " and ".join(f"{{{name}}}" for name in ("username", "password") if name not in named)
            yield "json" if self.form is None else "form", "{username} and {password} in it", f"no {missing}"

    def asking(self, kind: str, settings: Mapping[str, str]) -> SignInRequest | None:
        if kind not in {"valid", "forged", "wrong_password"}:
            return None
        password = settings[self.password_setting]
        values = {
            "username": settings[self.user_setting],
            "password": wrong_one(password) if kind == "wrong_password" else password,
        }
        method, _, path = self.request.partition(" ")
        if self.form is not None:
            body, what = (
                urlencode({name: _said(text, values) for name, text in self.form.items()}),
                "application/x-www-form-urlencoded",
            )
        else:
            body, what = json.dumps(_filled(self.json, values)), "application/json"
        return SignInRequest(method, path, {"Content-Type": what, **self.headers}, body.encode())

    def given(self, kind: str, answer: Answered) -> str:
        try:
            credential = self._credential(answer)
        except NotSignedIn:
            if kind == "wrong_password":
                return ""
            raise
        return wrong_one(credential) if kind == "forged" else credential

    def make(self, kind: str, request: Request) -> str:
        return _NO_CREDENTIAL if kind == "malformed" else request.signed_in

    def _credential(self, answer: Answered) -> str:
        where = f"cookie {self.cookie}" if self.cookie is not None else f"text at {self.token}"
        expected = f"{self.request} answers {' or '.join(map(str, self.status))} with a {where}"
        if answer.status not in self.status:
            raise NotSignedIn(expected, f"{answer.status}: {' '.join(answer.text.split())[:_SHOWN]}".rstrip(": "))
        if self.cookie is None:
            found = _at(answer.text, self.token or "")
            if isinstance(found, str) and found:
                return found
            raise NotSignedIn(expected, f"{answer.status} without it")
        why = "without it"
        for cookie in answer.cookies:
            if cookie.name == self.cookie:
                if not cookie.refused and cookie.value:
                    return cookie.value
                why = f"with one that is not kept: {cookie.refused or 'it is empty'}"
        raise NotSignedIn(expected, f"{answer.status} {why}")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _said(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def _filled(value: object, values: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return _said(value, values)
    if isinstance(value, dict):
        return {name: _filled(part, values) for name, part in value.items()}
    return [_filled(part, values) for part in value] if isinstance(value, list) else value


def _at(text: str, pointer: str) -> object:
    """What stands at that JSON Pointer (RFC 6901); None where there is nothing."""
    try:
        value: object = json.loads(text)
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(value, list | dict):
                return None
            value = value[int(key)] if isinstance(value, list) else value[key]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return value
