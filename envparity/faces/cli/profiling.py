"""`--profile`: where a verdict's time went, behind it."""

from __future__ import annotations

import click

from envparity.faces.cli.ending import say
from envparity.report.profile import profile_lines, profile_of
from envparity.report.saved import SavedRun

__all__ = ["profile_option", "say_profile"]

profile_option = click.option(
    "--profile", is_flag=True, help="Also say where the verdict's time went: phases, longest boots and conversations."
)


def say_profile(run: SavedRun) -> None:
    """Print it, with an empty line before it."""
    say("\n" + "\n".join(map(str, profile_lines(profile_of(run)))))
