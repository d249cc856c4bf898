"""What docs/audit.md and the hook say is so."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import msgspec
import pytest
import yaml

from envparity.audit.exemptions import exemptions_in
from envparity.audit.rules import RULES
from envparity.faces.cli.audit import audit_command
from envparity.model.backend import Audit

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"(?:`|\$ )envparity audit\b([^`\n]*)", TEXT)


def fenced(language: str) -> str:
    """The one block of that language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return str(found)


@pytest.mark.parametrize("arguments", COMMANDS)
def test_every_command_is_understood(arguments: str) -> None:
    """Each option exists, and takes what it is given."""
    audit_command.make_context("audit", shlex.split(arguments))


def test_every_rule_is_named() -> None:
    """All of them, and no other."""
    tables = {code for row in TEXT.splitlines() if row.startswith("| EP") for code in re.findall(r"EP\d{3}", row)}
    assert tables == {rule.code for rule in RULES}


def test_the_examples_are_read() -> None:
    """The table by the loader's own type, the exemption with its code and reason."""
    said = msgspec.convert(tomllib.loads(fenced("toml"))["audit"], Audit)
    assert (ROOT / said.package).is_dir()
    (exemption,) = exemptions_in("app", fenced("python"))
    assert exemption.codes == ("EP658",)
    assert exemption.reason


def test_the_hook_is_the_command() -> None:
    """Its id is the one in the docs, and it passes no file names, which the command would take for a package."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["id"] in fenced("yaml")
    assert shlex.split(hook["entry"]) == ["envparity", "audit"]
    assert hook["pass_filenames"] is False
