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
        subject = engine.load(Inputs.find(backend=backend, environments=environments, names=names))
    extent = (
        f"{counted(len(subject.backend.scenarios), 'scenario')} in {counted(len(subject.environments), 'environment')}"
    )
    broken = list(broken_limits(subject.backend, subject.environments))
    for limit in broken:
        say(f"{limit.environment}: expected {limit.setting} {limit.expected}, got {printable(limit.got)}")
    order = f"{counted(len(broken), 'limit')} cannot hold" if broken else "the files are in order"
    say(f"{subject.backend.name}: {extent} ({', '.join(subject.environments)}); {order}")
    for environment in subject.environments.values():
        for note in environment.notes:
            what = "not taken" if note.known else "not known"
            say(printable(f"{environment.name}: {what}: {redact(str(note), ())}"))
    if broken:
        sys.exit(FINDINGS)
