"""`envparity export compose`: an environment as a compose file that boots by hand."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click

from envparity.config.project import load_project
from envparity.engine.session.inputs import Inputs
from envparity.errors import ConfigurationError, Mistake
from envparity.faces.cli.ending import one_message, say
from envparity.faces.cli.options import backend_option, environments_option
from envparity.launch.compose_export import exported
from envparity.launch.compose_files import MADE

__all__ = ["export_command"]


@click.group("export", short_help="Write an environment as files that others boot.")
def export_command() -> None:
    """Write an environment as files that boot without envparity."""


@export_command.command("compose", short_help="As a compose file.")
@backend_option
@environments_option
@click.option("--environment", "name", metavar="NAME", required=True, help="Which one.")
@click.option(
    "--out", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), default=Path("export"), show_default=True,
    help="A folder that is not there yet, or is empty.",
)  # fmt: skip
@click.option("--fill", is_flag=True, help="Also write DIR/.env, with new secrets, which you alone may read.")
def compose_command(
    backend: Path | None,
    environments: Path | None,
    name: str,
    out: Path,
    fill: bool,  # noqa: FBT001  click passes options by name
) -> None:
    """Write DIR/compose.yaml, which `docker-compose up` boots as a run boots the environment, and DIR/.env.example,
    which names every secret that it needs: none is in a file, unless you ask with --fill for new ones. What only a
    run can do (TLS of an authority of its own, latency) is left out, and said.
    """
    with one_message():
        inputs = Inputs.find(backend=backend, environments=environments, names=(name,))
        project = load_project(inputs.backend, inputs.environments, inputs.names)
        if out.exists() and any(out.iterdir()):
            action = "name another with --out"
            raise ConfigurationError([Mistake("--out", 0, str(out), "a folder that is not there yet", "one", action)])
        made = exported(project.backend, project.environments[name], out)
        written = {"compose.yaml": made.compose.encode(), ".env.example": made.example.encode(), **made.files}
        if fill:
            written[".env"] = made.variables.encode()
        for path, content in written.items():
            _write(out, path, content)
    named = [str(out / path) for path in ("compose.yaml", ".env.example", ".env") if path in written]
    say(f"written      {', '.join(named)}")
    for what in made.left_out:
        say(f"left out     {what}")
    fill_first = "" if fill else f"fill {out / '.env.example'} as {out / '.env'}, then "
    say(f"next         {fill_first}docker-compose up in {out}")


def _write(out: Path, path: str, content: bytes) -> None:
    """Write that file; what is, or will be, a secret only its owner reaches."""
    file = out / path
    try:
        if not file.parent.is_dir():
            file.parent.mkdir(parents=True, mode=0o700 if file.parent.name == MADE else 0o777)
        with open(file, "xb", opener=partial(os.open, mode=0o600 if path == ".env" else 0o666)) as written:
            written.write(content)
    except OSError as error:
        wrong = Mistake("--out", 0, str(file), "a file that can be written", error.strerror or "an error")
        raise ConfigurationError([wrong]) from error
