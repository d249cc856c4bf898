"""Orders as mathematics: the component graph, its linear extensions, and covering sets of them. Pure.

The Hypothesis strategy is in `envparity.orders.strategy`.
"""

from __future__ import annotations

from envparity.orders.covering import Coverage, CoveringSet, covering_set, improve, lower_bound, verify
from envparity.orders.extensions import (
    DownSetLimitError,
    UniformExtensions,
    count_extensions,
    extension_by_priorities,
    linear_extensions,
)
from envparity.orders.graph import Graph, GraphStep, Violation

__all__ = [
    "Coverage",
    "CoveringSet",
    "DownSetLimitError",
    "Graph",
    "GraphStep",
    "UniformExtensions",
    "Violation",
    "count_extensions",
    "covering_set",
    "extension_by_priorities",
    "improve",
    "linear_extensions",
    "lower_bound",
    "verify",
]
