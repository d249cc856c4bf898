"""What each command asks of the engine, and prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from envparity.engine.events import RunFinished, RunStarted
from envparity.engine.session import engine
from envparity.engine.session.inputs import Inputs, launcher_names, split_names
from envparity.faces.cli.app import app
from envparity.judge.rules import Rule
from envparity.launch import upkeep
from envparity.launch.kinds import LAUNCHERS
from envparity.report.ndjson import read_events

Envparity = Callable[..., Result]
RULES = (
    Rule("EP204", "exemption unused", "A declared difference covered nothing.", "Remove it."),
    Rule(
        "EP101",
        "startup validation failed",
        "What it means\n  A steady boot's report has failures.\n",
        "Read the failure's action.",
    ),
)


def test_run_takes_the_files_that_are_here(envparity: Envparity, fake: Any) -> None:
    """Without an option: ./backend.toml, ./environments, all environments, all scenarios, auto."""
    envparity("run")
    ((project, launcher, only),) = fake.asked
    assert (project.backend.name, tuple(project.environments), launcher, only) == (
        "chat",
        ("local", "staging"),
        "auto",
        (),
    )


def test_run_looks_for_causes_unless_told_not_to(envparity: Envparity, fake: Any) -> None:
    """Whoever runs it by hand wants to know why it is red; a gate that has no time says so."""
    envparity("run")
    envparity("run", "--no-causes")
    assert fake.causes == [True, False]


def test_the_reference_backends_place_comes_first(envparity: Envparity, fake: Any, files: Path) -> None:
    """./netra_backend/backend.toml is taken before ./backend.toml."""
    (files / "netra_backend").mkdir()
    text = (files / "backend.toml").read_text(encoding="utf-8").replace('"chat"', '"netra"')
    (files / "netra_backend/backend.toml").write_text(text, encoding="utf-8")
    envparity("run")
    assert fake.asked[0][0].backend.name == "netra"


def test_run_chooses_environments_and_scenarios(envparity: Envparity, fake: Any) -> None:
    """Names by comma and by repetition, in the order asked for; patterns as they stand."""
    envparity(
        "run", "--environment", "staging,local", "--environment", "staging", "--only", "greet*", "--only", "farewell"
    )
    ((project, _, only),) = fake.asked
    assert (tuple(project.environments), only) == (("staging", "local"), ("greet*", "farewell"))


def test_environment_variables_are_read(
    envparity: Envparity, fake: Any, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ENVPARITY_LAUNCHER and ENVPARITY_BACKEND stand in for the options, which win."""
    (files / "other.toml").write_text(
        (files / "backend.toml").read_text(encoding="utf-8").replace('"chat"', '"other"'), encoding="utf-8"
    )
    monkeypatch.setenv("ENVPARITY_LAUNCHER", "container")
    monkeypatch.setenv("ENVPARITY_BACKEND", "other.toml")
    envparity("run")
    envparity("run", "--launcher", "auto", "--backend", "backend.toml")
    assert [(project.backend.name, launcher) for project, launcher, _ in fake.asked] == [
        ("other", "container"),
        ("chat", "auto"),
    ]


def test_ndjson_has_the_same_run(envparity: Envparity, files: Path) -> None:
    """Every event goes to the file as well; the terminal's text stays."""
    result = envparity("run", "--ndjson", "run.ndjson")
    events = read_events(files / "run.ndjson")
    assert [type(event) for event in events] == [RunStarted, RunFinished]
    assert "CLEAN" in result.stdout


def test_check_says_what_it_read(envparity: Envparity, fake: Any) -> None:
    """`check` boots nothing."""
    result = envparity("check")
    assert result.exit_code == 0
    assert result.stdout == "chat: 2 scenarios in 2 environments (local, staging); the files are in order\n"
    assert fake.asked == []


def test_rules_are_listed_by_code(envparity: Envparity, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line a rule."""
    monkeypatch.setattr(engine, "rules", lambda: tuple(sorted(RULES, key=lambda rule: rule.code)))
    assert envparity("rules").stdout == "EP101  startup validation failed\nEP204  exemption unused\n"


def test_explain_says_when_and_what_to_do(envparity: Envparity, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code may be written in lower case."""
    monkeypatch.setattr(engine, "rules", lambda: RULES)
    result = envparity("explain", "ep101")
    assert result.exit_code == 0
    assert result.stdout == (
        "EP101 startup validation failed\n\nWhat it means\n  A steady boot's report has failures.\n"
    )


def test_explain_knows_what_was_meant(envparity: Envparity, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown code is bad input, with the nearest known one."""
    monkeypatch.setattr(engine, "rules", lambda: RULES)
    result = envparity("explain", "EP1O1")
    assert result.exit_code == 2
    assert "did you mean EP101?" in result.stderr


def test_sweep_names_what_it_removed(envparity: Envparity, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for each, then how many."""
    asked: list[tuple[float, bool]] = []

    def remove(older_than_s: float, *, everything: bool) -> list[str]:
        asked.append((older_than_s, everything))
        return ["envparity-a-local"]

    monkeypatch.setattr(upkeep, "remove_leftovers", remove)
    result = envparity("sweep", "--older-than", "5", "--everything")
    assert result.stdout == "removed envparity-a-local\n1 leftover removed\n"
    assert asked == [(5.0, True)]


@pytest.mark.parametrize("command", sorted(app.commands))
def test_every_command_has_a_help_text(envparity: Envparity, command: str) -> None:
    """A first-time user is told in sentences what a command does, at 80 columns."""
    result = envparity(command, "--help")
    assert result.exit_code == 0
    assert app.commands[command].help
    assert result.stdout.startswith(f"Usage: envparity {command}")


def test_every_rule_explains_itself() -> None:
    """The real rules: codes once each, each with a title, and a description that says what to do."""
    rules = engine.rules()
    assert len({rule.code for rule in rules}) == len(rules) > 0
    assert [rule.code for rule in rules if not (rule.title and rule.action and "What to do" in rule.description)] == []


def test_launchers_are_those_of_the_engine() -> None:
    """The command line offers what can be launched, and the machine's choice."""
    assert launcher_names() == ("auto", "container", "process", "attached") == ("auto", *LAUNCHERS.every())


def test_names_are_split_once_each() -> None:
    """Commas, blanks and repetitions."""
    assert split_names(["a, b", "", "b,c,"]) == ("a", "b", "c")


def test_inputs_are_found_below_a_root(files: Path) -> None:
    """Pytest looks from the folder it was started in."""
    found = Inputs.find(root=files)
    assert (found.backend, found.environments) == (files / "backend.toml", files / "environments")
