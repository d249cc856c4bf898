"""Enough of Google Cloud's logging query language to ask whether a filter matches a line that the backend printed.

    resource.type="x" AND (jsonPayload.event:"text" OR NOT textPayload:"text" OR jsonPayload.close_code=1011)

`=` compares whole, `:` looks for a part; neither minds upper and lower case. AND and OR beside each other without
parentheses are refused: Google binds OR the tighter one, which is not what a reader expects.
https://cloud.google.com/logging/docs/view/logging-query-language
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

LogEntry = Mapping[str, Any]
Matcher = Callable[[LogEntry], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<word>AND|OR|NOT)\b|(?P<bracket>[()])
    |(?P<field>[a-zA-Z][\w.]*)\s*(?P<operator>[:=])\s*(?:"(?P<text>[^"\\]*)"|(?P<number>\d+)))""",
    re.VERBOSE,
)


class FilterRefused(Exception):
    """The filter is wrong, or uses more of the language than is understood here."""


def entry_of(line: str) -> LogEntry:
    """What Cloud Run makes of a line on standard output: https://cloud.google.com/run/docs/logging."""
    resource = {"type": "cloud_run_revision"}
    if line.startswith("{"):
        return {"resource": resource, "jsonPayload": json.loads(line)}
    return {"resource": resource, "textPayload": line}


def extracted(extractor: str, entry: LogEntry) -> str:
    """What `EXTRACT(field)` finds, as text; empty where there is no such field."""
    read = re.fullmatch(r"EXTRACT\(([\w.]+)\)", extractor)
    if read is None:
        raise FilterRefused(f"not understood: {extractor}")
    held = _held(entry, read[1])
    return "" if held is None else str(held)


def matcher(text: str) -> Matcher:
    """The filter as a function of a log entry. Raises FilterRefused."""
    tokens: list[re.Match[str]] = []
    at = 0
    while text[at:].strip():
        read = _TOKEN.match(text, at)
        if read is None:
            raise FilterRefused(f"not understood: {text[at:]}")
        tokens.append(read)
        at = read.end()
    tokens.reverse()
    found = _expression(tokens)
    if tokens:
        raise FilterRefused(f"not expected: {tokens[-1][0]}")
    return found


def _expression(tokens: list[re.Match[str]]) -> Matcher:
    operands = [_operand(tokens)]
    operators: set[str] = set()
    while tokens and tokens[-1]["word"] in {"AND", "OR"}:
        operators.add(tokens.pop()["word"])
        operands.append(_operand(tokens))
    if len(operators) > 1:
        raise FilterRefused("AND and OR without parentheses")
    combine = any if operators == {"OR"} else all
    return lambda entry: combine(operand(entry) for operand in operands)


def _operand(tokens: list[re.Match[str]]) -> Matcher:
    if not tokens:
        raise FilterRefused("it ends too early")
    token = tokens.pop()
    if token["word"] == "NOT":
        negated = _operand(tokens)
        return lambda entry: not negated(entry)
    if token["bracket"] == "(":
        inner = _expression(tokens)
        if not tokens or tokens.pop()["bracket"] != ")":
            raise FilterRefused("a parenthesis is not closed")
        return inner
    if token["field"] is None:
        raise FilterRefused(f"not expected: {token[0]}")
    wanted = (token["text"] if token["number"] is None else token["number"]).casefold()
    field, whole = token["field"], token["operator"] == "="

    def compare(entry: LogEntry) -> bool:
        held = _held(entry, field)
        if held is None:
            return False
        seen = str(held).casefold()
        return seen == wanted if whole else wanted in seen

    return compare


def _held(entry: LogEntry, path: str) -> Any:
    held: Any = entry
    for name in path.split("."):
        held = held.get(name) if isinstance(held, Mapping) else None
    return held
