"""`envparity import --check`: do the environments say what the deployment's files say?"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click
import msgspec

from envparity.config.project import load_project
from envparity.config.proposals.clusters import clusters
from envparity.config.proposals.deployments import deployments, services
from envparity.config.proposals.drift import Drift, drifts, said_by
from envparity.engine.session.exits import BAD_INPUT, CLEAN, FINDINGS
from envparity.engine.session.inputs import Inputs
from envparity.errors import ConfigurationError, Mistake
from envparity.faces.cli.ending import one_message, say
from envparity.faces.cli.options import backend_option, environments_option, names_option
from envparity.model.environment import Environment
from envparity.report.saved_project import environment_lines
from envparity.support.counting import counted

__all__ = ["import_command"]

_EXITS = f"""\b
Exit codes:
  {CLEAN}    the environments say all that the deployment's files say
  {FINDINGS}    they do not; each line names both files
  {BAD_INPUT}    an input is wrong
"""


@click.command("import", short_help="Do the environments say what the deployment's files say?", epilog=_EXITS)
@click.option("--check", is_flag=True, required=True, help="Compare; write nothing (`envparity init` writes files).")
@backend_option
@environments_option
@names_option
@click.option(
    "--from", "files", metavar="FILE[#PART]", multiple=True,
    help="A file of the deployment of the one environment that is named, as `extends` has it, relative to here; may be "
    "repeated. Default: those that stand beside the backend's file under the environment's name, as `envparity init` "
    "finds them.",
)  # fmt: skip
@click.option("--service", metavar="NAME", help="The backend's service in the compose file. Default: the built one.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array, with an object for each line.")
def import_command(  # noqa: PLR0917  click passes options by name
    check: bool,  # noqa: FBT001, ARG001
    backend: Path | None,
    environments: Path | None,
    names: tuple[str, ...],
    files: tuple[str, ...],
    service: str | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Read the deployment's own files (compose, Kubernetes, fly.toml, .env, …) and say what they say and an
    environment's file does not, or says otherwise: settings, limits, ingress, servers, jobs, the image and its start.
    Boots nothing. For environments that were typed by hand; one that `extends` these files cannot drift.
    """
    with one_message():
        inputs = Inputs.find(backend=backend, environments=environments, names=names)
        found = list(_found(inputs, files, service))
    if as_json:
        say(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    else:
        for drift in found:
            say(drift)
        said = f"{counted(len(found), 'value')} of the deployment's files that the environments do not have"
        say(said if found else "the environments say what the deployment's files say")
    sys.exit(FINDINGS if found else CLEAN)


def _found(inputs: Inputs, files: Sequence[str], service: str | None) -> Iterator[Drift]:
    if files and len(inputs.names) != 1:
        got = counted(len(inputs.names), "environment")
        raise ConfigurationError([Mistake("--from", 0, "environment", "one, by --environment", got, "name it")])
    project = load_project(inputs.backend, inputs.environments, inputs.names)
    home, folder = inputs.backend.parent, inputs.environments
    folder = folder if folder.is_dir() else folder.parent
    given = {inputs.names[0]: files} if files else _beside(home, service or _named(project.environments.values()))
    wanted = {name: given[name] for name in project.environments if name in given}
    if not wanted:
        got = ", ".join(given) or "none"
        expected = f"files of the deployment for {', '.join(project.environments)}"
        action = "name them: --environment NAME --from FILE"
        raise ConfigurationError([Mistake("import", 0, str(home), expected, f"those of {got}", action)])
    mistakes: list[Mistake] = []
    for name, named in wanted.items():
        root = Path() if files else home
        relative = [os.path.relpath(root / each.partition("#")[0], folder) + _part(each) for each in named]
        file = folder / f"{name}.toml"
        try:
            said = said_by(name, folder, relative, project.backend)
        except ConfigurationError as wrong:
            mistakes += wrong.mistakes
            continue
        yield from sorted(
            drifts(said, project.environments[name], project.backend, file, dict(environment_lines(file)))
        )
    if mistakes:
        raise ConfigurationError(mistakes)


def _part(named: str) -> str:
    _, hash_, part = named.partition("#")
    return hash_ + part


def _named(environments: Iterable[Environment]) -> str:
    """The one service of files that the environments extend, behind `#`; "" where they name none, or several."""
    parts = {
        entry.partition("#")[2].partition("/")[0] for environment in environments for entry in environment.extends
    } - {""}
    return parts.pop() if len(parts) == 1 else ""


def _beside(home: Path, service: str) -> dict[str, tuple[str, ...]]:
    """The files of each environment, by its name, as they stand beside the backend's file."""
    known = services(home)
    chosen = service or (known[0].value if len(known) == 1 else "")
    of_clusters = [(cluster.name, cluster.entry(chosen) or cluster.path) for cluster in clusters(home)]
    return {found.name: found.files for found in deployments(home, chosen, of_clusters)}
