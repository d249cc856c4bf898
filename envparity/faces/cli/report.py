"""`envparity report`: any writer's output, from a saved run."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from envparity.faces.cli.ending import one_message, say
from envparity.faces.cli.options import runs_option
from envparity.faces.cli.profiling import profile_option, say_profile
from envparity.faces.cli.reporting import ReportingCommand, github_flag
from envparity.report.outputs import Outputs
from envparity.report.saved import find_run, newest_run, runs_folder
from envparity.report.terminal import print_verdict
from envparity.report.verdict import headline
from envparity.support.printable import printable

__all__ = ["report_command"]


@click.command("report", cls=ReportingCommand, short_help="Make any report from a saved run.")
@click.argument("run", metavar="[RUN]", required=False)
@github_flag
@runs_option
@profile_option
def report_command(run: str | None, outputs: Outputs, runs: Path | None, profile: bool) -> None:  # noqa: FBT001
    """Make any report from a saved run. RUN is its id or a file; without it, the newest. Boots nothing.

    Without an option the verdict is printed once more. The exit code is 0 once the reports are made, red or clean.
    """
    with one_message():
        outputs.check()
        folder = runs_folder(runs)
        saved = find_run(run, folder) if run else newest_run(folder)
        outputs.write(saved)
    if outputs.files:
        written = ", ".join(map(str, outputs.files))
        text = f"run {saved.verdict.run_id}, {headline(saved.verdict)}: wrote {written}"
        say(printable(text), err=True)
    elif outputs.github == "off":
        print_verdict(sys.stdout, saved.verdict)
    if profile:
        say_profile(saved)
