"""The part that runs in the backend's own interpreter as one text: `python3 -c TEXT`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

__all__ = ["audit_program"]

_FOLDER = Path(__file__).parent
_PACKAGE = "_envparity_audit"
# Lower ones first: each finds what it imports already there.
_MODULES = {
    "guard": _FOLDER / "guard.py",
    "inside.hook": _FOLDER / "inside" / "hook.py",
    "inside.watch": _FOLDER / "inside" / "watch.py",
    "inside.survey": _FOLDER / "inside" / "survey.py",
    "inside.generated": _FOLDER / "inside" / "generated.py",
    "inside.imports": _FOLDER / "inside" / "imports.py",
    "inside.__main__": _FOLDER / "inside" / "__main__.py",
}

_BEGIN = """\
import sys, types
sys.path[:] = [_path for _path in sys.path if _path]
def _add(name, source):
    module = sys.modules[name] = types.ModuleType(name)
    module.__package__, module.__file__ = name.rpartition(".")[0], name
    exec(compile(source, name, "exec", dont_inherit=True), module.__dict__)
for _name in {packages!r}:
    sys.modules[_name] = types.ModuleType(_name)
    sys.modules[_name].__path__ = []
"""
_END = "sys.modules[{main!r}].main()\n"


@cache
def audit_program() -> str:
    """The text. It reads its task from standard input (`audit.inside.__main__` has the protocol)."""
    parts = [_BEGIN.format(packages=(_PACKAGE, f"{_PACKAGE}.inside"))]
    for module, path in _MODULES.items():
        parts.append(f"_add({_PACKAGE + '.' + module!r}, {path.read_text(encoding='utf-8')!r})\n")
    parts.append(_END.format(main=f"{_PACKAGE}.inside.__main__"))
    return "".join(parts)
