"""`run --explore`: what is asked for is handed on, and what would have no effect is a mistake."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Envparity = Callable[..., Result]


def test_what_is_explored_is_handed_on(envparity: Envparity, fake: Any, tmp_path: Path) -> None:
    """With a seed that was said, or one that nobody chose; remembered beside the saved runs."""
    assert (
        envparity("run", "--explore", "30", "--explore-seed", "7", "--runs", str(tmp_path / "r" / "runs")).exit_code
        == 0
    )
    assert envparity("run", "--explore", "30").exit_code == 0
    assert envparity("run").exit_code == 0
    said, chosen, nothing = fake.explored
    assert (said.examples, said.seed, said.folder) == (30, 7, tmp_path / "r" / "examples")
    assert (chosen.examples, chosen.seed >= 0, nothing) == (30, True, None)


def test_a_file_to_keep_is_written_though_nothing_was_found(envparity: Envparity, tmp_path: Path) -> None:
    kept = tmp_path / "kept.toml"
    assert envparity("run", "--explore", "30", "--keep", str(kept)).exit_code == 0
    assert tomllib.loads(kept.read_text()) == {}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--keep", "kept.toml"),
        ("--explore-seed", "3"),
        ("--explore", "3", "--keep", "nowhere/kept.toml"),
        ("--explore", "x"),
    ],
)
def test_what_has_no_effect_is_a_mistake(envparity: Envparity, fake: Any, arguments: tuple[str, ...]) -> None:
    assert envparity("run", *arguments).exit_code == 2
    assert fake.explored == []
