"""What a boot runs, and which modules are the backend's own."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import re
import runpy
import sys
from pathlib import Path
from typing import Any

APPLICATION = re.compile(r"([A-Za-z_]\w*)[\w.]*:[A-Za-z_][\w.()]*")  # package.module:application
NOT_A_BACKENDS = ("site-packages", "dist-packages")

Request = dict[str, Any]
"""What the client asks for, as it came: JSON."""
Answer = dict[str, object]
"""What it is told, as JSON."""


class RequestRefused(Exception):
    """A request that cannot be met; the message is for the client."""


class ProgramCommand:
    """`python3 -m MODULE ARGUMENTS…`, or `python3 SCRIPT ARGUMENTS…`. Raises `RequestRefused` where neither is said."""

    def __init__(self, request: Request) -> None:
        self.module: str = request.get("module") or ""
        self.script: str = request.get("script") or ""
        self.arguments = [str(value) for value in request.get("arguments", ())]
        if bool(self.module) == bool(self.script):
            raise RequestRefused("exactly one of module and script says what to run")

    def run(self) -> None:
        """Run as the interpreter would; returns or raises as the program does, so that the interpreter ends as ever."""
        if self.module:
            sys.argv = ["-m", *self.arguments]
            runpy.run_module(self.module, run_name="__main__", alter_sys=True)
        else:
            sys.argv = [self.script, *self.arguments]
            first_on_path(str(Path(self.script).resolve().parent))
            runpy.run_path(self.script, run_name="__main__")

    def own_names(self) -> set[str]:
        """The top-level names of the backend's own: of `package.module:application` arguments, else of what is run."""
        named = {found.group(1) for found in map(APPLICATION.fullmatch, self.arguments) if found}
        return named or ({self.module.partition(".")[0]} if self.module else set())

    def own_folders(self) -> set[Path]:
        """Folders on the path that hold the backend's own packages: everything there is its own."""
        folders = {folder_of(name) for name in self.own_names()}
        if self.script:
            folders.add(Path(self.script).resolve().parent)
        return {folder for folder in folders if folder is not None and folder.name not in NOT_A_BACKENDS}

    def import_without_running(self) -> None:
        """Do the imports at the top of what is run, and nothing else of it."""
        if self.script:
            source, package = Path(self.script).read_text(encoding="utf-8"), ""
        else:
            spec = importlib.util.find_spec(self.module)
            if spec is not None and spec.submodule_search_locations is not None:
                spec = importlib.util.find_spec(self.module + ".__main__")
            if spec is None or spec.loader is None:
                raise RequestRefused("there is no module " + self.module)
            loader: Any = spec.loader
            source, package = loader.get_source(spec.name), spec.parent or ""
        for node in ast.parse(source).body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                code = compile(ast.Module([node], []), "<imports>", "exec", dont_inherit=True)
                with contextlib.suppress(Exception):  # whatever it raises, the boot itself will raise again
                    exec(code, {"__name__": "<imports>", "__package__": package})  # noqa: S102  that is what is asked for


def folder_of(top_level: str) -> Path | None:
    """The folder of the path where that top-level name is, without importing it; None where it is in none."""
    try:
        spec = importlib.util.find_spec(top_level)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    inside = next(iter(spec.submodule_search_locations or ()), None)
    if inside is None and spec.has_location:
        inside = spec.origin
    return Path(inside).resolve().parent if inside else None


def first_on_path(folder: str) -> None:
    """What the interpreter puts before everything else on the path, unless it was told not to (`-P`)."""
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = folder
