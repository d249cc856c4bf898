"""What a PromQL expression names: metrics, and the labels that it asks of them. A reader of names, not a parser."""

from __future__ import annotations

import re

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_RANGE = re.compile(r"\[[^\]]*\]")
_OFFSET = re.compile(r"\boffset\s+\S+")
_NAME = re.compile(r"(?<![\w:.$])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])")
_KEYWORDS = frozenset({"and", "or", "unless", "bool", "by", "without", "on", "ignoring", "group_left", "group_right"})


def metrics_of(expression: str) -> set[str]:
    """The names of the metrics of an expression."""
    bare = _STRINGS.sub('""', expression)
    for pattern in (_RANGE, _OFFSET):
        bare = pattern.sub(" ", bare)
    bare = _GROUPING.sub(" ", bare)
    bare = re.sub(r"\{[^}]*\}", " ", bare)
    return {name for name in _NAME.findall(bare) if name not in _KEYWORDS}


def labels_asked(expression: str) -> set[tuple[str, str]]:
    """Each metric with each label that a selector of it names."""
    bare = _STRINGS.sub('""', expression)
    return {
        (metric, label.strip())
        for metric, matchers in _SELECTOR.findall(bare)
        for label in re.findall(r"([a-zA-Z_]\w*)\s*[=!]", matchers)
    }


def labels_grouped(expression: str) -> set[str]:
    """The labels that results are grouped by or matched on."""
    return {label.strip() for group in _GROUPING.findall(expression) for label in group.split(",") if label.strip()}
