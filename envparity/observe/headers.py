"""Headers and cookies, as they were sent and answered."""

from __future__ import annotations

import msgspec

__all__ = ["Cookie", "Header"]


class Header(msgspec.Struct, frozen=True):
    """A header of a request or an answer; `value` None: that it was there is all that is known."""

    name: str
    value: str | None = None


class Cookie(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cookie that an answer set, by its attributes (RFC 6265 §4.1); its value is written down nowhere.

    `domain` and `path` are "" where the answer does not say them, `{host}` stands for the host that was asked.
    `lasting`: it outlives the session. `refused` is why a client does not keep it; "" where it does.
    """

    name: str
    secure: bool = False
    http_only: bool = False
    same_site: str = ""
    domain: str = ""
    path: str = ""
    lasting: bool = False
    refused: str = ""
