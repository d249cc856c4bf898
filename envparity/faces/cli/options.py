"""What several commands share: their options, and how they end without a verdict."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import click

from envparity.doors import Entry
from envparity.errors import DoorFailed, EnvparityError
from envparity.report.github import CHOICES
from envparity.report.kinds import REPORTS
from envparity.report.outputs import Outputs
from envparity.session.attaching import Attaching
from envparity.session.exits import INTERNAL, as_ours, bug_report, code_of, complaint
from envparity.session.inputs import LAUNCHERS
from envparity.support.printable import printable
from envparity.support.signals import ending_on_signals

__all__ = [
    "Commands",
    "ReportingCommand",
    "attach_option",
    "attaching",
    "backend_option",
    "confirm_option",
    "end",
    "environments_option",
    "github_flag",
    "github_option",
    "launcher_option",
    "names_option",
    "one_message",
    "runs_option",
    "say",
]

_FILE = click.Path(path_type=Path, dir_okay=False)

backend_option = click.option(
    "--backend", metavar="FILE", type=click.Path(path_type=Path),
    help="The backend file: how to run the backend under test, and the conversations it must hold. "
    "Default: ENVPARITY_BACKEND, or netra_backend/backend.toml or backend.toml, whichever is here.",
)  # fmt: skip
environments_option = click.option(
    "--environments", metavar="DIR", type=click.Path(path_type=Path),
    help="The folder with one file for each environment. Default: environments.",
)  # fmt: skip
names_option = click.option(
    "--environment", "names", metavar="NAME[,NAME]", multiple=True,
    help="Only these environments; may be repeated. The first is what the others are compared with. Default: all.",
)  # fmt: skip
launcher_option = click.option(
    "--launcher", type=click.Choice(LAUNCHERS),
    help="What boots the environments; auto: containers, or processes where there is no engine. A gate asks for "
    "container by name, and fails there. "
    "Default: ENVPARITY_LAUNCHER, or auto.",
)  # fmt: skip
attach_option = click.option(
    "--attach", "attach", metavar="NAME[=URL]", multiple=True,
    help="Do not boot this environment: look at it where it runs. The URL must be that of [deployed] in its file, "
    "which is also the default, or be confirmed. Nothing there is stopped, cut off or flooded. May be repeated.",
)  # fmt: skip
confirm_option = click.option(
    "--confirm-target", "confirmed", metavar="HOST", multiple=True,
    help="Look at what runs on this host although the environment's file does not name it. May be repeated.",
)  # fmt: skip
runs_option = click.option(
    "--runs", metavar="DIR", type=click.Path(path_type=Path),
    help="The folder in which runs are saved, the newest 20 of them. Default: ENVPARITY_RUNS, or .envparity/runs.",
)  # fmt: skip


class _ReportOption(click.Option):
    """`--NAME FILE` for a report that is installed: loaded for its help, and when it is made."""

    def __init__(self, entry: Entry) -> None:
        super().__init__([f"--{entry.name}", entry.name], metavar="FILE", type=_FILE, help=f"Write {entry.name}.")
        self._entry = entry

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        with suppress(DoorFailed):
            self.help = REPORTS.load(self._entry).help
        if not self._entry.built_in:
            self.help = f"{self.help} ({self._entry.origin})"
        return super().get_help_record(ctx)


class ReportingCommand(click.Command):
    """A command that is given, as its `outputs`, which reports are asked for: an option for each that is installed.

    Its `--github` stands among its options, and the reports' come before it.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        place = next(index for index, one in enumerate(self.params) if one.name == "github")
        self._failed: DoorFailed | None = None
        self._reports: list[str] = []
        try:
            found = list(REPORTS.entries().values())
        except DoorFailed as failed:
            found, self._failed = [], failed
        for entry in found:
            self._reports.append(entry.name)
            self.params.insert(place, _ReportOption(entry))
            place += 1

    def invoke(self, ctx: click.Context) -> Any:
        with one_message():
            if self._failed is not None:
                raise self._failed
        given = {name: ctx.params.pop(name) for name in self._reports}
        github = ctx.params.pop("github")
        choice = github if isinstance(github, str) else "on" if github else "off"
        ctx.params["outputs"] = Outputs({name: file for name, file in given.items() if file is not None}, choice)
        return super().invoke(ctx)


github_option = click.option(
    "--github", type=click.Choice(CHOICES), default="auto", show_default=True,
    help="Write annotations and a step summary for GitHub Actions; auto: where this is a step of one.",
)  # fmt: skip
github_flag = click.option("--github", is_flag=True, help="Write GitHub's annotations and step summary.")


def attaching(values: tuple[str, ...], confirmed: tuple[str, ...]) -> Attaching:
    """What these options ask for. On a terminal, what nobody confirmed is asked about."""
    return Attaching(values, confirmed, _ask if sys.stdin.isatty() and sys.stderr.isatty() else None)


def _ask(name: str, url: str) -> bool:
    return click.confirm(f"{name}'s file does not name {url}. Look at it all the same?", err=True)


@contextmanager
def one_message() -> Iterator[None]:
    """Turn what ends a command without a verdict into one message on stderr and an exit code."""
    try:
        with ending_on_signals():
            yield
    except EnvparityError as error:
        end(code_of(error), complaint(error))


def say(text: object, *, err: bool = False) -> None:
    """Print a line, or several, on stdout or stderr; whoever wrote what is in it, it moves no cursor."""
    click.echo(printable(str(text)), err=err)


def end(code: int, text: str) -> NoReturn:
    """Say it on stderr, if anybody listens, and exit with that code."""
    with suppress(OSError):
        say(text, err=True)
    sys.exit(code)


class Commands(click.Group):
    """Commands that end with one code for each meaning, whatever ends them: a bug of envparity has its own."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with _one_code():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _one_code():
            return super().invoke(ctx)


@contextmanager
def _one_code() -> Iterator[None]:
    """What was printed is written out here: at the interpreter's own end nobody could say that it failed."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:  # noqa: BLE001  the last edge: nothing behind it would say what it was
        _let_stdout_go(error)
        known = as_ours(error)
        if known is not None:
            end(code_of(known), complaint(known))
        end(INTERNAL, bug_report(error))


def _let_stdout_go(error: Exception) -> None:
    """What stdout did not take, it does not take later: nothing is tried again when the interpreter ends."""
    if not isinstance(error, OSError):
        return
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
