"""The launcher `process`: what it needs of a project and of this machine."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

import msgspec

from envparity.dependency.kind import KINDS, RunsAsProcess
from envparity.errors import ConfigurationError, EngineUnavailable, LaunchError, Mistake
from envparity.launch.kinds import LauncherKind, remove_folders
from envparity.launch.port import Waiting
from envparity.launch.process.ingress.nginx import find_nginx
from envparity.launch.process.launcher import ProcessLauncher
from envparity.launch.process.limits import backend_argv
from envparity.launch.process.servers import HasServer
from envparity.model.environment import Dependency
from envparity.model.project import Project

__all__ = ["KIND", "process_launcher", "process_problems"]


def process_problems(project: Project) -> list[str]:
    """Why that project cannot be booted as processes of this machine, in words; nothing where it can be."""
    source = project.backend.process
    if source is None:
        return [f"{project.backend.file} has no table [process] that says how the backend is run without an image"]
    problems = [*_without_process(project.dependencies), *_without_nginx(project)]
    environments = project.environments.values()
    own = (environment.command for environment in environments if environment.command)
    jobs = (job.command for environment in environments for job in environment.jobs.values())
    beside = (program.command for environment in environments for program in environment.processes.values())
    commands = dict.fromkeys((source.command, *own, *jobs, *beside))
    for command in commands:
        try:
            backend_argv(msgspec.structs.replace(source, command=command))
        except LaunchError as error:
            problems.append(str(error))
    return problems


def _without_process(declared: Sequence[Dependency]) -> Iterator[str]:
    """Which kinds of dependencies cannot be run as processes here, and why."""
    for name in sorted({dependency.kind for dependency in declared}):
        kind = KINDS.get(name)
        if not isinstance(kind, RunsAsProcess | HasServer):
            yield f"a {name} cannot be run as a process of this machine"
            continue
        with KINDS.guarding(kind):
            lacking = kind.lacking()
            lacks = [kind.lacks(dependency) for dependency in declared if dependency.kind == name]
        yield from dict.fromkeys(filter(None, [lacking] if lacking else lacks))
        if not (isinstance(kind, HasServer) or kind.own_tls) and any(
            dependency.tls != "off" for dependency in declared if dependency.kind == name
        ):
            yield f"a {name} of this machine speaks no TLS"


def _without_nginx(project: Project) -> Iterator[str]:
    """Which environments have a configuration for an nginx that is not installed here."""
    for environment in project.environments.values():
        if environment.ingress.config is not None and find_nginx() is None:
            yield f"{environment.ingress.config} of {environment.name} is for nginx, which is not installed here"


def process_launcher(project: Project, instead: LaunchError | None = None) -> ProcessLauncher:
    """Boots that project as processes; `instead` is what keeps it from being booted in containers.

    Raises that where processes are not possible either, saying why; see `choose_launcher`.
    """
    source, problems = project.backend.process, process_problems(project)
    if instead is not None and problems:
        kind = EngineUnavailable if isinstance(instead, EngineUnavailable) else LaunchError
        raise kind(f"{instead}\n  Nor can it be run without an engine: {'; '.join(problems)}") from instead
    if source is None:
        expected, action = "a table, for --launcher process", "say there how the backend is run without an image"
        raise ConfigurationError([Mistake(str(project.backend.file), 0, "process", expected, "none", action)])
    if problems:
        raise LaunchError("; ".join(problems))
    reason = "" if instead is None else str(instead).splitlines()[0]
    run_id = secrets.token_hex(4)
    return ProcessLauncher(project.backend, source, project.environments, run_id, reason, salt=project.salt)


def _open(project: Project, waiting: Waiting) -> ProcessLauncher:
    remove_folders(waiting)
    return process_launcher(project)


KIND = LauncherKind("processes of this machine, by the backend file's [process]", _open, process_problems)
