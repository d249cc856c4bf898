"""Which of several causes, each of them enough by itself, the evidence speaks of: that one is told first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from envparity.isolate import Part, Trait
from envparity.judge.evidence import (
    Evidence,
    HeadersLost,
    Logged,
    LogQuote,
    SeenIn,
    StartupFailed,
    Traceback,
    WhoAnswered,
)
from envparity.model.environment import Composed, Environment
from envparity.observe.transcript import HandshakeAnswered

__all__ = ["ranked"]

_WORD = re.compile(r"[A-Za-z]{4,}")
_VALUE = re.compile(r"[^\s,;\"'\[\]()]{4,}")
_NAMED, _VALUE_SHOWN, _SAME_WORD = 4, 2, 1


@dataclass(frozen=True)
class _Spoken:
    """What the evidence speaks of: its texts in lower case, and the words in the names of the headers."""

    texts: tuple[str, ...]
    header_words: frozenset[str]


def ranked(
    alternatives: Iterable[Sequence[Trait]], evidence: Iterable[Evidence], failing: Environment
) -> list[Sequence[Trait]]:
    """The alternatives, those first that the evidence names, then those whose value it shows, then those whose name
    has a word of a header of the refused handshake. Of equal ones the first in the file stays first.
    """
    spoken = _spoken(evidence)
    return sorted(alternatives, key=lambda traits: -_weight(traits, spoken, failing))


def _weight(traits: Sequence[Trait], spoken: _Spoken, failing: Environment) -> int:
    return max((_weight_of(part, spoken, failing) for trait in traits for part in trait.parts), default=0)


def _weight_of(part: Part, spoken: _Spoken, failing: Environment) -> int:
    named = part.area == "setting" and any(_is_word_of(part.name.lower(), text) for text in spoken.texts)
    shown = any(_is_word_of(value, text) for value in _values(part, failing) for text in spoken.texts)
    return _NAMED * named + _VALUE_SHOWN * shown + _SAME_WORD * (not spoken.header_words.isdisjoint(_words(part.name)))


def _values(part: Part, failing: Environment) -> set[str]:
    """The texts that stand there in the failing environment, each of a list; no numbers, which stand everywhere."""
    match part.area:
        case "setting":
            setting = failing.settings.get(part.name)
            value: object = setting.around if isinstance(setting, Composed) else setting
        case "ingress" if part.name:
            said = getattr(failing.ingress, part.name)
            value = " ".join(said) if isinstance(said, tuple) else said
        case _:
            return set()
    return {text.lower() for text in _VALUE.findall(value) if _WORD.search(text)} if isinstance(value, str) else set()


def _is_word_of(word: str, text: str) -> bool:
    """Whether the text has it, and not as a piece of a longer name."""
    return re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-]|\.\w)", text) is not None


def _words(name: str) -> frozenset[str]:
    """The words of a name, in lower case and in the singular: `ALLOWED_HOSTS` has `allowed` and `host`."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ")
    return frozenset(word.lower().removesuffix("s") for word in _WORD.findall(split))


def _spoken(evidence: Iterable[Evidence]) -> _Spoken:
    texts: list[str] = []
    words: set[str] = set()
    for piece in _flat(evidence):
        match piece:
            case Logged(lines=lines) | LogQuote(lines=lines) | Traceback(lines=lines):
                texts += lines
            case StartupFailed():
                texts += [piece.description, piece.action]
            case WhoAnswered(handshake=answer) | HeadersLost(handshake=answer):
                texts += _of_headers(answer)
                words |= {word for one in answer.sent for word in _words(one.name)}
            case _:
                continue
    return _Spoken(tuple(text.lower() for text in texts), frozenset(words))


def _of_headers(answer: HandshakeAnswered) -> list[str]:
    headers = (*answer.sent, *(answer.arrived or ()))
    return [answer.body, *(one.value for one in headers if one.value is not None)]


def _flat(evidence: Iterable[Evidence]) -> Iterable[Evidence]:
    for piece in evidence:
        yield from piece.evidence if isinstance(piece, SeenIn) else (piece,)
