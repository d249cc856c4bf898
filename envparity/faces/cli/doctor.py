"""`envparity doctor`: whether this machine can give a verdict, and what to do where it cannot."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from envparity.doors import foreign_entries, unforeseen
from envparity.engine.session import engine
from envparity.engine.session.exits import CLEAN, MACHINE
from envparity.engine.session.inputs import Inputs
from envparity.errors import ConfigurationError, DoorFailed, EngineUnavailable, LaunchError
from envparity.faces.cli.ending import one_message, say
from envparity.faces.cli.installed import DOORS
from envparity.faces.cli.options import backend_option, environments_option
from envparity.report.columns import verdict_width
from envparity.report.layout import field, printable
from envparity.report.verdict import counted

if TYPE_CHECKING:
    import docker

    from envparity.model.project import Project

__all__ = ["Check", "doctor_command"]

_OLDEST = (3, 11)
_NEEDED_GB = 3.0  # base, backend, PostgreSQL, Redis and ingress, and room to build one of them again
_GB = 1e9
_MEND = "mend that distribution, or uninstall it"
_MARKS = {"ok": "ok", "note": "note", "bad": "NO"}


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, how it is, and what to do about it. "bad": no run is possible."""

    what: str
    state: Literal["ok", "note", "bad"]
    found: str
    action: str = ""


@click.command("doctor", short_help="Can this machine give a verdict?")
@backend_option
@environments_option
def doctor_command(backend: Path | None, environments: Path | None) -> None:
    """Look at what a run needs of this machine: an engine, its images, disk, no leftovers; and at your files.

    Boots nothing, changes nothing. Exit code 0 where a run is possible, 3 where it is not: each line says what to do.
    """
    with one_message():
        project, files = _files(backend, environments)
        checks = [_python(), *_installed(), files, *_clocks(project), *_engine(project), *_other_launchers(project)]
    width = verdict_width()
    for check in checks:
        text = f"{_MARKS[check.state]:<4} {check.found}"
        for line in field(check.what, printable(text), width=width):
            say(str(line))
        if check.action:
            for line in field("", check.action, width=width, mark="     -> "):
                say(str(line))
    possible = all(check.state != "bad" for check in checks)
    say("a run is possible" if possible else "no run is possible here yet")
    sys.exit(CLEAN if possible else MACHINE)


def _python() -> Check:
    version = platform.python_version()
    if sys.version_info < _OLDEST:
        needed = ".".join(map(str, _OLDEST))
        return Check("python", "bad", version, f"envparity needs {needed} or later")
    return Check("python", "ok", version)


def _installed() -> Iterator[Check]:
    """What other distributions brought in, one line for each of them, and what of it does not work."""
    try:
        found = foreign_entries()
    except DoorFailed as failed:
        yield Check("installed", "bad", str(failed), _MEND)
        return
    brought: dict[str, list[str]] = {}
    for entry in found:
        brought.setdefault(entry.origin, []).append(f"{entry.name} ({entry.kind})")
    for origin, names in brought.items():
        yield Check("installed", "ok", f"{origin}: {', '.join(names)}")
    for entry in found:
        try:
            DOORS[entry.group].load(entry)
        except DoorFailed as failed:
            yield Check("installed", "bad", str(failed), _MEND)


def _other_launchers(project: Project | None) -> Iterator[Check]:
    """Whether the launchers of other distributions could boot these files; who only looks at them is told elsewhere."""
    from envparity.launch.kinds import LAUNCHERS

    with suppress(DoorFailed):  # said above
        for entry in LAUNCHERS.entries().values():
            if project is None or entry.built_in:
                continue
            with suppress(DoorFailed), unforeseen(entry):
                problems = LAUNCHERS.load(entry).problems(project)
                found = "; ".join(problems) or "it can boot these files"
                yield Check("launcher", "note" if problems else "ok", f"{entry.name}: {found}")


def _files(backend: Path | None, environments: Path | None) -> tuple[Project | None, Check]:
    """Files that were named must be in order; where none are here, that is no fault of the machine."""
    try:
        project = engine.load(Inputs.find(backend=backend, environments=environments))
    except ConfigurationError as error:
        if backend is not None or environments is not None:
            raise
        return None, Check("files", "note", f"{counted(len(error.mistakes), 'mistake')}: {error.mistakes[0]}",
                           "`envparity check` says all of it; --backend and --environments name others")  # fmt: skip
    names = ", ".join(project.environments)
    return project, Check("files", "ok", f"{project.backend.name} in {names}")


def _clocks(project: Project | None) -> Iterator[Check]:
    """Whether replicas can have clocks of their own, where a scenario asks for that."""
    from envparity.launch.clocks import faketime_library

    if project is None or not any(scenario.boot.clocks for scenario in project.backend.scenarios):
        return
    try:
        yield Check("clocks", "ok", f"libfaketime at {faketime_library()}")
    except LaunchError as error:
        yield Check("clocks", "note", str(error), "the scenarios without clocks can be played")


