"""The metrics that the backend and the probe really have, with their labels."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import yaml

from envparity.probe.metrics import Metrics as ProbeMetrics
from netra_backend.app.metrics import Metrics
from tests.monitoring.tools import RULES

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

TARGET_LABELS = frozenset({"job", "instance", "environment"})
"""What Prometheus adds to every sample of a target, as prometheus.yaml is written."""

OF_PROMETHEUS = {"up": frozenset[str](), "ALERTS": frozenset({"alertname", "alertstate", "severity"})}


def of_registry(registry: CollectorRegistry) -> dict[str, frozenset[str]]:
    """The labels of each sample that this registry can show, by its name."""
    held = {sample.name: frozenset(sample.labels) for family in registry.collect() for sample in family.samples}
    for collector, names in registry._collector_to_names.items():
        labels = frozenset(getattr(collector, "_labelnames", ()))
        held |= {name: labels | ({"le"} if name.endswith("_bucket") else set()) for name in names}
    return held


@cache
def exposed() -> dict[str, frozenset[str]]:
    """Every metric that may be asked for: the backend's, the probe's, Prometheus's own, and what rules record."""
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    recorded = {rule["record"]: frozenset({"environment"}) for rule in rules if "record" in rule}
    return OF_PROMETHEUS | recorded | of_registry(Metrics().registry) | of_registry(ProbeMetrics("staging").registry)
