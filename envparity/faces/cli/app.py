"""The commands, and nothing but the commands: what they do is the engine's."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import click

from envparity.config.limits import broken_limits
from envparity.errors import ConfigurationError, Mistake
from envparity.faces.cli.audit import audit_command
from envparity.faces.cli.blame import blame_command
from envparity.faces.cli.diff import diff_command
from envparity.faces.cli.doctor import doctor_command
from envparity.faces.cli.init import init_command
from envparity.faces.cli.options import (
    Commands,
    ReportingCommand,
    attach_option,
    attaching,
    backend_option,
    confirm_option,
    environments_option,
    github_option,
    launcher_option,
    names_option,
    one_message,
    runs_option,
    say,
)
from envparity.faces.cli.probe import probe_command
from envparity.faces.cli.replay import replay_command
from envparity.faces.cli.report import report_command
from envparity.model.scenario import MOST_REPEATED
from envparity.redaction import redact
from envparity.report.ndjson import NdjsonWriter
from envparity.report.outputs import Outputs
from envparity.report.saved import Saver, runs_folder, saved_subject
from envparity.report.terminal import terminal_writer
from envparity.report.verdict import counted
from envparity.report.writer import Tee, Writer
from envparity.session import engine
from envparity.session.exits import BAD_INPUT, FINDINGS, complaint
from envparity.session.inputs import ORDERS, Inputs
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
app.add_command(probe_command)


@app.command(cls=ReportingCommand, short_help="Boot everywhere, compare, give the verdict.", epilog=_EXITS)
@backend_option
@environments_option
@names_option
@click.option(
    "--only",
    metavar="PATTERN",
    multiple=True,
    help="Only scenarios of this name or glob ('refusal-*'); may be repeated.",
)
@launcher_option
@attach_option
@confirm_option
@click.option(
    "--orders", type=click.Choice(list(ORDERS)),
    help="Also boot every environment in a covering set of initialisation orders of this strength (every order of "
    "every so many steps occurs), and with its dependencies in every order. Default: ENVPARITY_ORDERS, or none.",
)  # fmt: skip
@click.option(
    "--repeat", metavar="N", type=click.IntRange(1, MOST_REPEATED), default=1,
    help="Boot every case N times, and count what shows in some of these boots only. Default: once, and again only "
    "where something is red.",
)  # fmt: skip
@click.option(
    "--causes/--no-causes", default=True, show_default=True,
    help="Boot what is red again, in hybrids of an environment that shows it and one that does not, until the "
    "difference that makes it red is known. Costs nothing where the verdict is clean.",
)  # fmt: skip
@click.option(
    "--ndjson",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write every event as a line of JSON.",
)
@github_option
@runs_option
@click.option("--plain", is_flag=True, help="No live display and no colour, also on a terminal.")
def run(  # noqa: PLR0917  click passes options by name
    backend: Path | None,
    environments: Path | None,
    names: tuple[str, ...],
    only: tuple[str, ...],
    launcher: str | None,
    attach: tuple[str, ...],
    confirmed: tuple[str, ...],
    orders: str | None,
    repeat: int,
    causes: bool,  # noqa: FBT001
    ndjson: Path | None,
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
            attaching=attaching(attach, confirmed), repeat=repeat,
        )  # fmt: skip
        subject = engine.load(inputs, only)
        outputs.check()
        saver = Saver(
            saved_subject(subject, inputs.environments, orders=inputs.orders), runs_folder(runs), [outputs.write]
        )
        writer = _writer(ndjson, saver, plain=plain)
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


def _writer(ndjson: Path | None, saver: Writer, *, plain: bool) -> Writer:
    """The verdict is printed before the reports are made: a report that cannot be written does not swallow it."""
    writers = (terminal_writer(sys.stdout, plain=plain), saver)
    if ndjson is None:
        return Tee(writers)
    try:
        return Tee((NdjsonWriter(ndjson), *writers))
    except OSError as error:
        mistake = Mistake("--ndjson", 0, str(ndjson), "a file that can be written", error.strerror or "an error")
        raise ConfigurationError([mistake]) from error
