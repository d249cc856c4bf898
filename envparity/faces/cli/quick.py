"""The commands that need no engine, in a group of their own: a deploy step waits for no import that it does not use."""

from __future__ import annotations

import click

from envparity.faces.cli.ending import Commands
from envparity.faces.cli.keys import keys_command
from envparity.faces.cli.verify import verify_command

__all__ = ["quick"]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def quick() -> None:
    """Keys and verdicts (`envparity --help` lists every command)."""


quick.add_command(keys_command)
quick.add_command(verify_command)
