"""Keys of an ingress that are one trait where both differ."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.config.own_nginx import FIGURES

__all__ = ["DONE_BY_CONFIG", "INGRESS_COUPLES"]

DONE_BY_CONFIG = frozenset(
    {"affinity", "strip_prefix", "forwarded", "forwarded_for", "drop_headers", "host_header", "upgrade"}
)
"""What an ingress with the team's own configuration does as that says, and not as its key does."""


def _couples() -> Iterator[tuple[str, str]]:
    # A prefix that is left and one that is not are two ways to ask a backend.
    yield "prefix", "strip_prefix"
    # No ingress sets what it drops, or appends to what it does not set.
    yield from (("forwarded", name) for name in ("forwarded_for", "drop_headers"))
    # One configuration has a place for it, and another none; or it does so in its own way.
    yield from (("config", name) for name in ("tls", "prefix", *FIGURES, *sorted(DONE_BY_CONFIG)))


INGRESS_COUPLES = tuple(_couples())
"""By their names."""
