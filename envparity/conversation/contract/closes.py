"""Close codes, which AsyncAPI does not know: `x-close-codes`, at the root or in a channel, as documents spell them.

- codes with objects: `{1008: {reasons: [expired]}}`; `{name}` in a reason stands for a word
- codes with a text, or with a list of reasons: `{1008: expired}`; a text of several words says when, and is no reason
- a list of objects: `[{code: 1008, reason: Unauthorized}]`

The extension is called `x-websocket-close-codes` too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from envparity.conversation.contract.description import Channel
from envparity.conversation.contract.documents import DocumentPlace, Documents

__all__ = ["CloseRules", "close_rules"]

_NAMES: Final = ("x-close-codes", "x-websocket-close-codes")
_CLOSE_CODES: Final = range(1000, 5000)
_A_REASON: Final = re.compile(r"[\w.:{}/-]*")

CloseRules = dict[int, tuple[re.Pattern[str], ...]]
"""By close code (RFC 6455 §7.4), the reasons that go with it; none: any."""


def close_rules(documents: Documents, channels: Iterable[Channel]) -> CloseRules:
    """What the document says of closes, in these channels and for all of them; what is wrong with it is noted."""
    reasons: dict[int, list[str]] = {}
    free: set[int] = set()
    for holder in (documents.root, *(channel.place for channel in channels)):
        for name in _NAMES:
            for code, said in _entries(documents, holder.below(name)):
                if said is None:
                    free.add(code)
                reasons.setdefault(code, []).extend(said or [])
    return {code: () if code in free else tuple(map(_pattern, said)) for code, said in reasons.items()}


def _entries(documents: Documents, place: DocumentPlace) -> Iterator[tuple[int, list[str] | None]]:
    """Each code with its reasons; None where any goes with it."""
    if place.value is None:
        return
    if isinstance(place.value, list):
        for each_place in place.items():
            code = each_place.value.get("code") if isinstance(each_place.value, dict) else each_place.value
            yield from _entry(documents, each_place, code, each_place)
    elif isinstance(place.value, dict):
        for code in place.value:
            yield from _entry(documents, place.below(code), code, place.below(code))
    else:
        documents.mistake(place, "rules by close code, or a list of them", repr(place.value))


def _entry(
    documents: Documents, at: DocumentPlace, code: object, rule: DocumentPlace
) -> Iterator[tuple[int, list[str] | None]]:
    if not str(code).isdecimal() or int(str(code)) not in _CLOSE_CODES:
        documents.mistake(at, "a close code from 1000 to 4999", repr(code))
        return
    said = rule.value
    if isinstance(said, dict):
        if not isinstance(said.get("reasons", []), list):
            documents.mistake(at, "an object, with a list of reasons if any", repr(said))
            return
        given = [*said.get("reasons", []), *([said["reason"]] if "reason" in said else [])]
        yield int(str(code)), [str(value) for value in given] or None
    elif isinstance(said, list):
        yield int(str(code)), [str(value) for value in said] or None
    elif isinstance(said, str) and rule.value is not code:
        yield int(str(code)), [said] if said and _A_REASON.fullmatch(said) else None
    elif said is None or said is code:
        yield int(str(code)), None
    else:
        documents.mistake(at, "reasons: an object, a list or a text", repr(said))


def _pattern(reason: str) -> re.Pattern[str]:
    """A reason as a pattern: `startup_failed:{component}`."""
    return re.compile(re.sub(r"\\\{\w+\\\}", r"[\\w.-]+", re.escape(reason)))
