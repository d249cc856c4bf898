"""What several commands share: their options, and how they end without a verdict."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from envparity.errors import EnvparityError
from envparity.report.github import CHOICES
from envparity.report.outputs import Outputs
from envparity.session.attaching import Attaching
from envparity.session.exits import code_of, complaint
from envparity.session.inputs import LAUNCHERS
from envparity.signals import ending_on_signals

__all__ = [
    "attach_option",
    "attaching",
    "backend_option",
    "confirm_option",
    "environments_option",
    "launcher_option",
    "names_option",
    "one_message",
    "output_options",
    "runs_option",
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
_OUTPUTS = (
    click.option("--html", metavar="FILE", type=_FILE, help="Write the whole report as one HTML file."),
    click.option("--junit", metavar="FILE", type=_FILE, help="Write JUnit XML."),
    click.option("--sarif", metavar="FILE", type=_FILE, help="Write SARIF 2.1.0."),
)


def output_options(github: str | None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`--html`, `--junit`, `--sarif` and `--github`, given to the command as one `outputs`.

    With a `github` of "auto" the option takes auto, on or off; with None it is a flag.
    """
    flag = (
        click.option("--github", is_flag=True, help="Write GitHub's annotations and step summary.")
        if github is None
        else click.option(
            "--github", type=click.Choice(CHOICES), default=github, show_default=True,
            help="Write annotations and a step summary for GitHub Actions; auto: where this is a step of one.",
        )
    )  # fmt: skip

    def add(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def with_outputs(
            *, html: Path | None, junit: Path | None, sarif: Path | None, github: str | bool, **others: Any
        ) -> None:
            choice = github if isinstance(github, str) else "on" if github else "off"
            command(outputs=Outputs(html, junit, sarif, choice), **others)

        for option in (flag, *reversed(_OUTPUTS)):
            with_outputs = option(with_outputs)
        return with_outputs

    return add


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
        click.echo(complaint(error), err=True)
        sys.exit(code_of(error))
