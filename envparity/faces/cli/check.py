"""`envparity check`: what is wrong with the files, and what they say that no boot takes."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from envparity.config.limits import broken_limits
from envparity.engine.session import engine
from envparity.engine.session.exits import FINDINGS
from envparity.engine.session.inputs import Inputs
from envparity.faces.cli.ending import one_message, say
from envparity.faces.cli.options import backend_option, environments_option, names_option
from envparity.support.counting import counted
from envparity.support.printable import printable
from envparity.support.redaction import redact

__all__ = ["check_command"]


@click.command("check", short_help="Read the files; boot nothing.")
@backend_option
@environments_option
@names_option
def check_command(backend: Path | None, environments: Path | None, names: tuple[str, ...]) -> None:
    """Read the backend file and the environment files, and say all that is wrong with them. Boots nothing.

    Limits that cannot both hold ([limits] of the backend file) are findings, as in a run: exit code 1.
    """
    with one_message():
        project = engine.load(Inputs.find(backend=backend, environments=environments, names=names))
    extent = (
        f"{counted(len(project.backend.scenarios), 'scenario')} in {counted(len(project.environments), 'environment')}"
    )
    broken = list(broken_limits(project.backend, project.environments))
    for limit in broken:
        say(f"{limit.environment}: expected {limit.setting} {limit.expected}, got {printable(limit.got)}")
    order = f"{counted(len(broken), 'limit')} cannot hold" if broken else "the files are in order"
    say(f"{project.backend.name}: {extent} ({', '.join(project.environments)}); {order}")
    said: dict[str, list[str]] = {}
    for environment in project.environments.values():
        for note in environment.notes:
            text = f"{'not taken' if note.known else 'not known'}: {redact(str(note), ())}"
            said.setdefault(text, []).append(environment.name)
    for text, told in said.items():
        say(printable(f"{', '.join(told)}: {text}"))
    if broken:
        sys.exit(FINDINGS)
