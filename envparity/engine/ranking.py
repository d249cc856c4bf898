"""Which traits the evidence speaks of: those are asked about first, and told first where several are enough."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from envparity.isolate import Part, Trait
from envparity.judge.evidence import (
    Evidence,
    Excerpt,
    HeadersLost,
    Logged,
    LogQuote,
    ReplicasReached,
    SeenIn,
    StartupFailed,
    Traceback,
    WhoAnswered,
)
from envparity.model.environment import Composed, Environment
from envparity.observe.transcript import ConnectionClosed, HandshakeAnswered

__all__ = ["likely", "ranked", "weights"]

_WORD = re.compile(r"[A-Za-z]{4,}")
_VALUE = re.compile(r"[^\s,;\"'\[\]()]{4,}")
_NAMED, _VALUE_SHOWN, _SAME_WORD = 4, 2, 1


_ABOUT = 0.2  # by what share of it a time may be missed and be meant
_WITHOUT_A_CLOSE = 1006  # RFC 6455 §7.1.5


@dataclass
class _Spoken:
    """What the evidence speaks of: its texts in lower case, and the words in the names of the headers.

    `apart`: connections that were on different replicas. `cut_after_s`: how long it was quiet before the server's side
    of a connection was gone without a close.
    """

    texts: list[str] = field(default_factory=list)
    header_words: set[str] = field(default_factory=set)
    apart: bool = False
    cut_after_s: list[float] = field(default_factory=list)


def ranked(
    alternatives: Iterable[Sequence[Trait]], evidence: Iterable[Evidence], failing: Environment
) -> list[Sequence[Trait]]:
    """The alternatives, those first that the evidence names, then those whose value it shows, then those whose name
    has a word of a header of the refused handshake. Of equal ones the first in the file stays first.
    """
    spoken = _spoken(evidence)
    return sorted(alternatives, key=lambda traits: -_weight(traits, spoken, failing))


def weights(traits: Iterable[Trait], evidence: Iterable[Evidence], failing: Environment) -> dict[Trait, int]:
    """How much the evidence speaks for each of these traits."""
    spoken = _spoken(evidence)
    return {trait: _weight((trait,), spoken, failing) for trait in traits}


def likely(traits: Sequence[Trait], evidence: Iterable[Evidence], failing: Environment) -> tuple[Trait, ...]:
    """The trait that the evidence speaks of more than of any other; none where several are named alike, or none is."""
    weighed = weights(traits, evidence, failing)
    most = max(weighed.values(), default=0)
    named = tuple(trait for trait, weight in weighed.items() if weight == most)
    return named if most >= _VALUE_SHOWN and len(named) == 1 else ()


def _weight(traits: Sequence[Trait], spoken: _Spoken, failing: Environment) -> int:
    return max((_weight_of(part, spoken, failing) for trait in traits for part in trait.parts), default=0)


def _weight_of(part: Part, spoken: _Spoken, failing: Environment) -> int:
    named = part.area == "setting" and any(_is_word_of(part.name.lower(), text) for text in spoken.texts)
    shown = any(_is_word_of(value, text) for value in _values(part, failing) for text in spoken.texts)
    weight = _NAMED * named + _VALUE_SHOWN * (shown or _is_seen(part, spoken, failing))
    return weight + _SAME_WORD * (not spoken.header_words.isdisjoint(_words(part.name)))


def _is_seen(part: Part, spoken: _Spoken, failing: Environment) -> bool:
    """Whether what the clients saw is what that part does: they were apart, or cut off when it was quiet so long."""
    match part.area, part.name:
        case "platform", "replicas":
            return spoken.apart
        case "ingress", "idle_timeout_s":
            idle_s = failing.ingress.idle_timeout_s
            return any(abs(quiet_s - idle_s) <= _ABOUT * idle_s for quiet_s in spoken.cut_after_s)
        case _:
            return False


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
    spoken = _Spoken()
    for piece in _flat(evidence):
        match piece:
            case Logged(lines=lines) | LogQuote(lines=lines) | Traceback(lines=lines):
                spoken.texts += (line.lower() for line in lines)
            case StartupFailed():
                spoken.texts += (piece.description.lower(), piece.action.lower())
            case WhoAnswered(handshake=answer) | HeadersLost(handshake=answer):
                spoken.texts += (text.lower() for text in _of_headers(answer))
                spoken.header_words |= {word for header in answer.sent for word in _words(header.name)}
            case ReplicasReached(replicas=replicas):
                spoken.apart = len({replica for _, replica in replicas}) > 1
            case Excerpt():
                spoken.cut_after_s += _quiet_before_a_cut(piece)
            case _:
                continue
    return spoken


def _quiet_before_a_cut(excerpt: Excerpt) -> Iterable[float]:
    for before, event in pairwise(excerpt.events):
        if isinstance(event, ConnectionClosed) and event.by == "server" and event.code == _WITHOUT_A_CLOSE:
            yield event.at_s - before.at_s


def _of_headers(answer: HandshakeAnswered) -> list[str]:
    headers = (*answer.sent, *(answer.arrived or ()))
    return [answer.body, *(header.value for header in headers if header.value is not None)]


def _flat(evidence: Iterable[Evidence]) -> Iterable[Evidence]:
    for piece in evidence:
        yield from piece.evidence if isinstance(piece, SeenIn) else (piece,)
