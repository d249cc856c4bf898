"""What cases showed in other processes, orders and all: read back from JSON, it is judged as if they had been here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

import envparity.engine.observer
from envparity.cluster.merge import Observed
from envparity.engine.events import CaseObserved, Event
from envparity.engine.explore import OrderProfile
from envparity.engine.run import Run
from envparity.judge.finding import Verdict
from envparity.model.case import Case
from envparity.model.project import Project
from envparity.observe.record import StartupReport
from envparity.support.stalls import StallMeter, Stalls
from tests.envparity.cluster.ferries import unlike
from tests.envparity.launching import BACKEND, FakeLauncher, passes, project, report

ORDERS = OrderProfile(strength=2)
CANONICAL = ("settings", "redis", "tools", "auth", "handlers")


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No timeline takes its time, nothing is booted again for a busy machine, and the cache is this test's."""
    monkeypatch.setattr(envparity.engine.observer, "_BETWEEN_EVENTS_S", 0.0)
    monkeypatch.setattr(StallMeter, "since", lambda _meter, _mark: Stalls(1.0, 0.0, 0.0))
    monkeypatch.setenv("ENVPARITY_CACHE", str(tmp_path))


def fails_in_orders(case: Case) -> StartupReport | None:
    return passes(case) if case.boot.order in ((), CANONICAL) else report(failure="auth")


def run_of(launcher: FakeLauncher, emit: Callable[[Event], None], **options: Any) -> Run:
    return Run(ordered(), cast("Any", launcher), emit, orders=ORDERS, **options)


def ordered() -> Project:
    return project("local", "staging", backend=msgspec.structs.replace(BACKEND, scenarios=()))


@pytest.mark.parametrize("warm_only", [False, True])
async def test_orders_that_fail_elsewhere_are_found_and_confirmed_here(warm_only: bool) -> None:
    """Each environment was booted by another process. What only forks showed is booted once more, here."""

    def launcher() -> FakeLauncher:
        return FakeLauncher(passes, warm_startup=fails_in_orders) if warm_only else FakeLauncher(fails_in_orders)

    await run_of(launcher(), lambda _event: None).observe_all()  # where a covering set is from, is told: the cache
    alone: Verdict = await run_of(launcher(), lambda _event: None).verdict()
    told: list[Event] = []
    for name in ("local", "staging"):
        await run_of(launcher(), told.append, told_whole=True, share={name}).observe_all()
    lines = [msgspec.json.encode(event) for event in told if isinstance(event, CaseObserved)]
    read = tuple(msgspec.json.decode(line, type=CaseObserved) for line in lines)
    assert [case_observed.case for case_observed in read] == ["local", "staging"]
    here = launcher()
    source = Observed(ordered(), [cast("Any", SimpleNamespace(observed=read))], b"salt")
    together = await run_of(here, lambda _event: None, elsewhere=source).verdict()
    assert unlike(alone, together) == []
    assert {finding.code for finding in together.findings} >= ({"EP902"} if warm_only else {"EP212"})
    assert here.warm_boots == []
    assert all(case.boot.order for case in here.cold_boots)
    assert here.cold_boots


async def test_what_was_late_elsewhere_is_told() -> None:
    """`unsteady` is of all processes."""
    told: list[Event] = []
    run = run_of(FakeLauncher(), told.append, told_whole=True)
    run._stage.boots.unsteady.append((Case("staging", "chat"), "staging: it was late"))
    await run.observe_all()
    read = tuple(event for event in told if isinstance(event, CaseObserved))
    source = Observed(ordered(), [cast("Any", SimpleNamespace(observed=read))], b"salt")
    verdict = await run_of(FakeLauncher(), lambda _event: None, elsewhere=source).verdict()
    assert verdict.unsteady == ("staging: it was late",)
