"""`envparity replay` of what depends on an order: which boots it makes again, and whether of forks or of containers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

import envparity.engine.observer
import envparity.launch.choose
import envparity.orders.experiments
from envparity.engine.events import Event, OrderBooted
from envparity.engine.explore import OrderProfile
from envparity.engine.replay_answer import ReplayAnswer
from envparity.engine.replay_orders import order_cases, orders_again
from envparity.engine.run import Run
from envparity.engine.to_verdict import run_to_verdict
from envparity.errors import ConfigurationError
from envparity.judge.finding import Finding
from envparity.model.case import Boot, Case
from envparity.observe.record import StartupReport
from envparity.report.saved import SavedRun, saved_project
from tests.envparity.launching import BACKEND, FakeLauncher, Startup, passes, project, report

PROJECT = project("local", "staging", backend=replace(BACKEND, scenarios=()))  # nobody listens to a conversation
NAMES = ("local", "staging")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVPARITY_CACHE", str(tmp_path))
    monkeypatch.setattr(envparity.engine.observer, "_BETWEEN_EVENTS_S", 0.0)


def tools_first(case: Case) -> StartupReport | None:
    """A startup that fails where the tools come before Redis."""
    order = case.boot.order
    legal = passes(case)
    if order and legal is not None and legal.status == "pass" and order.index("tools") < order.index("redis"):
        return report(failure="tools", order=order)
    return legal


def backend_last(case: Case) -> StartupReport | None:
    """A startup that fails where the backend comes last, and everything is there before it."""
    return report(failure="auth") if case.boot.timeline[-1:] == ("backend",) else passes(case)


def saved(startup: Startup, warm_startup: Startup | None = None) -> SavedRun:
    """A run with orders, in which boots start like that; forks may do otherwise."""
    events: list[Event] = []
    launcher: Any = FakeLauncher(startup, warm_startup=warm_startup)
    run_to_verdict(lambda: Run(PROJECT, launcher, events.append, orders=OrderProfile(strength=2)))
    run = SavedRun.of(saved_project(PROJECT, Path("environments"), orders=2), events)
    assert run is not None
    return run


def again(
    finding: Finding, run: SavedRun, monkeypatch: pytest.MonkeyPatch, startup: Startup, warm: Startup | None = None
) -> tuple[ReplayAnswer, FakeLauncher]:
    """What a replay sees where boots start like that by now."""
    launcher = FakeLauncher(startup, warm_startup=warm)
    monkeypatch.setattr(envparity.launch.choose, "choose_launcher", lambda *_: launcher)
    return orders_again(finding, NAMES, run, PROJECT, "auto", emit=lambda _event: None), launcher


def of_code(run: SavedRun, code: str) -> Finding:
    return next(finding for finding in run.verdict.findings if finding.code == code)


def test_an_order_is_booted_as_the_run_booted_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is planned again: a covering set may be another one by now. The canonical order comes with it."""
    run = saved(tools_first)
    finding = of_code(run, "EP212")
    monkeypatch.setattr(envparity.orders.experiments, "order_boots", lambda *_a, **_k: pytest.fail("planned again"))
    cases = order_cases(finding, NAMES, run, PROJECT)
    assert [case.environment for case in cases] == ["local", "local", "staging", "staging"]
    for canonical, shown in (cases[:2], cases[2:]):
        assert canonical.boot.order == ("settings", "redis", "tools", "auth", "handlers")
        assert shown.boot.order.index("tools") < shown.boot.order.index("redis")
        assert shown.id in finding.cases


def test_a_run_of_an_earlier_version_is_planned_again() -> None:
    """Its events name the orders' cases, and no boots: the ids find them, and one that no plan has is bad input."""
    run = saved(tools_first)
    finding = of_code(run, "EP212")
    older = replace(run, booted=tuple(replace(event, boot=None) for event in run.booted))
    assert order_cases(finding, NAMES, older, PROJECT) == order_cases(finding, NAMES, run, PROJECT)
    with pytest.raises(ConfigurationError, match="--orders 2"):
        order_cases(replace(finding, cases=("local-ffffff",)), NAMES, older, PROJECT)


def test_an_event_of_an_earlier_version_is_read() -> None:
    """It has no boot."""
    line = b'{"type":"OrderBooted","case":"local","order_case":"local-1","done":1,"of":2,"startup":"pass"}'
    assert msgspec.json.decode(line, type=OrderBooted) == OrderBooted("local", "local-1", 1, 2, "pass", None)
    kept = OrderBooted("local", "local-1", 1, 2, "pass", Boot(order=("a",)))
    assert msgspec.json.decode(msgspec.json.encode(kept), type=OrderBooted) == kept


@pytest.mark.parametrize(("startup", "code"), [(tools_first, "EP212"), (backend_last, "EP215")])
def test_a_finding_of_orders_is_asked_of_fresh_containers(
    startup: Startup, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of initialisation and of the dependencies; still red as long as they show it, and no longer after that."""
    run = saved(startup)
    finding = of_code(run, code)
    answer, launcher = again(finding, run, monkeypatch, startup)
    assert any(answer.same(shown, finding) for shown in answer.findings)
    assert (launcher.warm_boots, len(launcher.cold_boots)) == ([], 4)
    answer, _ = again(finding, run, monkeypatch, passes)
    assert answer.findings == ()


def test_what_only_forks_showed_is_asked_of_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh container never showed it, so that its word would always be that it is gone."""
    run = saved(passes, tools_first)
    finding = of_code(run, "EP902")
    answer, launcher = again(finding, run, monkeypatch, passes, tools_first)
    assert [shown.code for shown in answer.findings if answer.same(shown, finding)] == ["EP902"]
    assert len(launcher.warm_boots) == 4
    answer, _ = again(finding, run, monkeypatch, passes, passes)
    assert answer.findings == ()


def test_what_forks_showed_and_containers_show_now_is_that_finding_all_the_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is called by the code that it would have had."""
    run = saved(passes, tools_first)
    finding = of_code(run, "EP902")
    answer, _ = again(finding, run, monkeypatch, tools_first)
    assert [shown.code for shown in answer.findings if answer.same(shown, finding)] == ["EP212"]
