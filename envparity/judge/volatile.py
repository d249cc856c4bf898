"""What differs in every run and means nothing: ids, moments, addresses. Replaced by placeholders."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["Placeholders", "same_but_for_ids", "steady", "words_alone"]

_VOLATILE = re.compile(
    r"(?P<time>\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)"
    r"|(?P<uuid>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)"
    # groups of digits joined by "-", 20 or more in all: one of them may be a plain number, or a word
    r"|(?P<joined>\b(?=[0-9a-f-]*[0-9])(?=[0-9a-f-]*[a-f])(?=(?:[0-9a-f]-?){20})[0-9a-f]{4,}(?:-[0-9a-f]{4,})+\b)"
    # 12 or more digits are an id of a container or of an object; 8 or more only where they are no plain number or word
    r"|(?P<hex>\b[0-9a-f]{12,}\b|\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b)"
    r"|(?P<port>(?<=localhost:)\d{1,5}\b|(?<=\d\.\d:)\d{1,5}\b|(?<=\d\.\d\d:)\d{1,5}\b|(?<=\d\.\d\d\d:)\d{1,5}\b)"
)
_ID_OR_NUMBER = re.compile(r"<hex:\d+>|\b(?:\d{8,11}|[a-f]{8,11})\b")
_OWN = re.compile(r"\benvparity-[0-9a-f]+-\w+")  # a folder or a container of a run
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+")
_WHOLE_ONLY = 6  # a generated value shorter than this is replaced only where it is all of a text


class Placeholders:
    """Replaces what is volatile in the texts of one conversation, the same value by the same placeholder.

    `names` maps generated and captured values to the script's own placeholders, `<uuid:m1>`, `<user>`, `<thread>`;
    `volatile` are the names of fields whose values differ in every conversation; `hex_ids` False leaves hexadecimal
    digits alone. Ids are numbered by their first occurrence, so that it still shows whether two are the same; moments
    are not, for two may or may not fall together.
    """

    def __init__(
        self, names: Mapping[str, str] | None = None, volatile: tuple[str, ...] = (), *, hex_ids: bool = True
    ) -> None:
        self._hex_ids = hex_ids
        self._names = {value: name for value, name in (names or {}).items() if _made(value, name)}
        self._volatile = frozenset(volatile)
        self._numbered: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        longest_first = sorted((name for name in self._names if len(name) >= _WHOLE_ONLY), key=lambda n: (-len(n), n))
        self._generated = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """The text with its volatile parts replaced."""
        if self._generated is not None:
            text = self._generated.sub(lambda match: self._names[match[0]], text)
        return _VOLATILE.sub(self._replaced, text)

    def leaf(self, field: str, value: object) -> object:
        """A value of JSON's kinds, neither list nor object, as it stands in the field of that name."""
        if isinstance(value, str) and value in self._names:
            return self._names[value]
        if field not in self._volatile or value is None:
            return self.text(value) if isinstance(value, str) else value
        match = _VOLATILE.fullmatch(value) if isinstance(value, str) else None
        if isinstance(value, str) and (
            field.lower().endswith("id") or (match and match.lastgroup in {"uuid", "hex", "joined"})
        ):
            return self._number(value, field)
        return f"<{field}>"

    def _replaced(self, match: re.Match[str]) -> str:
        kind = "hex" if match.lastgroup == "joined" else str(match.lastgroup)
        if kind == "hex" and not self._hex_ids:
            return match[0]
        return f"<{kind}>" if kind in {"time", "port"} else self._number(match[0], kind)

    def _number(self, value: str, kind: str) -> str:
        if value not in self._numbered:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._numbered[value] = f"<{kind}:{self._counts[kind]}>"
        return self._numbered[value]


def same_but_for_ids(before: str, after: str) -> bool:
    """Whether two texts, with placeholders for ids, are the same where an id of one happened to be a plain number.

    Of random ids with eight hexadecimal digits one in forty has no letter.
    """
    if before == after:
        return True
    if "<hex:" not in before + after:
        return False
    return _ID_OR_NUMBER.sub("<id>", before) == _ID_OR_NUMBER.sub("<id>", after)


def _made(value: str, name: str) -> bool:
    """Whether the script made that value, or it is an id: an answer that it captured is what is to be compared."""
    return ":" in name or name.startswith("<user") or _VOLATILE.fullmatch(value) is not None


def steady(text: str, names: Mapping[str, str] | None = None, *, hex_ids: bool = True) -> str:
    """The text with every volatile part replaced, ids unnumbered: equal in every run that means the same.

    `hex_ids` False leaves hexadecimal digits alone, where they may be a release.
    """
    return re.sub(r"<(uuid|hex):\d+>", r"<\1>", Placeholders(names, hex_ids=hex_ids).text(text))


def words_alone(text: str, names: Mapping[str, str] | None = None) -> str:
    """The steady text without its numbers, nor what only this run is called.

    A port, a duration or an address in memory is another in each boot.
    """
    return _NUMBER.sub("<n>", steady(_OWN.sub("<run>", text.strip()), names))
