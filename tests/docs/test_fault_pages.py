"""What is written of the faults is what their files say."""

from __future__ import annotations

import re
from pathlib import Path

from parity_tests.faults.catalogue import CATALOGUE, ORDER_CATALOGUE, UPGRADE_CATALOGUE

ROOT = Path(__file__).parents[2]


def rows(page: str) -> dict[str, str]:
    """The rows of a page's tables that are about a fault: its id, and all that stands behind it."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return dict(re.findall(r"^\| (F\d+) (.+?) \|$", text, re.MULTILINE))


def test_the_catalogue_lists_every_fault_with_its_code() -> None:
    """None is forgotten, none is left over."""
    listed = rows("parity_tests/faults/README.md")
    faults = {fault.id: fault for fault in (*CATALOGUE, *ORDER_CATALOGUE, *UPGRADE_CATALOGUE)}
    assert {*listed} == {*faults}
    assert [name for name, row in listed.items() if f"| {faults[name].code}" not in row] == []


def test_what_only_containers_show_is_listed_with_its_reason() -> None:
    """Fault by fault, in the words of the fault's own file."""
    declared = {fault.id: fault.container_only for fault in CATALOGUE if fault.container_only}
    listed = rows("docs/launchers.md")
    assert {name: row.partition(" | ")[2] for name, row in listed.items()} == declared
