"""What docs/report.md tells people to type can be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from envparity.faces.cli.app import app
from envparity.faces.pytest import plugin

PAGE = (Path(__file__).parents[4] / "docs/report.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"`envparity ([^`]+)`", PAGE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one(command: str) -> None:
    """Its name, its options and its arguments are known; asked for its help, it does nothing."""
    result = CliRunner().invoke(app, [*shlex.split(command), "--help"])
    assert result.exit_code == 0, result.output


def test_every_command_of_this_page_is_there() -> None:
    """The page is about four commands and what a run writes."""
    assert {command.split()[0] for command in COMMANDS} == {"report", "run", "replay", "diff", "doctor"}


def test_the_options_of_pytest_are_named() -> None:
    """All of them."""
    assert set(re.findall(r"`--envparity-(\w+)`", PAGE)) == {*plugin._reports(), *plugin._AFTER}
