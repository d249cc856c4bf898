"""What the series of a page of metrics are told apart by: how many values each label of each metric has."""

from __future__ import annotations

import re
from collections import defaultdict

__all__ = ["label_values"]

# `name{label="value",…} 1.0`, as Prometheus's text format 0.0.4 and OpenMetrics have it.
_SAMPLE = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)\{(.*)\} ")
_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')
_MOST_SAMPLES = 100_000


def label_values(page: str) -> dict[str, int]:
    """How many values there are of each label, by the metric and the label: `requests_total{path}`."""
    values: defaultdict[str, set[str]] = defaultdict(set)
    for line in page.splitlines()[:_MOST_SAMPLES]:
        sample = _SAMPLE.match(line)
        if sample is None:
            continue
        for label, value in _LABEL.findall(sample[2]):
            values[f"{sample[1]}{{{label}}}"].add(value)
    return {name: len(given) for name, given in sorted(values.items())}
