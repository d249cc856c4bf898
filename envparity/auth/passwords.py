"""Schemes of a user and a password that two settings hold: basic authentication (RFC 7617) stands here itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Annotated, ClassVar

import msgspec

from envparity.auth.keys import setting_name
from envparity.auth.scheme import Request, Scheme, UnusableKey

__all__ = ["Basic", "Passwords", "wrong_one"]

_NO_CREDENTIAL = "this is not a credential"


class Passwords(Scheme, frozen=True):
    """One user, whose name and password settings of the backend hold."""

    user_setting: Annotated[str, setting_name("that holds the user's name")]
    password_setting: Annotated[str, setting_name("that holds the password")]
    user: Annotated[str, msgspec.Meta(description="the id of that user, where it is another than the name")] = ""

    @property
    def signing_setting(self) -> str:
        return self.password_setting

    @property
    def key_of_signing(self) -> str:
        return "password_setting"

    @property
    def open_settings(self) -> Mapping[str, str]:
        return {"user_setting": self.user_setting}

    @property
    def subject(self) -> str:
        return self.user


class Basic(Passwords, frozen=True):
    """User and password in base64, as the header of basic authentication has them."""

    kinds: ClassVar[Mapping[str, str]] = {
        "valid": "user and password",
        "malformed": "no base64 of a user and a password",
        "wrong_password": "another password, as long as the right one",
        "without_password": "the user with a password of no characters",
        "wrong_user": "another user with the right password",
    }
    keyless: ClassVar[frozenset[str]] = frozenset({"malformed"})

    def make(self, kind: str, request: Request) -> str:
        if kind == "malformed":
            return _NO_CREDENTIAL
        name, password = request.settings[self.user_setting], request.settings[self.password_setting]
        if ":" in name:
            raise UnusableKey("basic authentication, for the user's name has a colon (RFC 7617 §2)")
        if kind == "wrong_user":
            name = wrong_one(name)
        password = {"wrong_password": wrong_one(password), "without_password": ""}.get(kind, password)
        return base64.b64encode(f"{name}:{password}".encode()).decode()


def wrong_one(text: str) -> str:
    """Another text, always the same one, as long as the right one, or of one character where that is empty."""
    digits = hashlib.sha512(f"not {text}".encode()).hexdigest()
    return (digits * (1 + len(text) // len(digits)))[: max(len(text), 1)]
