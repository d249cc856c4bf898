"""What of a platform's limits a process of this machine can be given, and what it cannot be, in words."""

from __future__ import annotations

import itertools
import math
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from envparity.dependency.kind import KINDS, kind_of
from envparity.errors import LaunchError
from envparity.launch.process.ingress.nginx import find_nginx
from envparity.launch.process.programs import may_enter
from envparity.model.backend import ProcessSource
from envparity.model.environment import BesideProcess, Composed, Environment, Job, Platform

__all__ = ["Processors", "backend_argv", "cannot_check", "program_path", "user_of", "why_not_as"]

_SURVEY_S = 10.0
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
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
    """As whom a replica runs: the platform's user, or whoever the folder of the code belongs to, where we may become
    that one, and it may run the program and enter the folder; else None, as we are.
    """
    user = code.stat().st_uid if platform.user is None else platform.user
    return None if user == os.geteuid() or why_not_as(user, argv, code) else user


def why_not_as(user: int, argv: tuple[str, ...], code: Path) -> str:
    """Why a replica cannot run as that user here, in words; "" where it can.

    A shell is for everybody to run; what its command starts need not be, such as the interpreter of a folder that only
    its owner may enter.
    """
    if os.geteuid() != 0:
        return "this is not root"
    if not may_enter(code):
        return "it may not enter the backend's folder"
    for program in (argv[0], *_programs_of_a_shell(argv)):
        if not _may_run(program, user):
            return f"it may not read {Path(program).name} or what that is run by"
    return ""


def cannot_check(source: ProcessSource, environments: Iterable[Environment]) -> tuple[str, ...]:
    """The guarantees that these environments ask for, and that a process on this machine cannot have."""
    code = Path("/") if source.include else source.folder  # a copy is for anybody to read
    return tuple(dict.fromkeys(_gaps(backend_argv(source), code, tuple(environments))))


def _gaps(argv: tuple[str, ...], code: Path, environments: tuple[Environment, ...]) -> Iterator[str]:
    yield "the image (its packages, its files, its entry point; that the backend is process 1)"
    platforms = [each_environment.platform for each_environment in environments]
    if any(each_platform.memory_mib is not None for each_platform in platforms):
        yield "the memory limit"
    if any(each_platform.cpus is not None for each_platform in platforms):
        if not hasattr(os, "sched_setaffinity"):
            yield "the processor limit"
        elif any(each_platform.cpus is not None and each_platform.cpus % 1 for each_platform in platforms):
            yield "the processor limit in fractions of one"
    if any(each_platform.read_only_root for each_platform in platforms):
        yield "the read-only root"
    for platform in platforms:
        if platform.user is not None and (why := why_not_as(platform.user, argv, code)):
            yield f"the user ({platform.user}: {why})"
    if any(each_environment.ingress.kind != "none" for each_environment in environments) and find_nginx() is None:
        yield "nginx (a proxy of envparity's own stands for it)"
    declared = [dependency for environment in environments for dependency in environment.dependencies.values()]
    if any(dependency.tls != "off" and not kind_of(dependency).own_tls for dependency in declared):
        yield "the servers' own TLS (a proxy in front of them speaks it)"
    for dependency in declared:
        kind = kind_of(dependency)
        with KINDS.guarding(kind):
            yield from kind.not_as_process(dependency)
    for environment in environments:
        yield from _of_its_own(argv, environment)
    yield "the network (names of hosts; everything is at 127.0.0.1)"


def _of_its_own(argv: tuple[str, ...], environment: Environment) -> Iterator[str]:
    """What one environment has that a process is not given."""
    if environment.entrypoint or environment.arguments:
        yield f"what containers of {environment.name} are started with (processes start as the backend's file says)"
    for host in (host for dependency in environment.dependencies.values() for host in dependency.hosts):
        yield f"the host {host} (code that names it finds nothing there)"
    told = [*environment.command, *argv, *_texts_of(environment)]
    for path in environment.files:
        if not any(path in text for text in told):
            yield f"the file {path} (no setting of {environment.name} and no command names it)"


def _texts_of(environment: Environment) -> Iterator[str]:
    """What its settings, jobs and further programs say."""
    for setting in environment.settings.values():
        if isinstance(setting, str | Composed):
            yield setting if isinstance(setting, str) else setting.around
    programs: tuple[Job | BesideProcess, ...] = (*environment.jobs.values(), *environment.processes.values())
    for program in programs:
        yield from program.command


def _programs_of_a_shell(argv: tuple[str, ...]) -> Iterator[str]:
    """The programs that the words of a shell's command name, as far as they are found where programs are."""
    if Path(argv[0]).name not in _SHELLS or "-c" not in argv[:-1]:
        return
    try:
        words = shlex.split(argv[argv.index("-c") + 1], comments=True)
    except ValueError:
        return
    for word in words:
        found = shutil.which(word.rstrip(";&|"), path=program_path())
        if found is not None:
            yield found


def _interpreter_of(program: str) -> str | None:
    """The program that runs a script, by its first line; None where it is no script."""
    try:
        with Path(program).open("rb") as script:
            line = script.readline(512)
    except OSError:
        return None
    words = line[2:].decode(errors="replace").split() if line.startswith(b"#!") else []
    if words and Path(words[0]).name == "env":
        words = [shutil.which(words[-1], path=program_path()) or words[0]]
    return words[0] if words else None


@cache
def _may_run(program: str, user: int) -> bool:
    """Whether that user may run the program; Python must find the same modules as it does for us."""
    if Path(program).name.startswith("python"):
        asked = [program, "-c", _WHERE_FROM]
        ours = _said(asked, {})
        return ours != "" and ours == _said(asked, {"user": user, "group": user, "extra_groups": []})
    interpreter = _interpreter_of(program)
    if interpreter is not None and not _may_run(interpreter, user):
        return False
    real = Path(program).resolve()
    return real.stat().st_mode & 0o005 == 0o005 and all(parent.stat().st_mode & 0o001 for parent in real.parents)


def _said(argv: list[str], identity: Mapping[str, object]) -> str:
    try:
        ended = subprocess.run(  # type: ignore[call-overload]
            argv, capture_output=True, check=False, timeout=_SURVEY_S, cwd="/", env={"PATH": os.defpath}, **identity
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.decode(errors="replace") if ended.returncode == 0 else ""
