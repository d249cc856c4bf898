"""A token that the backend knows by heart: whoever has it is let in, as whom it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import msgspec

from envparity.auth.keys import setting_name
from envparity.auth.passwords import wrong_one
from envparity.auth.scheme import Request, Scheme

__all__ = ["StaticToken"]


class StaticToken(Scheme, frozen=True):
    """One token for everybody, which a setting of the backend holds. There is no user but its own."""

    token_setting: Annotated[str, setting_name("that holds the token")]
    user: Annotated[str, msgspec.Meta(description="the id of the user whom the token names")] = ""

    kinds: ClassVar[Mapping[str, str]] = {
        "valid": "the token",
        "malformed": "no token at all",
        "wrong": "another token, as long as the right one",
    }
    keyless: ClassVar[frozenset[str]] = frozenset({"malformed"})

    @property
    def signing_setting(self) -> str:
        return self.token_setting

    @property
    def key_of_signing(self) -> str:
        return "token_setting"

    @property
    def subject(self) -> str:
        return self.user

    def make(self, kind: str, request: Request) -> str:
        if kind == "malformed":
            return "this is not a token"
        token = request.settings[self.token_setting]
        return wrong_one(token) if kind == "wrong" else token
