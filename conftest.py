"""Wires the plugins; nothing else. `envparity` itself is one by its entry point, wherever it is installed."""

from __future__ import annotations

pytest_plugins = ("tests.servers", "tests.workers")
