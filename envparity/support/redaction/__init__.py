"""What is a secret, and how it is taken out of everything that leaves an observation. One place for both.

A secret is shown by its name, `{setting:JWT_SECRET}`, wherever it travelled: in a frame, a header, a query, a log line,
a report or an error. It is found in every spelling of `spellings`; a secret that is a URL counts with its password too.
Where it was cut in two, what is left at the edge of a text goes as well. Besides, what is a secret by its shape goes
(`shapes`): the password of any URL, any JSON Web Token. SECURITY.md says what is not found.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from envparity.support.redaction.escapes import broken, escaped, unbroken, unescaped
from envparity.support.redaction.names import is_secret, is_secret_name, password_in, secrets_in
from envparity.support.redaction.rebuilding import rebuilt
from envparity.support.redaction.shapes import REDACTED, without_shapes
from envparity.support.redaction.spellings import PIECE, cut_off, spellings

__all__ = ["REDACTED", "Redaction", "is_secret", "is_secret_name", "password_in", "redact", "without_shapes"]

_WHOLE_WORD_BELOW = 8  # a secret with fewer characters is replaced only where it stands by itself
_CUT_FROM = 2 * PIECE  # of what is shorter no half can be told from chance

S = TypeVar("S", bound=msgspec.Struct)


class Redaction:
    """Replaces secrets by names. `secrets` are pairs of a value and what is shown for it; the first name counts."""

    def __init__(self, secrets: Iterable[tuple[str, str]] = ()) -> None:
        self._secrets = tuple(secrets)
        self._names: dict[str, str] = {}
        cuttable: set[str] = set()
        for value, name in self._secrets:
            for form in spellings(value):
                self._names.setdefault(form, name)
            # What is around the password of a URL is no secret, however it is spelled.
            for part in secrets_in(value) if _is_url(value) else (value,):
                cuttable.update(form for form in spellings(part) if len(form) >= _CUT_FROM)
        # The longest first: a short secret must not break up a long one that contains it.
        self._ordered = sorted(self._names, key=lambda form: (-len(form), form))
        self._shortest_first = [len(form) for form in reversed(self._ordered)]
        self._cuttable = tuple(form for form in self._ordered if form in cuttable)
        self._all_cuttable = "\0".join(self._cuttable)

    def __repr__(self) -> str:
        return f"Redaction(of {len(self._names)} forms)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Redaction) and self._names == other._names

    def __hash__(self) -> int:
        return hash(frozenset(self._names))

    @property
    def values(self) -> tuple[str, ...]:
        """The secrets themselves, for those who have to look whether one got out."""
        return tuple(value for value, _ in self._secrets)

    @property
    def secrets(self) -> tuple[tuple[str, str], ...]:
        """The secrets themselves with what is shown for each, for one that replaces more."""
        return self._secrets

    def and_of(self, secrets: Iterable[tuple[str, str]]) -> Redaction:
        """One that replaces these as well."""
        return Redaction((*self._secrets, *secrets))

    def text(self, text: str) -> str:
        """The text without a secret in it."""
        # Most texts hold none, and looking for each that fits is cheaper by far than a pattern of all of them.
        fitting = bisect.bisect_right(self._shortest_first, len(text))
        held = tuple([form for form in self._ordered[-fitting:] if form in text]) if fitting else ()
        if len(held) == 1 and len(held[0]) >= _WHOLE_WORD_BELOW:  # such as a token, which no later text holds
            text = text.replace(held[0], self._names[held[0]])
        elif held:
            text = _pattern(held).sub(lambda match: self._names[match[0]], text)
        if len(text) >= PIECE and self._cuttable:
            text = self._without_pieces(self._without_escaped_ones(text))
        return without_shapes(text)

    def plain(self, value: Any) -> Any:
        """A value of JSON's kinds without a secret at any depth, in keys neither."""
        return rebuilt(value, self.text)

    def struct(self, value: S) -> S:
        """The same struct without a secret in any of its texts."""
        made: S = rebuilt(value, self.text)
        return made

    def _without_escaped_ones(self, text: str) -> str:
        """Without a secret of which characters are escaped, or that has breaks in it."""
        for plain_of, finding in ((unescaped, escaped), (unbroken, broken)):
            plain = plain_of(text)
            for form in self._cuttable if plain is not None else ():
                if plain is not None and form in plain and form not in text:
                    text = finding(form).sub(self._names[form], text)
        return text

    def _without_pieces(self, text: str) -> str:
        """Without the end of a secret at its beginning, the beginning of one at its end, or the middle of one."""
        ended = text.rstrip(" ….")
        if text[:PIECE] not in self._all_cuttable and ended[-PIECE:] not in self._all_cuttable:
            return text
        for form in self._cuttable:
            if text in form:
                return self._names[form]
            head, tail = cut_off(text, form)
            if head:
                text = self._names[form] + text[head:]
            if tail:
                text = text[: len(text) - tail] + self._names[form]
        return text


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with every one of these secrets, and what is one by its shape, replaced by `<redacted>`."""
    return Redaction((secret, REDACTED) for secret in secrets).text(text)


@lru_cache(maxsize=256)
def _pattern(forms: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_as_pattern, forms)))


def _as_pattern(form: str) -> str:
    escaped = re.escape(form)
    return rf"(?<!\w){escaped}(?!\w)" if len(form) < _WHOLE_WORD_BELOW else escaped


def _is_url(value: str) -> bool:
    return "://" in value
