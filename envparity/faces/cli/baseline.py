"""`envparity baseline`: what a release was seen to do, kept as text; and what a run shows that was another then."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from envparity.engine.session import engine
from envparity.engine.session.exits import BAD_INPUT, CLEAN, FINDINGS
from envparity.engine.session.inputs import Inputs
from envparity.errors import ConfigurationError, Mistake
from envparity.faces.cli.options import backend_option, environments_option, one_message, runs_option, say
from envparity.report.saved import find_run, newest_run, runs_folder
from envparity.report.verdict import counted, headline

__all__ = ["baseline_command"]

FOLDER: Final = Path("baseline")
_EXITS = f"""\b
Exit codes:
  {CLEAN}    nothing has changed
  {FINDINGS}    something has, and is listed
  {BAD_INPUT}    an input is wrong: there is no baseline, no such run, or one of some scenarios only
"""
_folder_option = click.option(
    "--baseline", "folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), default=FOLDER,
    show_default=True, help="The folder of the baseline, in the repository.",
)  # fmt: skip


@click.group("baseline", short_help="Keep what a release does; say what has changed since.")
def baseline_command() -> None:
    """Keep what a release was seen to do as text, and say what a run shows that was another then."""


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    for option in (runs_option, environments_option, backend_option, _folder_option):
        command = option(command)
    return click.argument("run", metavar="[RUN]", required=False)(command)


@baseline_command.command("save", short_help="Keep what a run has seen.")
@_shared
def save_command(run: str | None, folder: Path, **files: Path | None) -> None:
    """Keep what RUN (its id or a file; the newest without it) has seen of each environment, and the contract.

    Sorted text without times, ids and secrets: what has changed is read in the diff, and accepted by the commit.
    """
    with one_message():
        contract, environments = _seen(run, clean=True, **files)
        from envparity.report.baseline.folder import write

        written = write(folder, contract, environments)
    for file in written:
        say(file)


@baseline_command.command("check", short_help="Say what has changed since.", epilog=_EXITS)
@_shared
def check_command(run: str | None, folder: Path, **files: Path | None) -> None:
    """Say what RUN (its id or a file; the newest without it) has seen that is not as the baseline has it.

    What breaks the contract for clients that are out there comes first.
    """
    with one_message():
        contract, environments = _seen(run, clean=False, **files)
        from envparity.report.baseline.folder import compare

        found = compare(folder, contract, environments)
    if found.none:
        say(f"nothing has changed since {folder}: {counted(len(environments), 'environment')}")
        return
    breaking = [change for change in found.contract if change.breaks]
    for title, listed in (
        ("of the contract that may break clients", breaking),
        ("of the contract", [change for change in found.contract if not change.breaks]),
    ):
        if listed:
            say(f"{counted(len(listed), 'change')} {title}")
            for change in listed:
                say(f"  {change.path} {change.text}" + (f": {change.breaks}" if change.breaks else ""))
    for name, lines in found.environments.items():
        say(name)
        say("\n".join(f"  {line}" for line in lines))
    say(f"\nWhere it is meant: envparity baseline save --baseline {folder}, and commit it")
    sys.exit(FINDINGS)


def _seen(
    run: str | None, *, clean: bool, backend: Path | None, environments: Path | None, runs: Path | None
) -> tuple[Mapping[str, str], Mapping[str, list[str]]]:
    """The contract, and what was seen of each environment, as lines."""
    from envparity.report.baseline.behaviour import behaviour
    from envparity.report.baseline.promises import promises

    place = runs_folder(runs)
    saved = find_run(run, place) if run else newest_run(place)
    if clean and not saved.verdict.clean:
        action = "a baseline is what a clean run has seen"
        got = f"{saved.verdict.run_id}: {headline(saved.verdict)}"
        raise ConfigurationError([Mistake("baseline", 0, "RUN", "a clean run", got, action)])
    if saved.project.only:
        got = f"{saved.verdict.run_id}, of only {', '.join(saved.project.only)}"
        raise ConfigurationError([Mistake("baseline", 0, "RUN", "a run of every scenario", got)])
    names = saved.verdict.environments
    project = engine.load(Inputs.find(backend=backend, environments=environments, names=names))
    return promises(project.backend), {name: behaviour(project, name, saved.observations) for name in names}
