"""The public surface: what is promised is there, and nothing else is promised."""

from __future__ import annotations

import subprocess
import sys

import pytest

import envparity


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
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert ran.stdout.strip() == "[]"


def test_whoever_only_boots_and_judges_loads_no_test_framework() -> None:
    """Hypothesis is for those who explore; with it comes what its plugins bring, a third of a second for each run."""
    heavy = ("pytest", "hypothesis", "trio")
    script = f"import sys, envparity.engine.to_verdict; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert ran.stdout.strip() == "[]"
