r"""A secret that a text holds with characters of it escaped, or with breaks in it: what it is then, and what finds it.

Whoever writes JSON or HTML may escape any character (`\u002B`, `\/`, `&#43;`, `%2b`), and many do so with those of
base64. Whoever prints base64 or hexadecimal digits breaks them into lines, or sets them apart.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache

__all__ = ["broken", "escaped", "unbroken", "unescaped"]

_ESCAPE = re.compile(
    r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|%([0-9a-fA-F]{2})|\\(/)|(&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|\w{1,6});)"
)
_BREAK = re.compile(r"[\s:]+")
_SET_APART = re.compile(r"(?:[0-9a-fA-F]{2}[ :]){8}|[\r\n]")
_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}


def unescaped(text: str) -> str | None:
    """The text with every escape as what it stands for; None where it has none."""
    return _ESCAPE.sub(_character, text) if _ESCAPE.search(text) else None


def unbroken(text: str) -> str | None:
    """The text without its breaks; None where it has none that could be in the middle of a secret."""
    return _BREAK.sub("", text) if _SET_APART.search(text) else None


@lru_cache(maxsize=64)
def escaped(form: str) -> re.Pattern[str]:
    """What finds that form whatever characters of it are escaped, and however."""
    return re.compile("".join(map(_any_form, form)))


@lru_cache(maxsize=64)
def broken(form: str) -> re.Pattern[str]:
    """What finds that form whatever breaks are in it."""
    return re.compile(r"[\s:]*".join(map(re.escape, form)))


def _character(escape: re.Match[str]) -> str:
    digits = escape[1] or escape[2] or escape[3]
    return chr(int(digits, 16)) if digits else escape[4] or html.unescape(escape[5])


def _any_form(character: str) -> str:
    code = ord(character)
    forms = [rf"&#0*{code};", rf"&#[xX]0*(?i:{code:x});"]
    if code <= 0xFFFF:
        forms.append(rf"\\u(?i:{code:04x})")
    if code <= 0xFF:
        forms += [rf"\\x(?i:{code:02x})", rf"%(?i:{code:02x})"]
    if character == "/":
        forms.append(r"\\/")
    if character in _ENTITIES:
        forms.append(f"&{_ENTITIES[character]};")
    return f"(?:{'|'.join((*forms, re.escape(character)))})"  # an escape may begin with what it stands for
