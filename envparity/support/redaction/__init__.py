"""What is a secret, and how it is taken out of everything that leaves an observation. One place for both.

A secret is shown by its name, `{setting:JWT_SECRET}`, wherever it travelled: in a frame, a header, a query, a log line,
a report or an error. It is found in every spelling of `spellings`; a secret that is a URL counts with its password too.
Where it was cut in two, what is left at the edge of a text goes as well. Besides, what is a secret by its shape goes
(`shapes`): the password of any URL, any JSON Web Token. SECURITY.md says what is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, TypeVar

import msgspec

from envparity.support.redaction.escapes import broken, escaped, unbroken, unescaped
from envparity.support.redaction.index import SecretIndex
from envparity.support.redaction.names import is_secret, is_secret_name, password_in, secrets_in
from envparity.support.redaction.rebuilding import rebuilt
from envparity.support.redaction.shapes import REDACTED, without_shapes
from envparity.support.redaction.spellings import PIECE, cut_off, spellings

__all__ = ["REDACTED", "Redaction", "is_secret", "is_secret_name", "password_in", "redact", "without_shapes"]

_WHOLE_WORD_BELOW = 8  # a secret with fewer characters is replaced only where it stands by itself
_CUT_FROM = 2 * PIECE  # of what is shorter no half can be told from chance

S = TypeVar("S", bound=msgspec.Struct)


@dataclass
class _Known:
    """What is replaced: secrets as they were told, the name of each form, and of which forms pieces are looked for."""

    secrets: tuple[tuple[str, str], ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    cuttable: dict[str, None] = field(default_factory=dict)
    index: SecretIndex = field(default_factory=SecretIndex)

    def copy(self) -> _Known:
        """The same, to which more can be added; the index is shared."""
        return _Known(self.secrets, dict(self.names), dict(self.cuttable), self.index)

    def upon(self) -> _Known:
        """The same, to which more can be added that others need not be asked about."""
        return _Known(self.secrets, dict(self.names), dict(self.cuttable), SecretIndex(self.index))

    def add(self, form: str, name: str, *, cuttable: bool) -> None:
        """One more form; the first name of it counts."""
        if form not in self.names:
            self.names[form] = name
            self.index.add(form)
        if cuttable and form not in self.cuttable:
            self.cuttable[form] = None
            self.index.add_pieces(form)


class Redaction:
    """Replaces secrets by names. `secrets` are pairs of a value and what is shown for it; the first name counts."""

    def __init__(self, secrets: Iterable[tuple[str, str]] = (), known: _Known | None = None) -> None:
        """`known` is what is replaced besides, to which these are added."""
        self._known = known = _Known() if known is None else known
        for value, name in secrets:
            known.secrets += ((value, name),)
            # What is around the password of a URL is no secret, however it is spelled.
            parts = secrets_in(value) if _is_url(value) else (value,)
            cuttable = {form for part in parts for form in spellings(part) if len(form) >= _CUT_FROM}
            for form in spellings(value):
                known.add(form, name, cuttable=form in cuttable)

    def __repr__(self) -> str:
        return f"Redaction(of {len(self._known.names)} forms)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Redaction) and self._known.names == other._known.names

    def __hash__(self) -> int:
        return hash(frozenset(self._known.names))

    @property
    def values(self) -> tuple[str, ...]:
        """The secrets themselves, for those who have to look whether one got out."""
        return tuple(value for value, _ in self._known.secrets)

    @property
    def secrets(self) -> tuple[tuple[str, str], ...]:
        """The secrets themselves with what is shown for each, for one that replaces more."""
        return self._known.secrets

    def and_of(self, secrets: Iterable[tuple[str, str]]) -> Redaction:
        """One that replaces these as well."""
        return Redaction(secrets, self._known.copy())

    def for_a_while(self, secrets: Mapping[str, str]) -> Redaction:
        """One that replaces these as well, of which this one keeps nothing: those of one conversation of many.

        What is said here is shown for a secret, whatever was shown for it before.
        """
        known = self._known.upon()
        known.names |= {
            form: shown for value, shown in secrets.items() for form in spellings(value) if form in known.names
        }
        return Redaction(secrets.items(), known)

    def text(self, text: str) -> str:
        """The text without a secret in it."""
        held = self._held(text)
        if len(held) == 1 and len(held[0]) >= _WHOLE_WORD_BELOW:  # such as a token, which no later text holds
            text = text.replace(held[0], self._known.names[held[0]])
        elif held:
            text = _pattern(held).sub(lambda match: self._known.names[match[0]], text)
        if len(text) >= PIECE and self._known.cuttable:
            text = self._without_pieces(self._without_escaped_ones(text))
        return without_shapes(text)

    def plain(self, value: Any) -> Any:
        """A value of JSON's kinds without a secret at any depth, in keys neither."""
        return rebuilt(value, cache(self.text))

    def struct(self, value: S) -> S:
        """The same struct without a secret in any of its texts."""
        made: S = rebuilt(value, cache(self.text))  # most texts of an observation are there many times
        return made

    def _held(self, text: str) -> tuple[str, ...]:
        """The forms that are in it, the longest first: a short secret must not break up a long one that contains it."""
        names = self._known.names
        there = {form for form in self._known.index.candidates(text) if form in names and form in text}
        return tuple(_longest_first(there)) if there else ()

    def _without_escaped_ones(self, text: str) -> str:
        """Without a secret of which characters are escaped, or that has breaks in it."""
        for plain_of, finding in ((unescaped, escaped), (unbroken, broken)):
            plain = plain_of(text)
            for form in self._held(plain) if plain is not None else ():
                if form in self._known.cuttable and form not in text:
                    text = finding(form).sub(self._known.names[form], text)
        return text

    def _without_pieces(self, text: str) -> str:
        """Without the end of a secret at its beginning, the beginning of one at its end, or the middle of one."""
        ended = text.rstrip(" ….")
        if not (self._known.index.may_hold(text[:PIECE]) or self._known.index.may_hold(ended[-PIECE:])):
            return text
        for form in _longest_first(self._known.cuttable):
            if text in form:
                return self._known.names[form]
            head, tail = cut_off(text, form)
            if head:
                text = self._known.names[form] + text[head:]
            if tail:
                text = text[: len(text) - tail] + self._known.names[form]
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


def _longest_first(forms: Iterable[str]) -> list[str]:
    return sorted(forms, key=lambda form: (-len(form), form))


def _is_url(value: str) -> bool:
    return "://" in value
