"""Which secrets a text may hold, found without a look for each.

A run meets hundreds of tokens, and redacts every text that leaves it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from envparity.support.redaction.spellings import PIECE

__all__ = ["SecretIndex"]

_TAIL = 8  # by its last characters a form is found: tokens begin alike
_FEW = 16  # each of so few is looked for faster than all there is in the text
_GRAM = PIECE // 2  # whatever has `PIECE` characters of a form holds one of its grams whole


class SecretIndex:
    """Forms of secrets by what they end with, and the grams of those of which a piece is looked for.

    It only grows, so that those who know further secrets share it with those who know fewer: what it gives may be in
    a text, and may be a secret that others alone know of. Whoever asks looks.
    """

    def __init__(self) -> None:
        self._by_tail: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._short: dict[str, None] = {}
        self._grams: set[str] = set()

    def add(self, form: str) -> None:
        """One more form."""
        if len(form) < _TAIL:
            self._short[form] = None
        else:
            self._by_tail[form[-_TAIL:]][form] = None

    def add_pieces(self, form: str) -> None:
        """Of that form pieces are looked for as well."""
        self._grams.update(form[at : at + _GRAM] for at in range(0, len(form) - _GRAM + 1, _GRAM))

    def candidates(self, text: str) -> Iterator[str]:
        """The forms that the text may hold, each once."""
        yield from self._short
        tails = self._by_tail
        if len(tails) <= _FEW:
            found = [tail for tail in tails if tail in text]
        else:
            ends = (text[at : at + _TAIL] for at in range(len(text) - _TAIL + 1))
            found = [*dict.fromkeys(end for end in ends if end in tails)]
        for tail in found:
            yield from tails[tail]

    def may_hold(self, piece: str) -> bool:
        """Whether these `PIECE` characters may be the middle, the beginning or the end of a form."""
        return any(piece[at : at + _GRAM] in self._grams for at in range(len(piece) - _GRAM + 1))
