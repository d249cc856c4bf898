"""The command line: `envparity run`, `report`, `replay`, `diff`, `doctor`, `audit`, `probe`, `check`, `images`."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command that stands on the command line, and exit with its code (`envparity.session.exits`)."""
    from envparity.cli.app import app

    app(prog_name="envparity")