def _engine(project: Project | None) -> Iterator[Check]:
    from envparity.launch.container.engine import Engine

    try:
        reached = Engine()
    except EngineUnavailable as error:
        yield from _without_engine(project, error)
        return
    try:
        yield from _of_the_engine(reached.client)
    finally:
        reached.close()


def _without_engine(project: Project | None, error: EngineUnavailable) -> Iterator[Check]:
    """Whether processes can stand for containers, and what they cannot show."""
    from envparity.launch.process.kind import process_problems
    from envparity.launch.process.limits import cannot_check

    action = "start one (`docker version` shows it), or set DOCKER_HOST"
    problems = ["no files say how to do without"] if project is None else process_problems(project)
    if project is None or project.backend.process is None or problems:
        yield Check("engine", "bad", str(error), action)
        yield Check("launcher", "bad", f"none: container needs an engine, and process: {'; '.join(problems)}")
        return
    yield Check("engine", "note", str(error), action)
    unchecked = "; ".join(cannot_check(project.backend.process, project.environments.values()))
    yield Check("launcher", "ok", f"process: no engine answers, and auto takes it; it cannot check {unchecked}")
    yield Check("leftovers", *_left_on_this_machine())


def _left_on_this_machine() -> tuple[Literal["ok", "note"], str, str]:
    from envparity.launch.cleanup.leftovers import dead_folders

    dead = dead_folders()
    if dead:
        action = "`envparity sweep` removes them, and so does the next run"
        return "note", f"{counted(len(dead), 'folder')} of dead runs", action
    return "ok", "none", ""


def _of_the_engine(client: docker.DockerClient) -> Iterator[Check]:
    version = client.version()
    yield Check("engine", "ok", f"{version.get('Version', 'unknown')}, API {version.get('ApiVersion', 'unknown')}")
    yield Check("launcher", "ok", "container: an engine answers, and auto takes it")
    yield _base(client)
    yield _images(client)
    yield _disk(client)
    yield _leftovers(client)


def _base(client: docker.DockerClient) -> Check:
    """Whether the base of every image is at hand or can be had. Asks a registry for it by name, and pulls nothing."""
    from docker.errors import APIError, ImageNotFound

    from envparity.launch.images.base import BASE

    try:
        client.images.get(BASE)
    except ImageNotFound:
        pass
    else:
        return Check("base image", "ok", f"{BASE} is at hand")
    if shutil.which("mmdebstrap") is not None:
        return Check("base image", "ok", f"{BASE} is not at hand; mmdebstrap can make it from Debian's packages")
    try:
        client.images.get_registry_data(BASE)
    except APIError as error:
        why = str(error.explanation or error)
        action = "apt-get install mmdebstrap, or let the engine reach a registry"
        return Check("base image", "bad", f"{BASE} is not at hand, and no registry gives it ({why})", action)
    return Check("base image", "ok", f"{BASE} is not at hand; a registry has it")


def _images(client: docker.DockerClient) -> Check:
    from envparity.launch.images.folder import default_docker_folder, image_names

    names = [name for name in image_names(default_docker_folder()) if name != "base"]
    having = [name for name in names if client.images.list(name=f"envparity/{name}")]
    lacking = [name for name in names if name not in having]
    if lacking:
        action = "a run builds them, `envparity images` does so beforehand"
        return Check("images", "note", f"not built yet: {', '.join(lacking)}", action)
    return Check("images", "ok", f"built: {', '.join(having)}; a run builds those whose files have changed")


def _disk(client: docker.DockerClient) -> Check:
    """Where the engine keeps its images; another host's disk cannot be seen from here."""
    root = str(client.info().get("DockerRootDir", ""))
    try:
        free_gb = shutil.disk_usage(root).free / _GB
    except OSError:
        return Check("disk", "note", f"the engine keeps its images at {root or 'an unknown place'}, out of sight")
    found = f"{free_gb:.1f} GB free at {root}"
    if free_gb < _NEEDED_GB:
        return Check("disk", "note", found, f"images may need {_NEEDED_GB:g} GB: `docker image prune` makes room")
    return Check("disk", "ok", found)


def _leftovers(client: docker.DockerClient) -> Check:
    """What dead runs left; living runs are let alone, and told."""
    from envparity.launch.cleanup.labels import OWNER, RUN
    from envparity.launch.cleanup.owner import OwnerState, owner_state

    found: list[Mapping[str, Mapping[str, str] | None]] = [
        *client.api.containers(all=True, filters={"label": RUN}),
        *client.api.networks(filters={"label": RUN}),
    ]
    labels = [item.get("Labels") or {} for item in found]
    dead = [label for label in labels if owner_state(label.get(OWNER, "")) is OwnerState.DEAD]
    alive = {label[RUN] for label in labels if label not in dead and RUN in label}
    running = f"; {counted(len(alive), 'run')} under way" if alive else ""
    if dead:
        action = "`envparity sweep` removes them, and so does the next run"
        return Check("leftovers", "note", f"{counted(len(dead), 'thing')} of dead runs{running}", action)
    return Check("leftovers", "ok", f"none{running}")
