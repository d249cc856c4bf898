"""Debian's `prometheus` package: its promtool and its server, run as programs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

TREE = Path(__file__).parents[2]
MONITORING = TREE / "monitoring"
RULES = MONITORING / "prometheus" / "alerts.yaml"
CONFIGURATION = MONITORING / "prometheus" / "prometheus.yaml"
DASHBOARD = MONITORING / "grafana" / "dashboard.json"
PROMTOOL_TIMEOUT_S = 30.0


class NotInstalled(Exception):
    """A program of Debian's `prometheus` package is missing."""


def program(name: str) -> str:
    """Where it is. Raises NotInstalled, with how to install it."""
    found = shutil.which(name)
    if found is None:
        raise NotInstalled(f"{name} is not installed; `.ci/prepare tests` does it (Debian's package `prometheus`)")
    return found


def promtool(*arguments: str | Path) -> tuple[bool, str]:
    """Whether promtool was content, and everything that it said."""
    done = subprocess.run(
        [program("promtool"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PROMTOOL_TIMEOUT_S,
        check=False,
    )
    return done.returncode == 0, done.stdout + done.stderr
