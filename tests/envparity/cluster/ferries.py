"""The ferry, a small project of six cases with one fault, and a launcher that boots nothing but shows that fault."""

from __future__ import annotations

import asyncio
import difflib
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from envparity.judge.finding import Verdict
from envparity.launch.port import Stack, Waiting
from envparity.launch.resolve import RunSecrets, fingerprints, resolve_settings
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.observe.image import ImageRecord
from tests.envparity.launching import FakeStack, report

FERRY = Path(__file__).parent / "ferry"
CASES = 6
SECRET = "a-literal-secret-of-both"


def copied_ferry(folder: Path) -> Path:
    """The project in a folder of its own."""
    return Path(shutil.copytree(FERRY, folder / "ferry"))


def comparable(verdict: Verdict) -> str:
    """All of a verdict that must be the same however its cases were booted: not which run it was, and no times.

    Every number with a fraction is a time: what is counted is whole.
    """
    kept = msgspec.structs.replace(verdict, run_id="", duration_s=0.0, stalls="", unsteady=())
    return msgspec.json.format(msgspec.json.encode(_without_times(msgspec.to_builtins(kept)))).decode()


def unlike(alone: Verdict, other: Verdict) -> list[str]:
    """The lines, of both written out, in which two verdicts are unlike; empty where they are the same but for times."""
    here, there = (comparable(verdict).splitlines() for verdict in (alone, other))
    return [line for line in difflib.unified_diff(here, there, lineterm="", n=0) if line[:3] not in {"---", "+++"}]


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(under) for key, under in value.items()}
    if isinstance(value, list | tuple):
        return [_without_times(under) for under in value]
    return 0.0 if isinstance(value, float) else value


NOTES = "FERRY_NOTES"
"""A folder: whoever boots the harbour leaves its process's number there, and goes on when there is a file `go`."""
BOOT_S = "FERRY_BOOT_S"
"""How many seconds each boot takes, in which it only waits."""


async def _until_let_go(environment: str) -> None:
    await asyncio.sleep(float(os.environ.get(BOOT_S, "0")))
    said = os.environ.get(NOTES)
    if said is None or environment != "harbour":
        return
    folder = Path(said)
    (folder / f"{os.getpid()}.boots").touch()
    while not (folder / "go").exists():  # noqa: ASYNC110  another process makes it; the test has a deadline
        await asyncio.sleep(0.02)


class FerryLauncher:
    """Startup fails where GREETING is `terse`; each launcher makes its fingerprints with a salt of its own."""

    name = "fake"
    cannot_check: tuple[str, ...] = ("nothing is booted",)
    images: tuple[ImageRecord, ...] = ()
    reason = ""
    run_id = "00000000"

    def __init__(self, project: Project) -> None:
        self._project = project
        self._secrets = RunSecrets(project.salt)
        self.booted: list[Case] = []
        self.closed = False

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        waiting("a stack")
        await _until_let_go(environment.name)
        backend = self._project.backend
        case = Case(environment.name, backend.name, boot)
        self.booted.append(case)
        fails = environment.settings.get("GREETING") == "terse"
        stack = FakeStack(case, lambda _case: report(failure="greeting" if fails else ""))
        resolved = resolve_settings(backend, environment, boot, {}, self._secrets)
        stack.fingerprints = fingerprints(resolved, self._secrets)
        yield stack

    async def close(self) -> None:
        self.closed = True
