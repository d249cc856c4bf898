"""Takes secrets out of text before anybody sees it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

__all__ = ["REDACTED", "redact"]

REDACTED = "<redacted>"

_PASSWORD_IN_URL = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.-]*://[^\s:/?#@]*:)[^\s/?#]+(?=@)")


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret replaced by `<redacted>`.

    A secret is found as it is, URL-encoded, JSON-escaped and in base64 (at any offset, so also within
    `user:password`). A secret that is a URL counts with its password too, and the password of any other URL in the
    text goes as well.
    """
    forms = {form for secret in secrets for form in _forms(secret)}
    if forms:
        # The longest first: a short secret must not break up a long one that contains it.
        text = re.sub("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)), REDACTED, text)
    return _PASSWORD_IN_URL.sub(rf"\g<before>{REDACTED}", text)


def _forms(secret: str) -> Iterator[str]:
    for value in {secret, secret.strip(), *_passwords(secret)}:
        if not value.strip():
            continue
        yield value
        yield from {quote(value, safe=""), quote(value), quote_plus(value), json.dumps(value)[1:-1]}
        yield from _base64_forms(value.encode())


def _passwords(secret: str) -> Iterator[str]:
    try:
        password = urlsplit(secret).password if "://" in secret else None
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)


def _base64_forms(value: bytes) -> Iterator[str]:
    """The characters that the value alone decides, whatever stands before and behind it (RFC 4648 §4 and §5)."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value).rstrip(b"=")
        first = (before * 8 + 5) // 6  # the first character without a bit of what stands before
        last = (before + len(value)) * 8 // 6  # and the last without a bit of what stands behind
        core = encoded[first:last].decode()
        if len(core) >= 6:  # a shorter run occurs by chance
            yield core
            yield core.translate(str.maketrans("+/", "-_"))
