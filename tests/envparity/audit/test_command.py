"""`envparity audit`: what it prints, what it writes, and what it exits with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from envparity.audit.rules import RULES
from envparity.faces.cli.app import app
from tests.envparity.audit.conftest import Write

DIRTY = {"app/key.py": "import os\n\nKEY = os.environ.get('KEY')\n", "app/fine.py": "VALUE = 1\n"}


def invoke(*arguments: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(app, ["audit", *arguments])


@pytest.fixture
def here(write: Write, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a package `app` that reads the environment at import."""
    monkeypatch.delenv("ENVPARITY_BACKEND", raising=False)
    root = write(DIRTY)
    monkeypatch.chdir(root)
    return root


def test_findings_are_exit_code_1(here: Path) -> None:
    """Each with its place first, what it is, and what to do; the last line counts."""
    result = invoke("app")
    assert result.exit_code == 1
    rows = result.output.splitlines()
    assert rows[0] == "app/key.py:3: EP658 The environment read at import"
    assert "KEY" in rows[1]
    assert rows[-1].startswith("app: 1 finding (3 modules, ")


def test_clean_is_exit_code_0(here: Path) -> None:
    """Nothing but the last line."""
    (here / "app" / "key.py").unlink()
    result = invoke("app")
    assert (result.exit_code, result.output.startswith("app: clean (2 modules")) == (0, True)


def test_only_some_rules(here: Path) -> None:
    """With rules of the source alone, nothing is imported."""
    result = invoke("app", "--only", "EP601,EP606")
    assert (result.exit_code, result.output.splitlines()[-1].partition(";")[0]) == (0, "app: clean (3 modules, 2 rules")


def test_a_wrong_input_is_exit_code_2(here: Path) -> None:
    """One message on stderr, and nothing on stdout."""
    for arguments in (
        ["nowhere_at_all"],
        ["app", "--only", "EP999"],
        [],
        ["app", "--in-image"],
        ["app", "--backend", "x"],
    ):
        result = invoke(*arguments)
        assert (result.exit_code, result.stdout) == (2, ""), arguments
        assert "expected" in result.stderr


def test_an_interpreter_that_is_none_is_exit_code_3(here: Path) -> None:
    """That is the machine's business, not the package's."""
    result = invoke("app", "--python", str(here / "no-python"))
    assert (result.exit_code, result.stdout) == (3, "")


def test_sarif_is_written_beside(here: Path) -> None:
    """Also when there are findings; where it cannot be written, that is a mistake of the input."""
    result = invoke("app", "--sarif", "audit.sarif")
    assert result.exit_code == 1
    assert json.loads((here / "audit.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"
    assert invoke("app", "--sarif", "no/such/folder.sarif").exit_code == 2


def test_without_a_package_the_backend_file_says_it(here: Path) -> None:
    """The one in the working folder, or the one that is named."""
    text = 'name = "chat"\n[image]\nname = "chat:1"\n[audit]\npackage = "app"\nsettings_modules = ["app.key"]\n'
    (here / "backend.toml").write_text(text, encoding="utf-8")
    assert invoke().exit_code == 1
    assert invoke("--backend", str(here / "backend.toml"), "--only", "EP606").exit_code == 0


def test_an_interpreter_of_its_own(here: Path) -> None:
    """Any other one can be named, and is what the report is about."""
    result = invoke("app", "--python", sys.executable)
    version = subprocess.run([sys.executable, "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
    assert f"Python {version}" in result.output


def test_every_rule_is_listed_and_explained() -> None:
    """By `envparity rules` and `envparity explain`, like any other."""
    listed = CliRunner().invoke(app, ["rules"]).output
    for rule in RULES:
        assert f"{rule.code}  {rule.title}" in listed
    explained = CliRunner().invoke(app, ["explain", "EP663"])
    assert explained.exit_code == 0
    for heading in ("What it means", "Why it matters", "What to do", "Example"):
        assert heading in explained.output
