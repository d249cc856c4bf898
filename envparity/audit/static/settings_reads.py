"""EP606: a setting read outside the settings."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.audit.finding import Raised
from envparity.audit.static.reading import PackageReading, nodes_of, raised, scopes, shown

__all__ = ["check"]


def check(reading: PackageReading) -> Iterator[Raised]:
    """In every module but the settings modules; where none are named, nothing can be told."""
    if not reading.settings_modules:
        return
    for scope, body in scopes(reading):
        if reading.is_settings(scope.module) or reading.is_reader(scope.function):
            continue
        for node in nodes_of(body):
            reads, _ = reading.reads_environment(scope, node)
            if reads:
                yield raised("EP606", scope, node, shown(node))
