"""`envparity blame`: the commit that made it red, by bisection, with whole runs as the oracle."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from envparity.cli.history import History
from envparity.cli.options import backend_option, environments_option, launcher_option, names_option, one_message
from envparity.errors import ConfigurationError, LaunchError, Mistake
from envparity.isolate.commits import State, blame
from envparity.judge.finding import Finding, Verdict
from envparity.report.verdict import counted, findings_text
from envparity.session import engine
from envparity.session.exits import CLEAN, FINDINGS
from envparity.session.inputs import Inputs

__all__ = ["blame_command"]

_NOT_STOOD_UP = "EP901"
_BACKEND_IMAGE = "backend"

_EXITS = """\b
Exit codes:
  0    the commit is named
  1    one of several commits, the others of which do not build
  2    an input is wrong: no such range, GOOD is red already, or BAD is not
  3    no answer, for a reason that is the machine's
"""


@click.command("blame", short_help="Name the commit that made it red.", epilog=_EXITS)
@click.argument("span", metavar="GOOD..BAD")
@click.option(
    "--finding", "wanted", metavar="CODE",
    help="Only this finding counts, by its code or its id (EP101, EP101-3fa2). Default: all that BAD shows.",
)  # fmt: skip
@backend_option
@environments_option
@names_option
@click.option("--only", metavar="PATTERN", multiple=True, help="Only scenarios of this name or glob; may be repeated.")
@launcher_option
def blame_command(  # noqa: PLR0917  click passes options by name
    span: str,
    wanted: str | None,
    backend: Path | None,
    environments: Path | None,
    names: tuple[str, ...],
    only: tuple[str, ...],
    launcher: str | None,
) -> None:
    """Run on the commits between GOOD and BAD until it is known which of them made BAD red.

    Both ends are run first: BAD must be red, and GOOD must not show what BAD shows. Backend and environments are those
    of each commit. A commit whose files are wrong, or whose image cannot be built, does not build: it says nothing, and
    its neighbours are tried. `--environment` and `--only` make it faster. The repository is only read.
    """
    with one_message():
        inputs = Inputs.find(backend=backend, environments=environments, names=names, launcher=launcher)
        history = History(inputs.backend.resolve().parent)
        good, commits = history.between(span)
        trial = _Trial(history, inputs, only)
        bad = trial.end(commits[-1], "red")
        shown = _asked_for(bad, wanted, span)
        if known := _same(trial.end(good, "clean"), shown):
            got = f"{', '.join(dict.fromkeys(one.id for one in known))} there too"
            expected = "GOOD without what BAD shows"
            raise ConfigurationError(
                [Mistake("blame", 0, span, expected, got, "begin further back, or name --finding")]
            )
        blamed = blame(commits, lambda commit, more: trial.state(commit, shown, more))
        suspects = [history.title(commit) for commit in blamed.suspects]
    click.echo(findings_text(shown, bad.environments) + "\n")
    if len(suspects) == 1:
        click.echo(f"made red by {suspects[0]}")
        sys.exit(CLEAN)
    click.echo(f"made red by one of {counted(len(suspects), 'commit')}, of which only the last can be run:")
    click.echo("\n".join(f"  {one}" for one in suspects))
    sys.exit(FINDINGS)


class _Trial:
    """Runs commits, and says what came of each on a line of its own."""

    def __init__(self, history: History, inputs: Inputs, only: Sequence[str]) -> None:
        self._history, self._inputs, self._only = history, inputs, only
        self._backend = history.inside(inputs.backend)
        self._environments = history.inside(inputs.environments)

    def end(self, commit: str, which: str) -> Verdict:
        """The verdict on an end of the range, which must have one: whatever is in its way is raised."""
        click.echo(f"{self._history.title(commit)}: the {which} end …", err=True)
        return self._verdict(commit)

    def state(self, commit: str, shown: Sequence[Finding], more: int) -> State:
        """What that commit is, in the light of the findings that are looked for."""
        click.echo(f"{self._history.title(commit)}: at most {more} more after this one …", err=True)
        state = self._state(commit, shown)
        click.echo(f"{self._history.title(commit)}: {state}")
        return state

    def _state(self, commit: str, shown: Sequence[Finding]) -> State:
        try:
            verdict = self._verdict(commit)
        except ConfigurationError:
            return "does not build"
        except LaunchError as error:
            # An image of the dependencies that cannot be had is the machine's matter, and ends it.
            if getattr(error, "image", None) != _BACKEND_IMAGE:
                raise
            return "does not build"
        if _same(verdict, shown):
            return "red"
        # What was never stood up cannot show anything, and is not clean for that.
        return "does not build" if any(one.code == _NOT_STOOD_UP for one in verdict.findings) else "clean"

    def _verdict(self, commit: str) -> Verdict:
        with self._history.tree(commit) as folder:
            backend, environments = folder / self._backend, folder / self._environments
            inputs = Inputs(backend, environments, self._inputs.names, self._inputs.launcher)
            subject = engine.load(inputs, self._only)
            return engine.to_verdict(subject, inputs.launcher, lambda _event: None, self._only)


def _asked_for(bad: Verdict, wanted: str | None, span: str) -> tuple[Finding, ...]:
    """The findings of BAD that are looked for. Raises `ConfigurationError` where there are none."""
    found = [one for one in bad.findings if wanted is None or wanted.upper() in {one.code, one.id.upper()}]
    if not found:
        expected = "BAD to be red" if wanted is None else f"BAD to show {wanted}"
        others = ", ".join(dict.fromkeys(one.id for one in bad.findings))
        got = f"red, but with {others}" if others else "clean"
        raise ConfigurationError([Mistake("blame", 0, span, expected, got)])
    return tuple(found)


def _same(verdict: Verdict, shown: Sequence[Finding]) -> tuple[Finding, ...]:
    """What it has of these findings."""
    wanted = {one.identity for one in shown}
    return tuple(one for one in verdict.findings if one.identity in wanted)
