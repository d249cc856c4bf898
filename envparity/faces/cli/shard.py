"""`envparity run --shard I/N`: a part of the cases, observed for `envparity merge`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from envparity.cluster.plan import made_plan, read_plan
from envparity.cluster.shard import ShardNumber
from envparity.engine.session import engine
from envparity.engine.session.inputs import Inputs
from envparity.errors import ConfigurationError, Mistake
from envparity.faces.cli.ending import say
from envparity.faces.cli.writing import ndjson_writer
from envparity.model.project import Project
from envparity.report.outputs import Outputs
from envparity.report.saved import saved_project
from envparity.report.terminal import terminal_writer
from envparity.report.verdict import counted
from envparity.report.writer import Tee

__all__ = ["observe_shard", "refuse_beside_a_shard"]


def refuse_beside_a_shard(
    number: ShardNumber | None, plan_file: Path | None, ndjson: Path | None, outputs: Outputs
) -> None:
    """Raise `ConfigurationError` for what has no effect in a shard, or without one, and for what a shard lacks."""
    mistakes: list[Mistake] = []
    if number is None and plan_file is not None:
        mistakes.append(Mistake("--plan", 0, str(plan_file), "--shard beside it", "none", "say which shard"))
    if number is not None and ndjson is None:
        mistakes.append(Mistake("--shard", 0, str(number), "--ndjson FILE beside it", "none", "it is what is merged"))
    if number is not None:
        mistakes += [
            Mistake(f"--{name}", 0, str(file), "no report of a shard", "one", "give it to `envparity merge`")
            for name, file in outputs.reports.items()
        ]
    if mistakes:
        raise ConfigurationError(mistakes)


def observe_shard(  # noqa: PLR0917  what a run is asked for
    number: ShardNumber,
    project: Project,
    inputs: Inputs,
    only: Sequence[str],
    plan_file: Path | None,
    ndjson: Path,
    *,
    plain: bool,
) -> None:
    """Boot and observe what is that shard's, and write it to the file. Nothing is judged."""
    plan = made_plan(project, only, inputs.orders, inputs.repeat)
    if plan_file is not None:
        plan = read_plan(plan_file, plan)
    part = number.of_plan(plan, inputs.launcher, inputs.image)
    head = saved_project(
        project, inputs.environments, orders=inputs.orders, only=only, repeat=inputs.repeat, shard=part
    )
    writer = Tee([ndjson_writer(ndjson, head), terminal_writer(sys.stdout, plain=plain, verdict=False)])
    try:
        asked = engine.RunRequest(only, inputs.orders, repeat=inputs.repeat, share=part.own)
        engine.to_observations(project, inputs.launcher, writer.handle, asked)
    finally:
        writer.close()
    observed = f"{len(part.own)} of {counted(len(part.cases), 'case')} observed"
    say(f"shard {number}: {observed}; `envparity merge` judges all shards together")
