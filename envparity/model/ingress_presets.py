"""What platforms do, as keys of `[ingress]`: the figures that their documents state, and nothing else.

Each has its source and date in docs/environment-file.md. Of what no document gives a figure for, nothing is limited.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from envparity.model.environment import Ingress, OwnConfiguration

__all__ = ["PRESETS", "WITHOUT_LIMITS", "documented", "ingress_of"]

WITHOUT_LIMITS: Mapping[str, Any] = {
    "idle_timeout_s": 86_400.0,
    "max_body_bytes": 999_999_999,
    "max_header_bytes": 1 << 16,
}
"""Limits so generous that nothing meets them."""

PRESETS: Mapping[str, Mapping[str, object]] = {
    "cloud-run": {"max_lifetime_s": 300.0, "max_body_bytes": 32 * 1024 * 1024},
    "gke": {"max_lifetime_s": 30.0},
    "alb": {
        "idle_timeout_s": 60.0,
        "max_header_bytes": 64 * 1024,
        "forwarded": ("for", "proto", "port"),
        "forwarded_for": "append",
    },
    "heroku": {"idle_timeout_s": 55.0},
    "fly": {"idle_timeout_s": 60.0, "forwarded": ("for", "proto", "port"), "forwarded_for": "append"},
    "azure": {"idle_timeout_s": 230.0},
    "cloudflare": {"idle_timeout_s": 120.0, "max_body_bytes": 100_000_000},
    "ingress-nginx": {"idle_timeout_s": 60.0, "max_body_bytes": 1_048_576, "max_header_bytes": 8192},
}
"""By name, what the documents of each state."""


def documented(table: Mapping[str, object]) -> dict[str, object]:
    """An `[ingress]` table with what its preset says beside it; its own keys go before those."""
    own = {key: value for key, value in table.items() if key not in {"preset", "http2"}}
    name = table.get("preset")
    stated = PRESETS.get(name) if isinstance(name, str) else None
    return own if stated is None else {**WITHOUT_LIMITS, **stated, **own}


def ingress_of(table: Mapping[str, object], own: OwnConfiguration | None = None) -> Ingress:
    """The ingress of a table in which nothing is wrong; `own` is what its `config` names."""
    said = {key: value for key, value in documented(table).items() if key != "config"}
    return msgspec.structs.replace(msgspec.convert(said, Ingress), config=own)
