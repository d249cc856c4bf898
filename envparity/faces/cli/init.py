"""`envparity init`: the files that envparity needs, made of what a project's own files say."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from envparity.config.proposals.clusters import clusters, workloads
from envparity.config.proposals.code import Code, read_code
from envparity.config.proposals.contracts import channel_paths, contracts
from envparity.config.proposals.deployments import Build, Deployment, build_of, deployments, passed_over, services
from envparity.config.proposals.own_servers import own_servers
from envparity.config.proposals.programs import commands, dockerfiles, has_program, names
from envparity.config.proposals.proposal import Proposal, slug
from envparity.config.proposals.writing import Assumed, BackendPlan, backend_text, environment_text, write_all
from envparity.engine.session import engine
from envparity.engine.session.inputs import Inputs
from envparity.errors import ConfigurationError, Mistake
from envparity.faces.cli.ending import one_message, say
from envparity.report.verdict import counted
from envparity.support.printable import printable

__all__ = ["init_command"]

T = TypeVar("T")

_LOCAL, _ELSEWHERE = "local", "cloud"
_MOST_SHOWN = 3


@dataclass(frozen=True)
class _Asking:
    """Whoever is asked: a person, or nobody, and then what the files propose is taken where `accepted`."""

    person: bool
    accepted: bool
    mistakes: list[Mistake]

    def decide(
        self, what: str, flag: str, given: T | None, proposals: Sequence[Proposal[T]], fallback: T | None
    ) -> T | None:
        """The value given, or the first that was proposed and is accepted; what it is and why is said."""
        if given is not None:
            _say(what, given, flag)
            return given
        first = proposals[0] if proposals else None
        if first is None and not fallback and fallback is not None:
            return fallback
        if first is None and fallback is not None:
            first = Proposal(fallback, "nothing says otherwise")
        if first is None:
            self.mistakes.append(Mistake("init", 0, flag, "a value", f"no file that says the {what}", "give it"))
            return None
        _say(what, first.value, first.found_in)
        for other in proposals[1:4]:
            _say("", other.value, f"{other.found_in}, not taken")
        if self.person:
            if not click.confirm(f"  {what}: is that right?", default=True, err=True):
                self.mistakes.append(Mistake("init", 0, flag, "a value", "none", f"say {flag}"))
        elif not self.accepted:
            action = f"say {flag}, or --yes for all that the files propose"
            self.mistakes.append(Mistake("init", 0, flag, "a value", f"a proposal, {_shown(first.value)}", action))
        return first.value


@click.command("init", short_help="Write the files for a project of your own; ask before.")
@click.argument(
    "folder", default=Path(), type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="[FOLDER]"
)
@click.option("--name", help="What the backend is called. Default: the project's name.")
@click.option("--service", help="The service of the compose file that is the backend.")
@click.option("--workload", help="The workload of Kubernetes that is the backend, where its files have several.")
@click.option("--dockerfile", help="The Dockerfile of the backend, relative to FOLDER.")
@click.option("--command", help="The program that serves, as one text; {port} stands for the port.")
@click.option("--websocket-path", help="The path of the WebSocket, such as /ws.")
@click.option("--health", help="A path that answers 200 when the backend can be used; 'port' where there is none.")
@click.option("--contract", help="The AsyncAPI document, relative to FOLDER; 'none' where there is none.")
@click.option("--yes", is_flag=True, help="Take what the project's files propose, without a question.")
@click.option("--run/--no-run", "runs", default=True, show_default=True, help="Boot and compare at once.")
@click.pass_context
def init_command(  # noqa: PLR0917  click passes options by name
    context: click.Context,
    folder: Path,
    name: str | None,
    service: str | None,
    workload: str | None,
    dockerfile: str | None,
    command: str | None,
    websocket_path: str | None,
    health: str | None,
    contract: str | None,
    yes: bool,  # noqa: FBT001
    runs: bool,  # noqa: FBT001
) -> None:
    """Look at what is in FOLDER, say what it proposes and where that was found, and write `backend.toml` and
    `environments/*.toml`, which point to the project's own files. Nothing is overwritten. Then the files are checked,
    and the backend is booted in each environment.

    On a terminal each decision is asked for; elsewhere it takes --yes or the options.
    """
    with one_message():
        asking = _Asking(sys.stdin.isatty() and not yes, yes, [])
        given = command.split() if command is not None else None
        found = read_code(folder)
        chosen_service = asking.decide("service", "--service", service, services(folder, _called(folder)), "")
        built = build_of(folder, chosen_service or "")
        own = [Proposal(built.value.dockerfile, built.found_in)] if built is not None else []
        files = _distinct(_texts([*own, *dockerfiles(folder)]))
        image = asking.decide("Dockerfile", "--dockerfile", dockerfile, files, "")
        image_path = Path(image) if image else None
        built_from = _context(image_path, built.value if built is not None else None)
        home = built_from if has_program(folder / built_from) else _home(folder, found)
        within = read_code(folder / home)
        programs = list(commands(folder, home, within, image_path))
        if within.websockets or within.socket_io:  # what other programs of the folder listen on is no path of this one
            found = within.below(home)
        argv = asking.decide("command", "--command", tuple(given) if given else None, programs, () if image else None)
        sockets = found.websockets or ([found.socket_io] if found.socket_io else [])
        sockets = sockets or list(channel_paths(folder))
        document = asking.decide("contract", "--contract", contract, contracts(folder), "")
        path = asking.decide("path", "--websocket-path", websocket_path, _distinct(sockets), None)
        ready = asking.decide("health", "--health", health, _distinct(found.health), "port")
        found_clusters = clusters(folder)
        workload = asking.decide("workload", "--workload", workload, workloads(found_clusters), "")
        for cluster in found_clusters:
            if cluster.missing:
                say(f"not taken    {printable(cluster.path)}: {printable(cluster.missing)}")
        entries = [
            (each_cluster.name, each_cluster.entry(workload))
            for each_cluster in found_clusters
            if not each_cluster.missing
        ]
        of_clusters = [(name, entry) for name, entry in entries if entry is not None]
        called = asking.decide("name", "--name", name, list(names(folder)), None)
        if asking.mistakes:
            raise ConfigurationError(asking.mistakes)
        with_socket_io = found.socket_io is not None
        plan = BackendPlan(
            slug(called or "", "backend"),
            f"{path}?EIO=4&transport=websocket" if with_socket_io and path and "?" not in path else path or "/",
            image or "",
            argv or (),
            "" if ready in {None, "port"} else ready or "",
            with_socket_io,
            "" if image_path is None or built_from == image_path.parent else built_from.as_posix(),
            "" if home == Path() else home.as_posix(),
            "" if document in {None, "none"} else document or "",
        )
        told = deployments(folder, chosen_service or "", of_clusters)
        left = passed_over(folder, told)
        for place, why in left[:_MOST_SHOWN]:
            say(f"not taken    {printable(place)}: {printable(why)}")
        if len(left) > _MOST_SHOWN:
            say(f"             and {counted(len(left) - _MOST_SHOWN, 'compose file')} more")
        for file in _written(folder, plan, told):
            say(f"written      {printable(file.as_posix())}")
        inputs = Inputs.find(backend=folder / "backend.toml", environments=folder / "environments")
        project = engine.load(inputs)
    count = counted(len(project.environments), "environment")
    say(f"checked      {count} ({', '.join(project.environments)}); the files are in order")
    here = [] if folder == Path() else ["--backend", *_files(folder)]
    say(f"next         envparity run {' '.join(here)}".rstrip())
    group = context.find_root().command
    if runs and isinstance(group, click.Group):
        group.main(["run", *here], standalone_mode=False)


def _context(dockerfile: Path | None, built: Build | None) -> Path:
    """The folder that the image is built from: as the compose file says, else the Dockerfile's own."""
    if dockerfile is None:
        return Path()
    return built.context if built is not None and built.dockerfile == dockerfile else dockerfile.parent


