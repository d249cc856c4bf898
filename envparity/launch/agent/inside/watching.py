"""Watching, in a boot, the types of which none may be made before there is a request; each is told in its log.

Whatever can be is done by the agent, once for all boots: going through its modules for such types, and compiling the
backend's modules that define them.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from .compiled import Code, Compiled

MARK = "@envparity-made "
"""What a line of the log begins with that tells of an object. The client takes such lines out of the log."""


class Watching:
    """What the agent knows of the types that boots are to watch."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._existing: dict[tuple[tuple[str, ...], int], list[type]] = {}

    def code(self, names: Sequence[str]) -> dict[str, Code]:
        """What a boot has to run in place of the compiled modules that define those types, by module."""
        return self._compiled.instead(tuple(names), _guard().Watch(names).code) if names else {}

    def existing(self, names: Sequence[str]) -> list[type]:
        """Those of the types that are among the agent's own modules."""
        key = tuple(names), len(sys.modules)
        if names and key not in self._existing:
            self._existing[key] = _guard().Watch(names).existing()
        return self._existing.get(key, [])


def watch(names: Sequence[str], existing: Sequence[type]) -> None:
    """From now on every object of these types that this process makes is told on its standard output."""
    _guard().install(names, _tell, existing)


def _guard() -> Any:
    return sys.modules[(__package__ or "") + ".guard"]  # carried along by `launch.agent.program`


def _tell(made: dict[str, object]) -> None:
    # The backend's own writers may be in the middle of a line.
    with contextlib.suppress(OSError):
        os.write(1, ("\n" + MARK + json.dumps(made) + "\n").encode())
