"""Small distributions, installed into a folder of their own: a module, and the metadata that an installer writes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["install", "run_with"]

ROOT = Path(__file__).parents[1]


def install(
    site: Path,
    name: str,
    entry_points: Mapping[str, Mapping[str, str]],
    modules: Mapping[str, str],
    version: str = "1.0",
) -> Path:
    """Install that distribution into `site`: entry points by group and name, modules by name. Gives `site` back."""
    metadata = site / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    rows = [f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in named.items())
            for group, named in entry_points.items()]  # fmt: skip
    (metadata / "entry_points.txt").write_text("\n".join(rows), encoding="utf-8")
    for module, text in modules.items():
        (site / f"{module}.py").write_text(text, encoding="utf-8")
    return site


def run_with(
    site: Path, folder: Path, *command: str, timeout_s: float = 600, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run `python -m COMMAND` in that folder, with what is installed in `site` beside what is installed here."""
    paths = os.pathsep.join((str(site), str(ROOT)))
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "COLUMNS": "200", **environ},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
