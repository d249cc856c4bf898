"""The verdict says what booted the environments, and a gate that asks for containers gets containers."""

from __future__ import annotations

import os

import pytest

from envparity.faces.parity_run import ParityRun
from envparity.judge import RULES


def test_the_launcher_was_the_one_asked_for(parity: ParityRun, pytestconfig: pytest.Config) -> None:
    """With `container` asked for by name, nothing else booted anything."""
    asked = pytestconfig.getoption("--envparity-launcher") or os.environ.get("ENVPARITY_LAUNCHER") or "auto"
    launchers = {parity.verdict.launcher, *(observation.launcher for observation in parity.observations().values())}
    assert len(launchers) == 1
    if asked != "auto":
        assert launchers == {asked}


def test_containers_leave_nothing_unchecked(parity: ParityRun) -> None:
    """The container launcher gives every guarantee; another one must say which it cannot give."""
    if parity.verdict.launcher == "container":
        assert parity.verdict.cannot_check == ()
    else:
        assert parity.verdict.cannot_check != ()


def test_the_verdict_counts_what_was_done(parity: ParityRun) -> None:
    """Three environments; at least a steady boot and one for each failing dependency in each; no rule left out."""
    verdict = parity.verdict
    assert verdict.environments == parity.environments
    assert verdict.cases >= 3 * len(verdict.environments)
    assert verdict.scenarios >= 30 * len(verdict.environments)
    assert verdict.rules == len(RULES) >= 22
