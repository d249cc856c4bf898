"""What docs/monitoring.md says can be done, and is about alerts that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from envparity.faces.cli.app import app
from tests.docs.pages import blocks, page, prose
from tests.monitoring.tools import CONFIGURATION, MONITORING, RULES, TREE, promtool

PAGE = "docs/monitoring.md"
LINES = [line for block in blocks(PAGE, "sh") for line in block.text.splitlines()]
SAID = [RULES, CONFIGURATION, *sorted((MONITORING / "gcloud").glob("*.policy.json")), TREE / PAGE]


@pytest.mark.monitoring
@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("promtool ")])
def test_a_command_of_promtool_succeeds(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands, in the repository."""
    monkeypatch.chdir(TREE)
    succeeded, said = promtool(*shlex.split(line)[1:])
    assert succeeded, said


def test_every_other_command_is_of_gcloud() -> None:
    """And those have a test beside their files."""
    assert {line.split()[0] for line in LINES} == {"promtool", "gcloud"}


def test_there_is_a_section_for_every_alert_and_no_other() -> None:
    """In the order of the file."""
    sections = re.findall(r"^### (\w+)$", page(PAGE), re.MULTILINE)
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    assert sections == [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]


@pytest.mark.parametrize("path", SAID, ids=lambda path: path.name)
def test_whoever_is_sent_to_a_command_of_envparity_finds_it(path: Path) -> None:
    """Codes that `explain` knows, and commands that exist, in everything that somebody reads who was woken."""
    commands = re.findall(r"`envparity ([^`]+)`", path.read_text(encoding="utf-8"))
    for command in commands:
        arguments = shlex.split(command)
        if arguments[0] != "explain":
            arguments.append("--help")
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, f"envparity {command}: {result.output}"
    assert commands or path == CONFIGURATION


def test_what_lies_in_the_folder_is_named() -> None:
    """Every file of monitoring/ by its own name, or by that of its folder where there are many."""
    text = prose(PAGE) + "\n".join(LINES)
    for path in MONITORING.rglob("*"):
        if path.is_file() and path.parent.name != "tests":
            assert path.name in text, path
