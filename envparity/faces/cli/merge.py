"""`envparity merge`: the shards of a run, judged together."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from envparity.faces.cli.ending import one_message
from envparity.faces.cli.options import backend_option, causes_option, environments_option, ndjson_option, runs_option
from envparity.faces.cli.reporting import ReportingCommand, github_option
from envparity.faces.cli.writing import writer_of
from envparity.report.outputs import Outputs
from envparity.report.saved import Saver, runs_folder, saved_project

__all__ = ["merge_command"]

_EXITS = """\b
Exit codes: as those of `envparity run`; 2 also for shards that are not one run: one is missing,
doubled, unfinished, or of another commit, other files or another version.
"""


@click.command("merge", cls=ReportingCommand, short_help="Judge the shards of a run together.", epilog=_EXITS)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@backend_option
@environments_option
@causes_option
@ndjson_option
@github_option
@runs_option
@click.option("--plain", is_flag=True, help="No live display and no colour, also on a terminal.")
def merge_command(  # noqa: PLR0917  click passes options by name
    files: tuple[Path, ...],
    backend: Path | None,
    environments: Path | None,
    causes: bool,  # noqa: FBT001
    ndjson: Path | None,
    outputs: Outputs,
    runs: Path | None,
    plain: bool,  # noqa: FBT001
) -> None:
    """Judge what all shards of a run have observed (FILE... of `envparity run --shard`), and give the one verdict.

    Nothing is booted where it is clean. Where something is red, this machine boots what its cause needs, by the
    launcher of the shards; `--no-causes` leaves that out. What only forks showed is booted here in any case, to see
    whether it holds. The merged run is saved as any other.
    """
    from envparity.cluster.merge import prepared_merge

    with one_message():
        merge = prepared_merge(files, backend, environments)
        outputs.check()
        asked = merge.inputs
        project = saved_project(
            merge.project, asked.environments, orders=asked.orders, only=merge.only, repeat=asked.repeat
        )
        writer = writer_of(ndjson, Saver(project, runs_folder(runs), [outputs.write]), plain=plain)
        try:
            verdict = merge.verdict(writer.handle, causes=causes)
        finally:
            writer.close()
    sys.exit(verdict.exit_code)
