"""What of a platform's limits a process of this machine can be given, and what it cannot be, in words."""

from __future__ import annotations

import itertools
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from envparity.backend import ProcessSource
from envparity.environment import Environment, Platform
from envparity.errors import LaunchError
from envparity.launch.process.ingress.nginx import find_nginx
from envparity.launch.process.programs import may_enter

__all__ = ["Processors", "backend_argv", "cannot_check", "program_path", "user_of"]

_SURVEY_S = 10.0
_WHERE_FROM = "import sys; print(sys.path)"


def program_path() -> str:
    """Where programs are looked for: beside the interpreter that envparity runs in, then where this process looks."""
    return os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))


def backend_argv(source: ProcessSource) -> tuple[str, ...]:
    """The backend's command with its program found. Raises `LaunchError` where there is none."""
    program, *arguments = source.command
    beside = source.folder / program
    found = shutil.which(str(beside) if os.sep in program else program, path=program_path())
    if found is None:
        raise LaunchError(f"the backend's program {program!r} is not on this machine")
    return (found, *arguments)


class Processors:
    """Hands out the processors of this machine in turn, so that stacks beside each other do not share one."""

    def __init__(self) -> None:
        usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._turn = itertools.cycle(usable)
        self._count = len(usable)

    def take(self, platform: Platform) -> frozenset[int] | None:
        """As many as the platform allows, rounded up; None where it allows all, or this system cannot say."""
        if platform.cpus is None or not self._count:
            return None
        return frozenset(next(self._turn) for _ in range(min(math.ceil(platform.cpus), self._count)))


def user_of(platform: Platform, argv: tuple[str, ...], code: Path) -> int | None:
    """As whom a replica runs: the platform's user where we may become it, and it may run the program and enter the
    folder of the code; else None, as we are.
    """
    if platform.user is None or os.geteuid() != 0 or not may_enter(code) or not _may_run(argv[0], platform.user):
        return None
    return platform.user


def cannot_check(source: ProcessSource, environments: Iterable[Environment]) -> tuple[str, ...]:
    """The guarantees that these environments ask for, and that a process on this machine cannot have."""
    code = Path("/") if source.include else source.folder  # a copy is for anybody to read
    return tuple(dict.fromkeys(_gaps(backend_argv(source), code, tuple(environments))))


def _gaps(argv: tuple[str, ...], code: Path, environments: tuple[Environment, ...]) -> Iterator[str]:
    yield "the image (its packages, its files, its entry point; that the backend is process 1)"
    platforms = [one.platform for one in environments]
    if any(one.memory_mib is not None for one in platforms):
        yield "the memory limit"
    if any(one.cpus is not None for one in platforms):
        if not hasattr(os, "sched_setaffinity"):
            yield "the processor limit"
        elif any(one.cpus is not None and one.cpus % 1 for one in platforms):
            yield "the processor limit in fractions of one"
    if any(one.read_only_root for one in platforms):
        yield "the read-only root"
    for platform in platforms:
        if platform.user is not None and user_of(platform, argv, code) is None:
            yield f"the user ({platform.user})"
    if any(one.ingress.kind != "none" for one in environments) and find_nginx() is None:
        yield "nginx (a proxy of envparity's own stands for it)"
    if any(dependency.tls != "off" for one in environments for dependency in one.dependencies.values()):
        yield "the servers' own TLS (a proxy in front of them speaks it)"
    yield "the network (names of hosts; everything is at 127.0.0.1)"


@cache
def _may_run(program: str, user: int) -> bool:
    """Whether that user may run the program; Python must find the same modules as it does for us."""
    if Path(program).name.startswith("python"):
        asked = [program, "-c", _WHERE_FROM]
        ours = _said(asked, {})
        return ours != "" and ours == _said(asked, {"user": user, "group": user, "extra_groups": []})
    real = Path(program).resolve()
    return real.stat().st_mode & 0o005 == 0o005 and all(one.stat().st_mode & 0o001 for one in real.parents)


def _said(argv: list[str], identity: Mapping[str, object]) -> str:
    try:
        ended = subprocess.run(  # type: ignore[call-overload]
            argv, capture_output=True, check=False, timeout=_SURVEY_S, cwd="/", env={"PATH": os.defpath}, **identity
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.decode(errors="replace") if ended.returncode == 0 else ""
