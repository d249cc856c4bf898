"""`envparity blame`: the commit that made it red, by bisection, with whole runs as the oracle."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from envparity.engine.session import engine
from envparity.engine.session.exits import CLEAN, FINDINGS
from envparity.engine.session.inputs import Inputs
from envparity.errors import ConfigurationError, Mistake
from envparity.faces.cli.ending import one_message, say
from envparity.faces.cli.history import History
from envparity.faces.cli.options import backend_option, environments_option, launcher_option, names_option
from envparity.judge.finding import Verdict
from envparity.report.verdict import counted, findings_text

__all__ = ["blame_command"]

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
        shown = engine.looked_for(bad, wanted, span)
        if known := engine.shown_by(trial.end(good, "clean"), shown):
            got = f"{', '.join(dict.fromkeys(finding.id for finding in known))} there too"
            expected = "GOOD without what BAD shows"
            raise ConfigurationError(
                [Mistake("blame", 0, span, expected, got, "begin further back, or name --finding")]
            )
        blamed = engine.blame_commits(commits, shown, trial.verdict, trial.tell)
        suspects = [history.title(commit) for commit in blamed.commits]
    say(findings_text(shown, bad.environments) + "\n")
    if len(suspects) == 1:
        say(f"made red by {suspects[0]}")
        sys.exit(CLEAN)
    say(f"made red by one of {counted(len(suspects), 'commit')}, of which only the last can be run:")
    say("\n".join(f"  {suspect}" for suspect in suspects))
    sys.exit(FINDINGS)


class _Trial:
    """Runs commits, and says what came of each on a line of its own."""

    def __init__(self, history: History, inputs: Inputs, only: Sequence[str]) -> None:
        self._history, self._inputs, self._only = history, inputs, only
        self._backend = history.inside(inputs.backend)
        self._environments = history.inside(inputs.environments)

    def end(self, commit: str, which: str) -> Verdict:
        """The verdict on an end of the range, which must have one: whatever is in its way is raised."""
        say(f"{self._history.title(commit)}: the {which} end …", err=True)
        return self.verdict(commit)

    def tell(self, commit: str, more: int, state: str | None) -> None:
        """A line before a commit is run, and one after it."""
        if state is None:
            say(f"{self._history.title(commit)}: at most {more} more after this one …", err=True)
        else:
            say(f"{self._history.title(commit)}: {state}")

    def verdict(self, commit: str) -> Verdict:
        """What a whole run says of that commit, in a work tree of its own."""
        with self._history.tree(commit) as folder:
            backend, environments = folder / self._backend, folder / self._environments
            inputs = Inputs(backend, environments, self._inputs.names, self._inputs.launcher)
            project = engine.load(inputs, self._only)
            return engine.to_verdict(project, inputs.launcher, lambda _event: None, engine.RunRequest(self._only))
