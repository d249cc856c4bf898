"""`envparity plan`: which cases a run boots, as a list that shards are cut from."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from envparity.engine.session import engine
from envparity.engine.session.inputs import Inputs
from envparity.faces.cli.ending import one_message, say
from envparity.faces.cli.options import (
    backend_option,
    environments_option,
    image_option,
    names_option,
    only_option,
    orders_option,
    repeat_option,
    runs_option,
    thorough_option,
)
from envparity.report.saved import runs_folder
from envparity.report.verdict import counted

__all__ = ["plan_command"]


@click.command("plan", short_help="List the cases that a run boots; boot nothing.")
@backend_option
@environments_option
@names_option
@only_option
@image_option
@orders_option
@repeat_option
@thorough_option
@runs_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, for `envparity run --shard I/N --plan FILE`.")
def plan_command(  # noqa: PLR0917  click passes options by name
    backend: Path | None,
    environments: Path | None,
    names: tuple[str, ...],
    only: tuple[str, ...],
    image: str | None,
    orders: str | None,
    repeat: int,
    thorough: bool | None,  # noqa: FBT001
    runs: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """List the cases that a run with these options boots, with the seconds that each took when it ran last.

    The list is the same for the same files, commit and version. The seconds are those of the saved runs.
    """
    from envparity.cluster.plan import made_plan

    with one_message():
        inputs = Inputs.find(
            backend=backend, environments=environments, names=names, orders=orders, repeat=repeat, thorough=thorough,
            image=image,
        )  # fmt: skip
        plan = made_plan(engine.load(inputs, only), only, inputs.orders, inputs.repeat, runs_folder(runs))
    if as_json:
        say(msgspec.json.format(msgspec.json.encode(plan), indent=1).decode())
        return
    for case in plan.cases:
        took = "did not run yet" if case.seconds is None else f"{case.seconds:.1f} s"
        say(f"{case.id:<28} {took:>15}  {case.title}, {counted(case.scenarios, 'scenario')}")
    say(f"{counted(len(plan.cases), 'case')} of {plan.backend}; plan {plan.plan}")
