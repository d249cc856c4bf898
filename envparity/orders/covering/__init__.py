"""Covering sets of linear extensions: few orders in which every allowed sequence of t steps occurs.

`covering_set` gives one at once, `improve` searches for a smaller one, `verify` proves either on a way of its own.
"""

from __future__ import annotations

from envparity.orders.covering.bounds import LowerBound, lower_bound
from envparity.orders.covering.search import CoveringSearch, search
from envparity.orders.covering.stored import CoveringSet, covering_set, improve, remember
from envparity.orders.covering.tuples import STRENGTHS
from envparity.orders.covering.verify import Coverage, verify

__all__ = [
    "STRENGTHS",
    "Coverage",
    "CoveringSearch",
    "CoveringSet",
    "LowerBound",
    "covering_set",
    "improve",
    "lower_bound",
    "remember",
    "search",
    "verify",
]
