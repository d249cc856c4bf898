"""Every door, by its group: for whoever lists what is installed and asks whether it works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from envparity.auth.scheme import SCHEMES
from envparity.dependency.kind import KINDS
from envparity.doors import Door
from envparity.frames.codec import CODECS
from envparity.judge.registry import RULE_SETS
from envparity.launch.kinds import LAUNCHERS
from envparity.report.kinds import REPORTS
from envparity.sources.source import SOURCES

__all__ = ["DOORS"]

DOORS: Final[Mapping[str, Door[Any]]] = {
    item.group: item for item in (RULE_SETS, SCHEMES, KINDS, CODECS, SOURCES, LAUNCHERS, REPORTS)
}
