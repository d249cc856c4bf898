"""A page of metrics: how many values each label has, and what gauges say of how many are there."""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import suppress

__all__ = ["label_values", "present"]

# `name{label="value",…} 1.0`, as Prometheus's text format 0.0.4 and OpenMetrics have it.
_SAMPLE = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)\{(.*)\} ")
_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')
_MOST_SAMPLES = 100_000
# None of a runtime's own, but for what a program of Go begins for each client.
_TYPE = re.compile(r"# TYPE (?!(?:process|python|go(?!_goroutines )|jvm|nodejs)_)([A-Za-z_:][A-Za-z0-9_:]*) gauge\s*")
_CLIENTS = "active|clients?|connected|connections?|in_?flight|in_?progress|online|open|sockets?"
_RUNS = "goroutines|coroutines|(?:asyncio|loop|running)_tasks|tasks_running"  # by themselves tasks may be anybody's
_PRESENT = re.compile(rf"(?:^|[_:])(?:{_CLIENTS}|{_RUNS})(?:$|[_:])")
_VALUE = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)(?:\{.*\})? ([-+0-9.eE]+)(?: [0-9.]+)?")


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


def present(page: str) -> dict[str, float]:
    """What each gauge says whose name is of how many are there (connections, clients, running tasks), all series added.

    A counter goes up by its nature, and so do gauges of other names: memory, moments, what a cache holds.
    """
    lines = page.splitlines()[:_MOST_SAMPLES]
    gauges = {found[1] for line in lines if (found := _TYPE.fullmatch(line)) and _PRESENT.search(found[1])}
    said: defaultdict[str, float] = defaultdict(float)
    for line in lines:
        sample = _VALUE.fullmatch(line)
        if sample is not None and sample[1] in gauges:
            with suppress(ValueError):
                said[sample[1]] += float(sample[2])
    return dict(sorted(said.items()))
