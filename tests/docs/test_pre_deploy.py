"""The commands of docs/pre-deploy.md, one after the other, as a reader types them; and its tables are complete."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import get_args

import yaml

from envparity.report.attestation.refusal import Kind
from envparity.report.attestation.requirements import KEYS
from tests.docs.pages import blocks, prose, table
from tests.docs.pipelines import DIGEST, IMAGE, Step, machine, read

PAGE = "docs/pre-deploy.md"


def test_the_commands_lead_from_a_key_to_an_accepted_verdict(tmp_path: Path) -> None:
    """Every one exits 0, with the files that the one before it has made."""
    made = machine(tmp_path)
    shutil.copy(made.folder / "backend.toml", made.folder / "previous.json")
    known = {
        "IMAGE": IMAGE,
        "PREVIOUS": IMAGE,
        "COMMIT": made.commit,
        "ENVPARITY_SIGNING_KEY_FILE": str(made.folder / "gate.key"),
    }
    commands = [line for block in blocks(PAGE, "sh") for line in block.text.splitlines()]
    assert [command.split()[1] for command in commands] == [
        "keys", "run", "baseline", "baseline", "verify", "probe", "verify",
    ]  # fmt: skip
    for command in commands:
        if "previous.json" in command:
            shutil.copy(made.folder / "verdict.json", made.folder / "previous.json")
        done = made.run(Step("reader", command, command, {}), known)
        assert done.returncode == 0, done.stdout + done.stderr
    assert DIGEST in IMAGE


def test_every_reason_and_requirement_is_explained() -> None:
    """No more and no fewer than there are."""
    rows = table(PAGE, "Deploy")
    assert {name for name in rows if not name.isdigit() and name not in {"reason", "---"}} == set(get_args(Kind))
    assert all(re.search(rf"\b{name}\b", prose(PAGE)) for name in KEYS)


def test_the_three_lines_are_inputs_of_the_action() -> None:
    """Of the file at the root of the repository."""
    (block,) = blocks(PAGE, "yaml")
    (step,) = yaml.safe_load(block.text)
    assert set(step["with"]) <= set(read("action.yml")["inputs"])
    assert len(block.text.strip().splitlines()) == 3
