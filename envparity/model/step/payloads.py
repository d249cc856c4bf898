"""Messages of bytes and patterns of messages, as steps write them: `hex:101a`, `base64:EBo=`, `text:^INFO `."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping

from envparity.model.step.values import UNESCAPED
from envparity.support.patterns import Pattern

__all__ = ["bytes_pattern", "payload", "placeholders_of", "text_pattern"]

_HEX_OR_ANY = re.compile(r"(?:\s*(?:[0-9A-Fa-f]{2}|\?\?))*\s*(\*?)\s*")


def payload(text: str) -> bytes:
    """The bytes that `hex:…`, `base64:…` or `text:…` stands for. Raises ValueError for anything else."""
    form, _, body = text.partition(":")
    match form:
        case "hex":
            return bytes.fromhex(body)
        case "base64":
            return base64.b64decode(body, validate=True)
        case "text":
            return body.encode()
        case _:
            raise ValueError("hex:…, base64:… or text:…")


def bytes_pattern(text: str, values: Mapping[str, object]) -> Pattern[bytes]:
    """What finds the messages that are meant: `text:` a regular expression that is searched for, in UTF-8; else all of
    the message, where in `hex:` a `??` stands for any byte and a `*` at the end for whatever follows.

    `values` fill the placeholders of a `text:`. Raises ValueError for what is none of these.
    """
    form, _, body = text.partition(":")
    if form == "text":
        return Pattern(_filled(body, values).encode())
    if form != "hex":
        return Pattern(rb"(?s)\A%s\Z" % re.escape(payload(text)))
    whole = _HEX_OR_ANY.fullmatch(body)
    if whole is None:
        raise ValueError("two hexadecimal digits or ?? for each byte, and * at the end for whatever follows")
    bytes_ = (
        b"." if pair == "??" else re.escape(bytes.fromhex(pair)) for pair in re.findall(r"[0-9A-Fa-f]{2}|\?\?", body)
    )
    return Pattern(rb"(?s)\A%s%s\Z" % (b"".join(bytes_), b".*" if whole[1] else b""))


def text_pattern(text: str, values: Mapping[str, object]) -> Pattern[str]:
    """The regular expression, its placeholders filled in as the words that they are. Raises ValueError for none."""
    return Pattern(_filled(text, values))


def placeholders_of(pattern: str) -> Iterator[tuple[str, str]]:
    """The placeholders of a pattern, as (name, argument); an escaped brace begins none."""
    for match in UNESCAPED.finditer(pattern):
        yield match[1], match[2] or ""


def _filled(pattern: str, values: Mapping[str, object]) -> str:
    """The pattern with its values as words. An escaped brace begins no placeholder."""

    def word(match: re.Match[str]) -> str:
        return re.escape(str(values.get(match[0][1:-1], match[0])))

    return UNESCAPED.sub(word, pattern)
