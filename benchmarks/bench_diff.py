"""How much CPU time `envparity diff` of two compose files takes, beside an interpreter that imports libraries alone.

What it is measured against is `python -c "import envparity"`, and the import of the libraries that any reading of such
files needs. All three are run in turn, so that a busy machine changes each alike, and the median of each is taken.
Modules are compiled once, as they are where packages are installed: a first run of each is not counted.

    python benchmarks/bench_diff.py [--times 15]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_LIBRARIES = "import click, jsonschema, msgspec, rich.console, rich.table, yaml"
_BACKEND = """\
name = "api"
[process]
command = ["python", "-m", "api"]
[health]
live = false
ready = false
startup = false
metrics = false
[[scenario]]
name = "connect"
title = "whoever comes is let in"
steps = [{ connect = "none" }, { close = 1000 }]
"""
_COMPOSE = """\
services:
  api:
    build: .
    mem_limit: {memory}m
    environment:
      LOG_LEVEL: {level}
      DATABASE_URL: postgres://app:pw@db:5432/app
      CACHE_URL: redis://cache:6379/0
  db: {{image: "postgres:16"}}
  cache: {{image: "redis:7"}}
"""


def main() -> None:
    """Measure, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=15)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        _project(folder)
        programs = {
            "import envparity": ("-c", "import envparity"),
            "libraries": ("-c", _LIBRARIES),
            "diff": ("-m", "envparity", "diff", "local", "staging"),
        }
        seconds: dict[str, list[float]] = {name: [] for name in programs}
        for arguments in programs.values():
            _cpu_s(arguments, folder)
        for _ in range(times):
            for name, arguments in programs.items():
                seconds[name].append(_cpu_s(arguments, folder))
    median = {name: statistics.median(taken) for name, taken in seconds.items()}
    told = {f"{name}, CPU ms": round(1000 * taken) for name, taken in median.items()}
    ratios = {f"diff / {name}": round(median["diff"] / median[name], 1) for name in programs if name != "diff"}
    print(json.dumps({**told, **ratios, "times": times}))


def _project(folder: Path) -> None:
    (folder / "backend.toml").write_text(_BACKEND)
    (folder / "environments").mkdir()
    for name, memory, level in (("local", 512, "debug"), ("staging", 256, "info")):
        (folder / f"compose.{name}.yaml").write_text(_COMPOSE.format(memory=memory, level=level))
        text = f'name = "{name}"\nextends = ["../compose.{name}.yaml#api"]\n'
        (folder / "environments" / f"{name}.toml").write_text(text)


def _cpu_s(arguments: Sequence[str], folder: Path) -> float:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    variables["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    before = os.times()
    subprocess.run([sys.executable, *arguments], cwd=folder, env=variables, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


if __name__ == "__main__":
    main()
