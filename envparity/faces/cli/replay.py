"""`envparity replay`: the cases that showed a finding once more, and whether it still holds."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from envparity.engine.replay_answer import ReplayAnswer
from envparity.engine.session import engine
from envparity.engine.session.exits import CLEAN, FINDINGS
from envparity.engine.session.inputs import Inputs, launcher_names
from envparity.errors import ConfigurationError, LaunchError, Mistake
from envparity.faces.cli.ending import one_message, say
from envparity.faces.cli.options import (
    attaching,
    backend_option,
    confirm_option,
    environments_option,
    launcher_option,
    runs_option,
)
from envparity.judge import conduct
from envparity.judge.finding import Finding
from envparity.report.saved import SavedRun, find_run, is_own, newest_run, runs_folder
from envparity.report.terminal import terminal_writer
from envparity.report.verdict import counted, findings_text
from envparity.support.printable import printable

__all__ = ["replay_command"]

_EXITS = """\b
Exit codes:
  0    no longer: the same boots do not show it any more, and nothing else
  1    still red, or something new stands in its way
  2    an input is wrong; nothing was started
  3    no answer, for a reason that is the machine's
"""


@click.command("replay", short_help="Boot a finding's cases again: does it still hold?", epilog=_EXITS)
@click.argument("finding")
@click.option(
    "--run", "run", metavar="RUN", help="The saved run that has the finding: an id or a file. Default: the newest."
)
@backend_option
@environments_option
@launcher_option
@confirm_option
@runs_option
@click.option("--plain", is_flag=True, help="No live display and no colour, also on a terminal.")
def replay_command(  # noqa: PLR0917  click passes options by name
    finding: str,
    run: str | None,
    backend: Path | None,
    environments: Path | None,
    launcher: str | None,
    confirmed: tuple[str, ...],
    runs: Path | None,
    plain: bool,  # noqa: FBT001
) -> None:
    """Boot exactly the cases again that showed FINDING (such as EP101-3fa2), and say whether it still holds.

    It boots what is needed and no more, with the backend and the environments as they are now. The files and the
    launcher are those of the saved run, unless others are named; of a run in a FILE from elsewhere, only files below
    this folder. What was attached in that run is attached again.
    """
    with one_message():
        folder = runs_folder(runs)
        saved = find_run(run, folder) if run else newest_run(folder)
        known = _known(finding, saved)
        inputs = _inputs(saved, backend, environments, launcher, confirmed, own=is_own(run, folder))
        writer = terminal_writer(sys.stdout, plain=plain, verdict=False)
        try:
            answer = engine.boot_again(known, saved, inputs, writer.handle)
        finally:
            writer.close()
        code, text = _told(known, answer, saved)
    say(printable(text))
    sys.exit(code)


def _known(asked: str, saved: SavedRun) -> Finding:
    """The finding of that id; its code alone is enough where no other finding has it."""
    findings = (*saved.verdict.findings, *saved.verdict.by_chance)
    wanted = asked.strip().lower()
    found = [finding for finding in findings if wanted in {finding.id.lower(), finding.code.lower()}]
    if len(found) == 1:
        return found[0]
    names = [item.id for item in found or findings]
    near = difflib.get_close_matches(asked.upper(), [name.upper() for name in names], n=3, cutoff=0.5)
    if found:
        got, action = f"{len(found)} of that name", f"say which: {', '.join(names)}"
    elif not findings:
        got, action = "none: that run was clean", "choose another with --run"
    else:
        listed = [name for name in names if name.upper() in near] or names
        got, action = "no such finding", f"{'did you mean' if near else 'there are'} {', '.join(listed)}"
    expected = f"a finding of run {saved.verdict.run_id}"
    raise ConfigurationError([Mistake("replay", 0, asked, expected, got, action)])


def _inputs(
    saved: SavedRun,
    backend: Path | None,
    environments: Path | None,
    launcher: str | None,
    confirmed: tuple[str, ...],
    *,
    own: bool,
) -> Inputs:
    """The files that the run was about, where they are still there and no others are named; and what it attached to.

    A saved run may come from elsewhere: where it leads must be agreed to again, and of the files that it names only
    those of the present project are taken, for a backend's file says what is run. `own` runs were made here.
    """
    project = saved.project
    file = Path(project.file)
    folder = Path(project.environments[0].file).parent if project.environments else Path()
    return Inputs.find(
        backend=backend or (file if file.is_file() and (own or _is_here(file)) else None),
        environments=environments or (folder if folder.is_dir() and (own or _is_here(folder)) else None),
        launcher=launcher or next((text for text in launcher_names() if text == saved.verdict.launcher), None),
        attaching=attaching(tuple(f"{name}={url}" for name, url in saved.verdict.attached.items()), confirmed),
    )


def _is_here(path: Path) -> bool:
    return path.resolve().is_relative_to(Path.cwd())


def _told(known: Finding, answer: ReplayAnswer, saved: SavedRun) -> tuple[int, str]:
    """The exit code, and what to print. Raises `LaunchError` where the machine could not boot what was asked."""
    name = f"{known.id} {known.title}"
    booted = f"{counted(answer.boots, 'boot')}, {counted(answer.conversations, 'conversation')}"
    unlaunched = [finding for finding in answer.findings if conduct(finding).not_stood_up]
    if unlaunched and not conduct(known).not_stood_up:
        raise LaunchError(f"{name} could not be replayed: {unlaunched[0].got}")
    still = [finding for finding in answer.findings if answer.same(finding, known)]
    if still:
        return FINDINGS, f"still red: {name} ({booted})\n\n{findings_text(still, answer.environments)}"
    new = [
        finding
        for finding in answer.findings
        if not any(answer.same(finding, before) for before in saved.verdict.findings)
    ]
    if new:
        head = f"not decided: {name} does not show, but what is new may hide it ({booted})"
        return FINDINGS, f"{head}\n\n{findings_text(new, answer.environments)}"
    return CLEAN, f"no longer: {name} ({booted}{_aside(answer.findings)})"


def _aside(others: Sequence[Finding]) -> str:
    return f"; still there: {', '.join(finding.id for finding in others)}" if others else ""
