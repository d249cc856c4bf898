"""`envparity diff`: what two environments' files make different, without booting anything."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from envparity.config.project import load_project
from envparity.engine.session.inputs import Inputs
from envparity.errors import ConfigurationError, Mistake
from envparity.faces.cli.diff_sections import Section, sections
from envparity.faces.cli.ending import one_message
from envparity.faces.cli.options import backend_option, environments_option
from envparity.report.columns import verdict_width, wants_live
from envparity.support.counting import counted
from envparity.support.printable import printable

__all__ = [
    "diff_command",
]

_WIDEST = 140


@click.command("diff", short_help="Say how two environments differ; boot nothing.")
@click.argument("here", metavar="ENVIRONMENT")
@click.argument("there", metavar="ENVIRONMENT")
@backend_option
@environments_option
def diff_command(here: str, there: str, backend: Path | None, environments: Path | None) -> None:
    """Say how two environments differ by their files: settings, platform, ingress, dependencies. Boots nothing.

    Beside every setting that differs stands the reason that a [[differences]] table gives for it, or that none does: a
    run would report that one. A secret is only called a secret.
    """
    with one_message():
        if here == there:
            got = f"{here} twice"
            raise ConfigurationError([Mistake("diff", 0, "ENVIRONMENT", "two environments", got, "name another")])
        inputs = Inputs.find(backend=backend, environments=environments, names=(here, there))
        project = load_project(inputs.backend, inputs.environments, inputs.names)
        found = sections(project)
    width = min(verdict_width() if wants_live(sys.stdout) else _WIDEST, _WIDEST)
    console = Console(file=sys.stdout, width=width, highlight=False, markup=False, soft_wrap=False)
    for section in found:
        _print(console, section, (here, there))


def _print(console: Console, section: Section, names: tuple[str, str]) -> None:
    extent = f"{len(section.rows)} differ, {section.same} the same" if section.rows else "the same"
    if section.title == "declared differences":
        extent = counted(len(section.rows), "path") if section.rows else "none"
    console.print(Text(f"{section.title}: {extent}", "bold"))
    if not section.rows:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("  ", overflow="fold")
    for name in names:
        table.add_column(printable(name), overflow="fold", ratio=2)
    why = any(row.why for row in section.rows)
    if why:
        table.add_column("because", overflow="fold", ratio=3)
    for row in section.rows:
        cells: Mapping[str, str] = {"name": f"  {row.name}", "here": row.here, "there": row.there}
        texts = [Text(printable(cell)) for cell in cells.values()]
        if why:
            texts.append(Text(printable(row.why), "red" if row.why == "not declared" else ""))
        table.add_row(*texts)
    console.print(table)
