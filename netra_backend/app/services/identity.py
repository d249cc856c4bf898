"""Who somebody is, and that a token does not say so."""

from __future__ import annotations

from typing import NamedTuple


class TokenRefused(Exception):
    """A token is not accepted; `code` says why, in the words that the client gets."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class Identity(NamedTuple):
    """Who the token speaks for. The id is whatever the identity provider says: numeric, UUID, `google-oauth2|…`."""

    user_id: str
