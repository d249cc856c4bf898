"""How many tests run side by side with `-n auto`: one more than there are cores.

Many of them wait for a child or a socket. Loaded as a pytest plugin.
"""

from __future__ import annotations

import os


def pytest_xdist_auto_num_workers() -> int:
    """What `-n auto` means. Source: pytest-xdist's hook of this name."""
    return (os.cpu_count() or 1) + 1
