"""Commands that make reports: an option for each that is installed, and GitHub's."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from envparity.doors import InstalledEntry
from envparity.errors import DoorFailed
from envparity.faces.cli.ending import one_message
from envparity.report.github import CHOICES
from envparity.report.kinds import REPORTS
from envparity.report.outputs import Outputs

__all__ = ["ReportingCommand", "github_flag", "github_option"]

_FILE = click.Path(path_type=Path, dir_okay=False)


class _ReportOption(click.Option):
    """`--NAME FILE` for a report that is installed: loaded for its help, and when it is made."""

    def __init__(self, entry: InstalledEntry) -> None:
        super().__init__([f"--{entry.name}", entry.name], metavar="FILE", type=_FILE, help=f"Write {entry.name}.")
        self._entry = entry

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        with suppress(DoorFailed):
            self.help = REPORTS.load(self._entry).help
        if not self._entry.built_in:
            self.help = f"{self.help} ({self._entry.origin})"
        return super().get_help_record(ctx)


class ReportingCommand(click.Command):
    """A command that is given, as its `outputs`, which reports are asked for: an option for each that is installed.

    Its `--github` stands among its options, and the reports' come before it.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        place = next(index for index, param in enumerate(self.params) if param.name == "github")
        self._failed: DoorFailed | None = None
        self._reports: list[str] = []
        try:
            found = list(REPORTS.entries().values())
        except DoorFailed as failed:
            found, self._failed = [], failed
        for entry in found:
            self._reports.append(entry.name)
            self.params.insert(place, _ReportOption(entry))
            place += 1

    def invoke(self, ctx: click.Context) -> object:
        with one_message():
            if self._failed is not None:
                raise self._failed
        given = {name: ctx.params.pop(name) for name in self._reports}
        github = ctx.params.pop("github")
        choice = github if isinstance(github, str) else "on" if github else "off"
        ctx.params["outputs"] = Outputs({name: file for name, file in given.items() if file is not None}, choice)
        return super().invoke(ctx)


github_option = click.option(
    "--github", type=click.Choice(CHOICES), default="auto", show_default=True,
    help="Write annotations and a step summary for GitHub Actions; auto: where this is a step of one.",
)  # fmt: skip
github_flag = click.option("--github", is_flag=True, help="Write GitHub's annotations and step summary.")
