"""Runs in orders, by warm boots and by cold ones."""

from __future__ import annotations

from pathlib import Path

import pytest

import envparity.engine.observer
from envparity.model.case import Boot, Case
from envparity.observe.record import StartupReport
from tests.envparity.engine.quiet_run import ordered_run
from tests.envparity.launching import FakeLauncher, passes, report

FORWARD = Boot(order=("settings", "redis", "tools", "auth", "handlers"))


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No timeline takes its time, and no test finds what another one has searched for."""
    monkeypatch.setattr(envparity.engine.observer, "_BETWEEN_EVENTS_S", 0.0)
    monkeypatch.setenv("ENVPARITY_CACHE", str(tmp_path))


def fails_warm(case: Case) -> StartupReport | None:
    """Whatever a warm boot does in another order than the canonical one, fails."""
    return passes(case) if case.boot.order in ((), FORWARD.order) else report(failure="auth")


async def test_with_orders_every_environment_is_booted_in_each_of_them() -> None:
    """They stand behind the planned cases, and are counted with them."""
    launcher = FakeLauncher()
    run = ordered_run(launcher)
    seen = await run.observe_all()
    assert [observation.case.id for observation in seen[:2]] == ["local", "staging"]
    assert [observation.case.boot for observation in seen[2:]].count(FORWARD) == 2
    assert launcher.pools == [Case("local", "chat"), Case("staging", "chat")]
    verdict = await run.verdict()
    assert verdict.cases == len(seen)
    assert [line.partition(":")[0] for line in verdict.coverage] == ["local", "staging"]


async def test_what_warm_boots_and_cold_ones_show_is_reported_with_its_code() -> None:
    """One failing order and the canonical one are booted cold in each environment, and no other."""
    launcher = FakeLauncher(fails_warm)
    verdict = await ordered_run(launcher).verdict()
    cold = {case for case in launcher.cold_boots if not case.boot.steady}  # each once more where the machine stalls
    assert sorted(case.environment for case in cold) == ["local", "local", "staging", "staging"]
    assert [case.boot for case in cold].count(FORWARD) == 2
    assert [finding.code for finding in verdict.findings if finding.environments == ("local", "staging")] == ["EP212"]


async def test_what_only_warm_boots_show_is_reported_as_that() -> None:
    """EP902: it is red all the same."""
    verdict = await ordered_run(FakeLauncher(passes, warm_startup=fails_warm), "local").verdict()
    assert {finding.code for finding in verdict.findings} == {"EP902"}
    assert any(finding.instead_of is not None and finding.instead_of.code == "EP212" for finding in verdict.findings)
