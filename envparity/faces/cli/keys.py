"""`envparity keys`: the keys that verdicts are signed with."""

from __future__ import annotations

import os
from pathlib import Path

import click

from envparity.errors import ConfigurationError, Mistake
from envparity.faces.cli.ending import one_message, say

__all__ = ["keys_command"]


@click.group("keys", short_help="Keys that verdicts are signed with.")
def keys_command() -> None:
    """Keys that verdicts are signed with: Ed25519, as PEM."""


@keys_command.command("new", short_help="Make a pair of keys.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def new_command(file: Path) -> None:
    """Make a pair: the private half in FILE, for its owner alone, the public half in FILE.pub.

    What is there is not overwritten. `openssl genpkey -algorithm ed25519 -out FILE` and `openssl pkey -in FILE -pubout
    -out FILE.pub` make the same.
    """
    with one_message():
        from envparity.report.attestation.keys import new_pair

        private, public = new_pair()
        public_file = Path(f"{file}.pub")
        if public_file.exists():
            raise _unwritable(public_file, "one that is there")
        _write(file, private, 0o600)
        _write(public_file, public, 0o644)
    say(f"{file}: the private key, for whoever judges (ENVPARITY_SIGNING_KEY, or _FILE for its name)")
    say(f"{public_file}: the public key, for whoever deploys (envparity verify --key {public_file})")


def _write(file: Path, content: bytes, mode: int) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
    except FileExistsError as error:
        raise _unwritable(file, "one that is there") from error
    except OSError as error:
        raise _unwritable(file, error.strerror or "an error") from error


def _unwritable(file: Path, got: str) -> ConfigurationError:
    return ConfigurationError(
        [Mistake("keys new", 0, str(file), "a file that can be made", got, "choose another name")]
    )
