"""The commands, and nothing but the commands: what they do is the engine's."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import click

from envparity.cluster.shard import ShardNumber
from envparity.config.limits import broken_limits
from envparity.errors import ConfigurationError, Mistake
from envparity.faces.cli.audit import audit_command
from envparity.faces.cli.baseline import baseline_command
from envparity.faces.cli.blame import blame_command
from envparity.faces.cli.diff import diff_command
from envparity.faces.cli.doctor import doctor_command
from envparity.faces.cli.init import init_command
from envparity.faces.cli.keys import keys_command
from envparity.faces.cli.merge import merge_command
from envparity.faces.cli.options import (
    Commands,
    ReportingCommand,
    attach_option,
    attaching,
    backend_option,
    causes_option,
    confirm_option,
    environments_option,
    github_option,
    image_option,
    launcher_option,
    names_option,
    ndjson_option,
    one_message,
    only_option,
    orders_option,
    repeat_option,
    runs_option,
    say,
    thorough_option,
)
from envparity.faces.cli.plan import plan_command
from envparity.faces.cli.probe import probe_command
from envparity.faces.cli.replay import replay_command
from envparity.faces.cli.report import report_command
from envparity.faces.cli.shard import observe_shard, refuse_beside_a_shard
from envparity.faces.cli.verify import verify_command
from envparity.faces.cli.writing import writer_of
from envparity.redaction import redact
from envparity.report.outputs import Outputs
from envparity.report.saved import Saver, runs_folder, saved_subject
from envparity.report.verdict import counted
from envparity.session import engine
from envparity.session.exits import BAD_INPUT, FINDINGS, complaint
from envparity.session.inputs import Inputs
from envparity.support.printable import printable

__all__ = ["app"]

_EXITS = """\b
Exit codes:
  0    clean: every environment kept every promise, and nothing differs undeclared
  1    findings
  2    an input is wrong; nothing was started
  3    no verdict, for a reason that is the machine's (no container engine, no image, no room to
       write what was asked for: the verdict is then said all the same)
  70   a bug of envparity: what to report is said
  130  interrupted (Ctrl-C); 143 terminated; all that was started is removed
"""


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXITS)
@click.version_option(package_name="envparity")
def app() -> None:
    """Boot a WebSocket backend the way each of its environments would, and say whether it behaves the same.

    Start with `envparity init`, which writes the files for a project of your own; then `envparity run`.
    """


app.add_command(init_command)
app.add_command(audit_command)
app.add_command(report_command)
app.add_command(replay_command)
app.add_command(diff_command)
app.add_command(doctor_command)
app.add_command(blame_command)
app.add_command(plan_command)
app.add_command(merge_command)
app.add_command(probe_command)
app.add_command(verify_command)
app.add_command(baseline_command)
app.add_command(keys_command)


@app.command(cls=ReportingCommand, short_help="Boot everywhere, compare, give the verdict.", epilog=_EXITS)
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
@thorough_option
@github_option
@runs_option
@click.option("--plain", is_flag=True, help="No live display and no colour, also on a terminal.")
def run(  # noqa: PLR0917  click passes options by name
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
    causes: bool,  # noqa: FBT001
    ndjson: Path | None,
    shard: str | None,
    plan_file: Path | None,
    outputs: Outputs,
    runs: Path | None,
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
        subject = engine.load(inputs, only)
        if number is not None and ndjson is not None:
            observe_shard(number, subject, inputs, only, plan_file, ndjson, plain=plain)
            return
        outputs.check()
        described = saved_subject(subject, inputs.environments, orders=inputs.orders, only=only, repeat=inputs.repeat)
        saver = Saver(described, runs_folder(runs), [outputs.write])
        writer = writer_of(ndjson, saver, plain=plain)
        try:
            verdict = engine.to_verdict(
                subject, inputs.launcher, writer.handle, only, inputs.orders, causes=causes, repeat=inputs.repeat
            )
        finally:
            writer.close()
    sys.exit(verdict.exit_code)


@app.command(short_help="Read the files; boot nothing.")
@backend_option
@environments_option
@names_option
def check(backend: Path | None, environments: Path | None, names: tuple[str, ...]) -> None:
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


@app.command(short_help="Build the images that a run needs.")
@backend_option
@environments_option
def images(backend: Path | None, environments: Path | None) -> None:
    """Build the images that a run needs, one line each. A run does this by itself; a CI job may want it beforehand."""
    with one_message():
        subject = engine.load(Inputs.find(backend=backend, environments=environments))
        for line in engine.build_images(subject, lambda waited_for: say(f"waits for {waited_for}", err=True)):
            say(line)


@app.command(short_help="Remove what killed runs left behind.")
@click.option(
    "--older-than", "older_than_s", metavar="SECONDS", type=click.FloatRange(min=0),
    help="Remove also what is older and whose owner cannot be asked (another host's, on a shared engine).",
)  # fmt: skip
@click.option("--everything", is_flag=True, help="Remove what any run made, a living one's too.")
def sweep(older_than_s: float | None, everything: bool) -> None:  # noqa: FBT001  click passes options by name
    """Remove what killed runs left behind: containers, networks, processes, temporary folders.

    Only what carries envparity's mark is touched, and only where the run that made it is dead. Every run does this by
    itself when it starts.
    """
    with one_message():
        removed = engine.remove_leftovers(older_than_s, everything=everything)
    for name in removed:
        say(f"removed {name}")
    say(f"{counted(len(removed), 'leftover')} removed")


@app.command(short_help="List every rule.")
def rules() -> None:
    """List every rule: its code and its title. `envparity explain CODE` says more."""
    with one_message():
        known = engine.rules()
    for rule in known:
        say(f"{rule.code}  {rule.title}")


@app.command(short_help="Say what a finding's CODE means.")
@click.argument("code")
def explain(code: str) -> None:
    """Say what a finding's CODE (such as EP101) means, and what to do about it."""
    with one_message():
        known = {rule.code: rule for rule in engine.rules()}
    rule = known.get(code.upper())
    if rule is None:
        near = difflib.get_close_matches(code.upper(), known, n=1)
        action = f"did you mean {near[0]}?" if near else "`envparity rules` lists them"
        mistake = Mistake("explain", 0, "CODE", "the code of a rule", repr(code), action)
        say(complaint(ConfigurationError([mistake])), err=True)
        sys.exit(BAD_INPUT)
    say(f"{rule.code} {rule.title}\n\n{rule.description.strip()}")
