"""The files that a setting's value passes through, from an environment's file to a variable of a container."""

from __future__ import annotations

import re
import secrets
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import pytest

import envparity
from envparity.config.project import load_project
from envparity.dependency.kind import ServerPlan
from envparity.launch.container.engine import Engine
from envparity.launch.container.launcher import ContainerLauncher
from envparity.launch.images.builder import ImageBuilder
from envparity.launch.images.folder import default_docker_folder
from envparity.launch.resolve import ResolvedSetting
from envparity.model.case import Boot

pytestmark = pytest.mark.docker

VALUE: Final = "a-value-that-nothing-else-has"
MOST: Final = 12
HERE: Final = Path(envparity.__file__).parent
PAGE: Final = HERE.parent / "ARCHITECTURE.md"
HOLDS_IT_AS_DATA: Final = {"model/environment.py", "launch/local/given.py", "launch/container/launcher.py"}
"""Stations that are handed it inside something else and never look at it."""
LOOKS_AT_IT: Final = {
    "config/environment_checks.py", "config/scenario_needs.py", "config/settings.py", "launch/container/confinement.py",
    "launch/container/environment_files.py", "model/backend.py", "model/composed.py", "support/redaction/names.py",
    "support/toml/bounds.py", "support/toml/lines.py",
}  # fmt: skip
"""Who is shown it and hands it to nobody: checks, and what is made of all settings."""
BACKEND: Final = """\
name = "clock"
command = ["sh", "-c", "exec sleep 100"]
[image]
name = "x"
[settings]
GREETING = "hi"
[health]
live = false
ready = false
startup = false
metrics = false
[[scenario]]
name = "c"
title = "whoever comes is let in"
steps = [{ connect = "none" }, { close = 1000 }]
"""


def holds(value: object, depth: int = 3) -> bool:
    if isinstance(value, str):
        return VALUE in value and len(value) < 2 * len(VALUE)
    if isinstance(value, ResolvedSetting):
        return holds(value.value, 0)
    if isinstance(value, ServerPlan):
        return holds(dict(value.variables), depth - 1)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return depth > 0 and any(holds(part, depth - 1) for part in parts)


@contextmanager
def stations(seen: set[str]) -> Iterator[None]:
    """Note the files in whose functions it is an argument, a variable, or what they return."""

    def look(frame: FrameType, event: str, returned: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event in {"call", "return"} and path.is_relative_to(HERE):
            given = [value for name, value in frame.f_locals.items() if name != "self"]
            if any(map(holds, [*given, returned if event == "return" else None])):
                seen.add(path.relative_to(HERE).as_posix())

    sys.setprofile(look)
    threading.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def told() -> list[str]:
    """The stations in their order, as the page on architecture has them."""
    section = PAGE.read_text(encoding="utf-8").partition("## From a file to a container")[2].partition("\n## ")[0]
    return re.findall(r"`([a-z_/]+\.py)`", section)


async def test_it_passes_through_twelve_files_at_most_and_the_page_has_them(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "backend.toml").write_text(BACKEND)
    for name, value in (("local", VALUE), ("staging", "other")):
        baseline = "baseline = true\n" if name == "local" else ""
        text = f'name = "{name}"\n{baseline}[settings]\nGREETING = "{value}"\n'
        (tmp_path / "environments" / f"{name}.toml").write_text(text)
    seen: set[str] = set()
    with stations(seen):
        project = load_project(tmp_path / "backend.toml", tmp_path / "environments")
    engine = Engine()
    images = ImageBuilder(engine.client, default_docker_folder(), lambda _: None).ensure(["ingress"])
    images["backend"] = images["ingress"]  # an image with a shell that is there in any case
    launcher = ContainerLauncher(engine, project.backend, images, secrets.token_hex(4))
    try:
        with stations(seen):
            async with launcher.boot(project.environments["local"], Boot(), lambda _: None) as stack:
                variables = stack.replicas[0].container.attrs["Config"]["Env"]  # type: ignore[attr-defined]
    finally:
        await launcher.close()
    assert f"GREETING={VALUE}" in variables
    assert len(told()) <= MOST
    assert seen - LOOKS_AT_IT | HOLDS_IT_AS_DATA == set(told())
