"""Which secrets a text may hold, found without a look for each of them.

A run meets hundreds of tokens, and redacts every text that leaves it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from envparity.support.redaction.spellings import PIECE

__all__ = ["SecretIndex"]

_GRAM = 8  # by so many characters near its end a form is found: tokens begin alike
_STRIDE = 8  # a text is looked at in every so many places, a form has a gram for each of them
_INDEXED = _GRAM + _STRIDE - 1  # the shortest form that has them all
_FEW = 16  # each of so few is looked for faster than all there is in the text
_PIECE_GRAM = PIECE // 2  # whatever has `PIECE` characters of a form holds one of its grams whole


class SecretIndex:
    """Forms of secrets by the grams at their ends, and the grams of those of which a piece is looked for.

    It only grows, so that those who know further secrets share it with those who know fewer: what it gives may be in
    a text, and may be a secret that others alone know of. Whoever asks looks. What is known for a short while only is
    in an index of its own, upon the one `below`, and goes with it.
    """

    def __init__(self, below: SecretIndex | None = None) -> None:
        self._below = below
        self._short: dict[str, None] = {}
        self._long: dict[str, None] = {}
        self._by_gram: defaultdict[str, list[str]] = defaultdict(list)
        self._grams: set[str] = set()

    def add(self, form: str) -> None:
        """One more form."""
        if len(form) < _INDEXED:
            self._short[form] = None
        elif form not in self._long:
            self._long[form] = None
            for at in range(len(form) - _INDEXED, len(form) - _GRAM + 1):
                self._by_gram[form[at : at + _GRAM]].append(form)

    def add_pieces(self, form: str) -> None:
        """Of that form pieces are looked for as well."""
        self._grams.update(form[at : at + _PIECE_GRAM] for at in range(0, len(form) - _PIECE_GRAM + 1, _PIECE_GRAM))

    def candidates(self, text: str) -> Iterator[str]:
        """The forms that the text may hold. One that was added here and below as well comes twice."""
        if self._below is not None:
            yield from self._below.candidates(text)
        yield from self._short
        if len(self._long) <= _FEW:
            yield from self._long
        else:
            grams, by_gram = (text[at : at + _GRAM] for at in range(0, len(text) - _GRAM + 1, _STRIDE)), self._by_gram
            yield from dict.fromkeys(form for gram in grams if gram in by_gram for form in by_gram[gram])

    def may_hold(self, piece: str) -> bool:
        """Whether these `PIECE` characters may be the middle, the beginning or the end of a form."""
        grams = (piece[at : at + _PIECE_GRAM] for at in range(len(piece) - _PIECE_GRAM + 1))
        return any(gram in self._grams for gram in grams) or (self._below is not None and self._below.may_hold(piece))
