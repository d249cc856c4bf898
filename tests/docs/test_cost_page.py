"""docs/cost.md: its table is what its figures come to, and its commands have options that exist."""

from __future__ import annotations

import math
import re

from envparity.faces.cli.app import app
from tests.docs.pages import blocks, prose, table

PAGE = "docs/cost.md"


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_table_is_what_the_figures_come_to() -> None:
    """Seconds and machines, of each number of backends."""
    measured = [number(row[-1]) for row in table(PAGE, "What was measured").values()]
    factor = re.search(r"costs ([\d.]+) times", prose(PAGE))
    given = re.search(r"of 2 cores gives ([\d,]+) s", prose(PAGE))
    assert factor is not None
    assert given is not None
    assert number(given[1]) == 2 * 8 * 3600 * 70 // 100
    each = [*measured, round(measured[-1] * float(factor[1]), 1)]
    rows = table(PAGE, "How many machines")
    assert list(rows) == ["10", "100", "1,000"]
    for backends, cells in rows.items():
        for seconds, cell in zip(each, cells, strict=True):
            whole = round(seconds * number(backends))
            machines = math.ceil(whole / number(given[1]))
            assert cell == f"{whole:,} s, {machines} machine{'s' if machines > 1 else ''}"


def test_the_factor_of_orders_is_that_of_their_share() -> None:
    """What is left without them, and what is there with them."""
    share = re.search(r"orders are (\d+) %", prose(PAGE))
    factor = re.search(r"costs ([\d.]+) times", prose(PAGE))
    assert share is not None
    assert factor is not None
    assert float(factor[1]) == round(100 / (100 - int(share[1])), 1)


def test_the_commands_are_commands() -> None:
    """With their options."""
    for block in blocks(PAGE, "sh"):
        for line in block.text.splitlines():
            program, command, *arguments = line.split()
            assert program == "envparity"
            known = app.get_command(app.make_context("envparity", ["--help"], resilient_parsing=True), command)
            assert known is not None
            with known.make_context(command, arguments):
                pass
