"""In which spellings a secret travels, and what of it is left at the edge of a text where it was cut in two."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

from envparity.support.redaction.names import SHORTEST, secrets_in

__all__ = ["IN_COOKIES", "PIECE", "cut_off", "spellings"]

PIECE = 12
"""How many characters of a secret are told from chance, where not all of it is there."""
IN_COOKIES = "!#$&'()*+-./:<=>?@[]^_`{|}~"
"""What stands for itself in a cookie's value (RFC 6265 §4.1.1), beside letters and digits; of the rest % is written."""

_LINE = 16  # of a secret of several lines, each with so many characters is one
_IN_ANY_CASE = 12
_BASE64 = 6  # a shorter run of digits occurs by chance
_BREAKS = " …."


@lru_cache(maxsize=1024)
def spellings(secret: str) -> tuple[str, ...]:
    """Every spelling in which that secret is looked for, and those of what is a secret within it."""
    long = (line for line in secret.splitlines() if len(line) >= _LINE and not line.startswith("-----"))
    lines = tuple(long) if "\n" in secret else ()
    values = dict.fromkeys((secret, secret.strip(), *secrets_in(secret), *lines))
    return tuple(dict.fromkeys(form for value in values if value.strip() for form in _forms(value)))


def cut_off(text: str, form: str) -> tuple[int, int]:
    """How many characters the text begins with that `form` ends with, and ends with that it begins with."""
    head = _common(form[::-1], text[: len(form)][::-1])
    ended = text.rstrip(_BREAKS)
    tail = _common(form, ended[-len(form) :])
    return head, tail + (len(text) - len(ended) if tail else 0)


def _common(form: str, text: str) -> int:
    """How many characters `text` ends with that `form` begins with, from `PIECE` on."""
    at = text.find(form[:PIECE])
    while at >= 0:
        if form.startswith(text[at:]):
            return len(text) - at
        at = text.find(form[:PIECE], at + 1)
    return 0


def _forms(value: str) -> Iterator[str]:
    encoded = _encoded(value)
    yield value
    quoted = [quote(encoded, safe=""), quote(encoded), quote_plus(encoded), quote(encoded, safe=IN_COOKIES)]
    quoted.append(quote(quoted[0], safe=""))
    yield from quoted
    yield from (re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), form) for form in quoted)
    in_json = (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield from in_json
    yield from (json.dumps(form)[1:-1] for form in in_json)
    yield repr(value)[1:-1]
    yield repr(encoded)[2:-1]
    yield html.escape(value)
    if len(value) >= _IN_ANY_CASE:
        yield from (value.upper(), value.lower())
    if len(value) >= SHORTEST:
        yield from (encoded.hex(), encoded.hex().upper())
    yield from _base64_forms(encoded)


def _encoded(value: str) -> bytes:
    """As bytes, whatever is in it: what the system has given byte by byte is that again."""
    try:
        return value.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return value.encode(errors="surrogatepass")


def _base64_forms(value: bytes) -> Iterator[str]:
    """The characters that the value alone decides, whatever stands before and behind it (RFC 4648 §4 and §5)."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value).rstrip(b"=")
        first = (before * 8 + 5) // 6  # the first character without a bit of what stands before
        last = (before + len(value)) * 8 // 6  # and the last without a bit of what stands behind
        core = encoded[first:last].decode()
        if len(core) >= _BASE64:
            yield core
            yield core.translate(str.maketrans("+/", "-_"))
