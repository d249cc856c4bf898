"""`envparity images` and `envparity sweep`: what a run needs of this machine, and what one left on it."""

from __future__ import annotations

from pathlib import Path

import click

from envparity.engine.session import engine
from envparity.engine.session.inputs import Inputs
from envparity.faces.cli.ending import one_message, say
from envparity.faces.cli.options import backend_option, environments_option
from envparity.support.counting import counted

__all__ = ["images_command", "sweep_command"]


@click.command("images", short_help="Build the images that a run needs.")
@backend_option
@environments_option
def images_command(backend: Path | None, environments: Path | None) -> None:
    """Build the images that a run needs, one line each. A run does this by itself; a CI job may want it beforehand."""
    from envparity.launch import upkeep

    with one_message():
        project = engine.load(Inputs.find(backend=backend, environments=environments))
        for line in upkeep.build_images(project, lambda waited_for: say(f"waits for {waited_for}", err=True)):
            say(line)


@click.command("sweep", short_help="Remove what killed runs left behind.")
@click.option(
    "--older-than", "older_than_s", metavar="SECONDS", type=click.FloatRange(min=0),
    help="Remove also what is older and whose owner cannot be asked (another host's, on a shared engine).",
)  # fmt: skip
@click.option("--everything", is_flag=True, help="Remove what any run made, a living one's too.")
def sweep_command(older_than_s: float | None, everything: bool) -> None:  # noqa: FBT001  click passes options by name
    """Remove what killed runs left behind: containers, networks, processes, temporary folders.

    Only what carries envparity's mark is touched, and only where the run that made it is dead. Every run does this by
    itself when it starts.
    """
    from envparity.launch import upkeep

    with one_message():
        removed = upkeep.remove_leftovers(older_than_s, everything=everything)
    for name in removed:
        say(f"removed {name}")
    say(f"{counted(len(removed), 'leftover')} removed")
