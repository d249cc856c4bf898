"""One porter for each scheme of signing in: the setting that passes in one environment is named in the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parity_tests.cases.conftest import single_cause

if TYPE_CHECKING:
    from parity_tests.cases.conftest import RunCase

WRONG = {
    "shared_key": ("a_clock_that_is_ahead", "LEEWAY_S"),
    "public_key": ("refused", "ALGORITHMS"),
    "basic": ("refused", "PASSWORDS"),
    "login": ("greeted", "COOKIE_DOMAIN"),
    "provider": ("keys_are_rotated", "KEYS_ARE_KEPT"),
}


@pytest.mark.parametrize("scheme", WRONG)
def test_the_setting_that_lets_in_or_sends_away_is_named(run_case: RunCase, scheme: str) -> None:
    """All others of its scenarios are kept to in both; nothing that was carried is in what was saved or printed."""
    scenario, setting = WRONG[scheme]
    run = run_case(f"signed_in/{scheme}")
    assert run.exit_code == 1
    (red,) = [finding for finding in run.findings if finding.scenario]
    assert (red.scenario, red.environments, red.code) == (scenario, ("hall",), "EP302")
    assert setting in single_cause(red)
    logged = [
        line for observation in run.saved.observations for replica in observation.replicas for line in replica.log
    ]
    assert all("<token:" in line for line in logged if "login: gave" in line)
    assert any(": let in" in line or "login: gave <token:valid>" in line for line in logged)
    assert not any("eyJ" in line for line in (*logged, run.output))
