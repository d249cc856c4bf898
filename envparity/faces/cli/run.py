"""`envparity run`: boot everywhere, compare, give the verdict."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from envparity.cluster.shard import ShardNumber
from envparity.engine.session import engine
from envparity.engine.session.inputs import Exploration, Inputs
from envparity.faces.cli.cluster import asked_cluster, cluster_options, opened_cluster
from envparity.faces.cli.ending import EXITS, one_message
from envparity.faces.cli.options import (
    attach_option,
    attaching,
    backend_option,
    causes_option,
    confirm_option,
    environments_option,
    explore_option,
    explore_seed_option,
    image_option,
    keep_option,
    launcher_option,
    names_option,
    ndjson_option,
    only_option,
    orders_option,
    repeat_option,
    runs_option,
    thorough_option,
)
from envparity.faces.cli.profiling import profile_option, say_profile
from envparity.faces.cli.reporting import ReportingCommand, github_option
from envparity.faces.cli.shard import observe_shard, refuse_beside_a_shard
from envparity.faces.cli.writing import writer_of
from envparity.faces.keeping import check_exploring, write_kept
from envparity.report.outputs import Outputs
from envparity.report.saved import Saver, runs_folder, saved_project

__all__ = ["run_command"]


@click.command("run", cls=ReportingCommand, short_help="Boot everywhere, compare, give the verdict.", epilog=EXITS)
@backend_option
@environments_option
@names_option
@only_option
@launcher_option
@image_option
@attach_option
@confirm_option
@orders_option
@repeat_option
@causes_option
@ndjson_option
@click.option(
    "--shard", metavar="I/N",
    help="Boot only the I-th of N parts of the cases; judge nothing: --ndjson writes what `envparity merge` judges.",
)  # fmt: skip
@click.option(
    "--plan", "plan_file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="With --shard: cut the parts by the seconds of this plan, of `envparity plan --json`.",
)  # fmt: skip
@cluster_options
@explore_option
@explore_seed_option
@keep_option
@thorough_option
@github_option
@runs_option
@profile_option
@click.option("--plain", is_flag=True, help="No live display and no colour, also on a terminal.")
def run_command(  # noqa: PLR0917  click passes options by name
    backend: Path | None,
    environments: Path | None,
    names: tuple[str, ...],
    only: tuple[str, ...],
    launcher: str | None,
    image: str | None,
    attach: tuple[str, ...],
    confirmed: tuple[str, ...],
    orders: str | None,
    repeat: int,
    thorough: bool | None,  # noqa: FBT001
    explore: int,
    explore_seed: int | None,
    keep: Path | None,
    causes: bool,  # noqa: FBT001
    ndjson: Path | None,
    shard: str | None,
    plan_file: Path | None,
    cluster: str | None,
    cluster_ca: Path | None,
    cluster_cert: Path | None,
    cluster_key: Path | None,
    outputs: Outputs,
    runs: Path | None,
    profile: bool,  # noqa: FBT001
    plain: bool,  # noqa: FBT001
) -> None:
    """Boot the backend in every environment, hold the conversations, compare, and give the verdict.

    The last part of the output is the verdict: CLEAN, or RED with every finding, what it was expected to be, the
    evidence, what to do, and the command that replays it. The run is saved, so that `envparity report` and `envparity
    replay` can go on from it.
    """
    with one_message():
        inputs = Inputs.find(
            backend=backend, environments=environments, names=names, launcher=launcher, orders=orders,
            attaching=attaching(attach, confirmed), repeat=repeat, thorough=thorough, image=image,
        )  # fmt: skip
        number = None if shard is None else ShardNumber.parse(shard)
        refuse_beside_a_shard(number, plan_file, ndjson, outputs)
        files = (cluster_ca, cluster_cert, cluster_key)
        address = asked_cluster(cluster, files, {"--shard": shard, "--attach": attach})
        exploration = Exploration.find(explore, explore_seed, runs_folder(runs))
        check_exploring(keep, exploration, sharded=number is not None or address is not None)
        project = engine.load(inputs, only)
        if number is not None and ndjson is not None:
            observe_shard(number, project, inputs, only, plan_file, ndjson, plain=plain)
            return
        outputs.check()
        described = saved_project(project, inputs.environments, orders=inputs.orders, only=only, repeat=inputs.repeat)
        shown = [say_profile] if profile else []
        saver = Saver(described, runs_folder(runs), [*shown, outputs.write])
        writer = writer_of(ndjson, saver, plain=plain)
        try:
            elsewhere = opened_cluster(address, project, inputs, only, writer.handle)
            asked = engine.RunRequest(only, inputs.orders, causes, inputs.repeat, elsewhere, exploration)
            verdict = engine.to_verdict(project, inputs.launcher, writer.handle, asked)
        finally:
            writer.close()
        write_kept(keep, verdict.explored)
    sys.exit(verdict.exit_code)
