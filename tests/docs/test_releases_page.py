"""docs/releases.md: its example is that of a case which is run, and its table has every change that there is."""

from __future__ import annotations

import tomllib
from typing import get_args

from envparity.judge.cause import ReleaseCause
from envparity.model.case import ReleaseChange
from envparity.report.wording import cause_text
from tests.docs.pages import TREE, blocks, table

PAGE = "docs/releases.md"
CASE = TREE / "parity_tests" / "cases" / "release_change" / "rename.toml"


def test_the_example_is_part_of_a_case() -> None:
    """Of the one whose verdict is shown."""
    (block,) = blocks(PAGE, "toml")
    shown, case = tomllib.loads(block.text), tomllib.loads(CASE.read_text(encoding="utf-8"))
    assert shown["previous"] == case["previous"]
    assert all(key in case["scenario"] for key in shown["scenario"])


def test_every_change_is_explained_and_the_cause_is_in_the_verdicts_words() -> None:
    """No more and no fewer."""
    assert {name.strip('"') for name in table(PAGE, "Releases: upgrades, rolling deployments, the way back")} == {
        argument for argument in get_args(ReleaseChange) if argument
    }
    (verdict,) = blocks(PAGE, "text")
    assert cause_text(ReleaseCause(("rolling",), before=True, alone=True)) in " ".join(verdict.text.split())
