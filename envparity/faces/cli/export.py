"""`envparity export compose`: an environment as a compose file that boots by hand."""

from __future__ import annotations

from pathlib import Path

import click

from envparity.config.subject import load_subject
from envparity.errors import ConfigurationError, Mistake
from envparity.faces.cli.ending import one_message, say
from envparity.faces.cli.options import backend_option, environments_option
from envparity.launch.compose_export import exported
from envparity.session.inputs import Inputs

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
def compose_command(backend: Path | None, environments: Path | None, name: str, out: Path) -> None:
    """Write DIR/compose.yaml, which `docker-compose up` boots as a run boots the environment, and DIR/.env.example,
    which names every secret that it needs: none is in a file. What only a run can do (TLS of an authority of its own,
    latency) is left out, and said.
    """
    with one_message():
        inputs = Inputs.find(backend=backend, environments=environments, names=(name,))
        subject = load_subject(inputs.backend, inputs.environments, inputs.names)
        if out.exists() and any(out.iterdir()):
            action = "name another with --out"
            raise ConfigurationError([Mistake("--out", 0, str(out), "a folder that is not there yet", "one", action)])
        made = exported(subject.backend, subject.environments[name], out)
        written = {"compose.yaml": made.compose.encode(), ".env.example": made.example.encode(), **made.files}
        for path, content in written.items():
            try:
                (out / path).parent.mkdir(parents=True, exist_ok=True)
                (out / path).write_bytes(content)
            except OSError as error:
                wrong = Mistake("--out", 0, str(out / path), "a file that can be written", error.strerror or "an error")
                raise ConfigurationError([wrong]) from error
    say(f"written      {out / 'compose.yaml'}, {out / '.env.example'}")
    for what in made.left_out:
        say(f"left out     {what}")
    say(f"next         fill {out / '.env.example'} as {out / '.env'}, then docker-compose up in {out}")