def _called(folder: Path) -> list[str]:
    """What the project may be called by others: its names, and what stands behind the last sign in one."""
    called = [slug(proposal.value, "") for proposal in names(folder)]
    return [*called, *(name.rpartition("-")[2] for name in called)]


def _home(folder: Path, found: Code) -> Path:
    """The folder that the program begins in where nothing is built: the nearest above its WebSocket, else the whole."""
    if has_program(folder) or not found.websockets:
        return Path()
    above = Path(found.websockets[0].found_in.rpartition(":")[0]).parents
    return next((home for home in above if has_program(folder / home)), Path())


def _files(folder: Path) -> list[str]:
    return [str(folder / "backend.toml"), "--environments", str(folder / "environments")]


def _written(folder: Path, plan: BackendPlan, told: list[Deployment]) -> list[Path]:
    """The files of the backend and of each environment, now written."""
    environments: list[tuple[Deployment, Assumed]] = [(deployment, "") for deployment in told] or [
        (Deployment(_LOCAL, ()), "")
    ]
    if len(environments) == 1:
        known = environments[0][0]
        if known.name == _LOCAL:
            environments.append((Deployment(_ELSEWHERE, known.files), "elsewhere"))
        else:
            environments.insert(0, (Deployment(_LOCAL, known.files), "laptop"))
    files = [(folder / "backend.toml", backend_text(plan))]
    for place, (environment, assumed) in enumerate(environments):
        own = own_servers(folder, environment.files)
        for server in own.found:
            _say("server", server.value, f"{environment.name}, {server.found_in}")
        text = environment_text(environment, own, baseline=place == 0, assumed=assumed)
        files.append((folder / "environments" / f"{environment.name}.toml", text))
    write_all(files)
    return [path for path, _ in files]


def _texts(proposals: object) -> list[Proposal[str]]:
    return [Proposal(proposal.value.as_posix(), proposal.found_in) for proposal in proposals]  # type: ignore[attr-defined]


def _distinct(proposals: Sequence[Proposal[str]]) -> list[Proposal[str]]:
    """Each value once, where it was found first."""
    first: dict[str, Proposal[str]] = {}
    for proposal in proposals:
        first.setdefault(proposal.value, proposal)
    return list(first.values())


def _say(what: str, value: object, why: str) -> None:
    say(f"{what:<12} {printable(_shown(value)) or 'none'}  ({printable(why)})")


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
