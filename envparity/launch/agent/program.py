"""The agent as one text, for an interpreter that has none of this project: `python3 -c TEXT`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

__all__ = ["agent_program"]

_FOLDER = Path(__file__).parent / "inside"
_PACKAGE = "_envparity_agent"
# Lower ones first: each finds what it imports already there.
_MODULES = (
    "guard",
    "command",
    "compiled",
    "watching",
    "loading",
    "child",
    "boot",
    "link",
    "preload",
    "running",
    "forking",
    "__main__",
)
# The audit's own: one text watches an import, and a boot.
_GUARD = Path(__file__).parents[2] / "audit" / "guard.py"

_BEGIN = """\
import sys, types
def _add(name, source):
    module = sys.modules[name] = types.ModuleType(name)
    module.__package__, module.__file__ = {package!r}, name
    exec(compile(source, name, "exec", dont_inherit=True), module.__dict__)
sys.modules[{package!r}] = types.ModuleType({package!r})
sys.modules[{package!r}].__path__ = []
"""
_END = """\
_run = sys.modules[{main!r}].main()
if _run is not None:
    _run()
"""


@cache
def agent_program() -> str:
    """The text. What it runs last, in a forked child, is the backend: nothing of the agent's stands after it."""
    parts = [_BEGIN.format(package=_PACKAGE)]
    for module in _MODULES:
        file = _GUARD if module == "guard" else _FOLDER / f"{module}.py"
        source = file.read_text(encoding="utf-8")
        parts.append(f"_add({_PACKAGE + '.' + module!r}, {source!r})\n")
    parts.append(_END.format(main=f"{_PACKAGE}.__main__"))
    return "".join(parts)
