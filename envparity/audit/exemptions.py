"""Lines that a comment exempts, with a reason: `# envparity: allow EP658, EP606 because …`.

The comment stands behind the code of any line of the statement, or on lines of its own directly above it.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from envparity.audit.finding import Raised
from envparity.audit.rules import BY_CODE

__all__ = ["ExemptingComment", "apply", "exemptions_in"]

_COMMENT = re.compile(r"#\s*envparity:\s*allow\b(?P<codes>[^#]*?)(?:\bbecause\b(?P<reason>.*))?$")
_CODE = re.compile(r"EP\d{3}")
_SEPARATORS = re.compile(r"[\s,]+|\band\b")


@dataclass(frozen=True)
class ExemptingComment:
    """One such comment: the line that it stands on, the line that it is about, what it allows, and why."""

    module: str
    line: int
    about: int
    codes: tuple[str, ...]
    unknown: tuple[str, ...]
    reason: str


def exemptions_in(module: str, source: str) -> Iterator[ExemptingComment]:
    """Every such comment of a module's source."""
    if "envparity:" not in source:
        return
    rows = source.splitlines()
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return  # it cannot be imported either, and that is said
    for token in tokens:
        found = _COMMENT.search(token.string) if token.type == tokenize.COMMENT else None
        if found is not None:
            row = token.start[0]
            about = row
            while not rows[about - 1].partition("#")[0].strip() and about < len(rows):
                about += 1
            words = [value for value in _SEPARATORS.split(found["codes"]) if value]
            codes = tuple(word for word in words if word in BY_CODE and _CODE.fullmatch(word))
            unknown = tuple(word for word in words if word not in codes)
            yield ExemptingComment(module, row, about, codes, unknown, (found["reason"] or "").strip(" .…"))


def apply(
    found: Sequence[Raised], sources: Mapping[str, str], checked: frozenset[str]
) -> tuple[list[Raised], list[tuple[Raised, str]]]:
    """What remains, and what is exempted with its reason. EP608 is raised here; `checked` are the codes looked for."""
    exemptions = [exemption for module, source in sources.items() for exemption in exemptions_in(module, source)]
    used: set[tuple[ExemptingComment, str]] = set()
    remaining, exempted = [], []
    for raised in found:
        lines = range(raised.line, max(raised.line, raised.end_line) + 1)
        allowing = [
            held
            for held in exemptions
            if held.module == raised.module and raised.code in held.codes and held.about in lines and held.reason
        ]
        used.update((held, raised.code) for held in allowing)
        if allowing:
            exempted.append((raised, allowing[0].reason))
        else:
            remaining.append(raised)
    if "EP608" in checked:
        remaining += [bad for held in exemptions for bad in _wrong(held, used, checked)]
    return remaining, exempted


def _wrong(
    held: ExemptingComment, used: set[tuple[ExemptingComment, str]], checked: frozenset[str]
) -> Iterator[Raised]:
    if held.unknown or not held.codes:
        got = f"allows {' '.join(held.unknown) or 'nothing'}, which is no rule of the audit"
        yield Raised("EP608", held.module, held.line, got)
    if not held.reason:
        yield Raised("EP608", held.module, held.line, "gives no reason (because …), so nothing is allowed")
        return
    for code in held.codes:
        if (held, code) not in used and code in checked:
            yield Raised("EP608", held.module, held.line, f"allows {code}, which does not occur here")
