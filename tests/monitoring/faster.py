"""Makes monitoring/prometheus/alerts.yaml run faster, so that a test need not wait for minutes; it is no copy.

Every time in it is divided by the same factor, and the scrape and evaluation intervals with them: ten seconds are then
what five minutes were, with as many samples in them. Four kinds of times occur:

    for: 5m                     of an alert
    [10m]                       a range
    offset 5m                   an offset
    time() - metric > 300       an age, in seconds
"""

from __future__ import annotations

import re
from typing import Any

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)")
_IN_EXPRESSION = re.compile(r"(?<=\[)\d+(?:ms|s|m|h|d)(?=\])|(?<=offset )\d+(?:ms|s|m|h|d)")
_AGE = re.compile(r"(time\(\) - \w+(?:\{[^}]*\})? *[<>]=? *)(\d+)")


def faster(rules: dict[str, Any], factor: int) -> dict[str, Any]:
    """The rules of a file with every time divided by `factor`."""
    return {
        "groups": [{**group, "rules": [_rule(rule, factor) for rule in group["rules"]]} for group in rules["groups"]]
    }


def shortened(duration: str, factor: int) -> str:
    """A duration of Prometheus (`5m`, `90s`) divided by `factor`, in milliseconds."""
    read = _DURATION.fullmatch(duration)
    if read is None:
        raise ValueError(f"not a duration of one unit: {duration!r}")
    return f"{int(read[1]) * _UNITS_MS[read[2]] // factor}ms"


def _rule(rule: dict[str, Any], factor: int) -> dict[str, Any]:
    expression = _IN_EXPRESSION.sub(lambda found: shortened(found[0], factor), rule["expr"])
    expression = _AGE.sub(lambda found: f"{found[1]}{int(found[2]) / factor:g}", expression)
    held = {**rule, "expr": expression}
    return held | {"for": shortened(rule["for"], factor)} if "for" in rule else held
