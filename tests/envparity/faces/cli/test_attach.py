"""`--attach`: which environment is looked at where it runs, and what keeps a command from that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result

from envparity.judge.finding import Finding
from envparity.model.deployment import Deployed

Envparity = Callable[..., Result]
FINDING = Finding("EP302", "handshake", "greeting", "101", "403", ("staging",), ("staging",), scenario="greeting")


def names(files: Path, url: str) -> None:
    """Let staging's file name that target."""
    with (files / "environments" / "staging.toml").open("a", encoding="utf-8") as file:
        file.write(f'[deployed]\nurl = "{url}"\n')


def test_what_the_file_names_is_attached(envparity: Envparity, fake: Any, files: Path) -> None:
    """And the others are booted."""
    names(files, "wss://api.example/ws")
    assert envparity("run", "--attach", "staging").exit_code == 0
    assert fake.asked[0][0].attached == {"staging": Deployed("wss://api.example/ws")}


def test_what_is_confirmed_is_attached(envparity: Envparity, fake: Any) -> None:
    """By the host, on the command line."""
    arguments = ("run", "--attach", "staging=wss://api.example/ws", "--confirm-target", "api.example")
    assert envparity(*arguments).exit_code == 0
    assert fake.asked[0][0].attached == {"staging": Deployed("wss://api.example/ws")}


def test_what_is_neither_is_bad_input(envparity: Envparity, fake: Any) -> None:
    """With every other mistake, exit code 2, and nothing was started."""
    result = envparity("run", "--attach", "staging=wss://api.example/ws", "--attach", "prod", "--only", "nobody")
    assert (result.exit_code, fake.asked) == (2, [])
    assert "3 mistakes in the configuration; nothing was started" in result.stderr
    assert "or say that you mean it: --confirm-target api.example" in result.stderr


def test_what_cannot_be_played_there_is_no_run_of_nothing(envparity: Envparity, fake: Any, files: Path) -> None:
    """A scenario that is asked for by name, and needs more than to look."""
    names(files, "wss://api.example/ws")
    backend = files / "backend.toml"
    crowd = ", ".join(f'{{ connect = "none", on = "{name}" }}' for name in "abcd")
    text = backend.read_text(encoding="utf-8") + f'\n[[scenario]]\nname = "crowd"\nsteps = [{crowd}]\n'
    backend.write_text(text, encoding="utf-8")
    result = envparity("run", "--environment", "staging", "--attach", "staging", "--only", "crowd")
    assert (result.exit_code, fake.asked) == (2, [])
    assert "staging is attached, and it needs 4 connections at once" in result.stderr


def test_a_replay_attaches_again(envparity: Envparity, fake: Any, files: Path) -> None:
    """To where the run was attached."""
    names(files, "wss://api.example/ws")
    fake.findings = (FINDING,)
    envparity("run", "--attach", "staging")
    assert envparity("replay", FINDING.id).exit_code == 1
    assert fake.asked[1][0].attached == {"staging": Deployed("wss://api.example/ws")}


def test_a_replay_asks_again_for_what_was_confirmed(envparity: Envparity, fake: Any) -> None:
    """A saved run may come from elsewhere, and would send credentials to where it says."""
    fake.findings = (FINDING,)
    envparity("run", "--attach", "staging=wss://api.example/ws", "--confirm-target", "api.example")
    refused = envparity("replay", FINDING.id)
    assert (refused.exit_code, len(fake.asked)) == (2, 1)
    assert envparity("replay", FINDING.id, "--confirm-target", "api.example").exit_code == 1
