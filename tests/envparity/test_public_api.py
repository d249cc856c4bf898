"""The public surface: what is promised is there, and nothing else is promised."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import envparity

TEAHOUSE = Path(__file__).parents[2] / "docs" / "examples" / "teahouse"


@pytest.mark.parametrize("name", envparity.__all__)
def test_every_promised_name_is_there(name: str) -> None:
    """`from envparity import name` works."""
    assert getattr(envparity, name) is not None


def test_what_is_promised_is_what_is_exported() -> None:
    """The list for readers and the table for the import are one."""
    assert sorted(envparity.__all__) == sorted(envparity._HOME)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As in any module."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        envparity.nothing  # noqa: B018


def test_importing_the_package_loads_nothing() -> None:
    """No engine, no test framework, no socket library: `envparity --help` is quick."""
    heavy = ("docker", "testcontainers", "pytest", "websockets", "httpx", "numpy", "hypothesis", "rich")
    script = f"import sys, envparity; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300)
    assert ran.stdout.strip() == "[]"


def test_a_run_that_explores_nothing_loads_what_it_does_not_need() -> None:
    """Hypothesis is for those who explore, NumPy for those who look for orders: half a second of a processor for each.

    This run comes to its launcher, which has no way to boot that backend.
    """
    heavy = ("pytest", "hypothesis", "numpy", "trio")
    script = (
        "import sys\nsys.argv = ['envparity', 'run', '--plain', '--launcher', 'process']\n"
        "from envparity.faces.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print(int(end.code))\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, cwd=TEAHOUSE, capture_output=True, text=True, check=True, timeout=600)
    assert ran.stdout.splitlines()[-2:] == ["2", "[]"], ran.stdout + ran.stderr
