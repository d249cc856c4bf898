"""EP211 and EP212: orders of initialisation that change a report or break a startup, and twins that do not."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from envparity.judge import findings_for
from envparity.model.case import Boot
from envparity.observe.record import HttpAnswer, Observation, SettingFingerprint
from envparity.report.wording import evidence_lines
from tests.envparity.judge import builders
from tests.envparity.judge.builders import departed, handshake, replica
from tests.envparity.judge.order_builders import (
    CANONICAL,
    TOOLS_FIRST,
    TOOLS_LAST,
    conversed,
    in_order,
    orders_project,
    started_in,
    usual,
)
from tests.envparity.judge.order_findings import FAILURE, LOST, checked, codes, failing, only


def test_orders_that_change_nothing_give_no_finding() -> None:
    """Order, sequence of steps and the setting that asks for it differ; nothing else does."""
    for name in ("local", "staging"):
        assert codes(usual(name), *(in_order(order, name) for order in (CANONICAL, TOOLS_FIRST, TOOLS_LAST))) == []


def test_ep211_names_what_differs_and_how_many_orders_show_it() -> None:
    """Two of two orders in one environment, one of one in the other; the declared differences do not apply."""
    found = only(
        *(usual(name) for name in ("local", "staging")),
        *(in_order(CANONICAL, name) for name in ("local", "staging")),
        checked(TOOLS_FIRST, observed="on"),
        checked(TOOLS_LAST, observed="on", critical=False),
        checked(TOOLS_LAST, "staging", observed="on"),
    )
    assert (found.code, found.where) == ("EP211", "report.checks.redis:tls")
    assert found.title == "startup report depends on the order"
    assert found.environments == ("local", "staging")
    assert len(found.cases) == 3
    assert found.expected == "as in the canonical order: redis.critical true"
    assert found.got == "redis.critical false, and 1 more"
    assert evidence_lines(found) == (
        "report.checks.redis:tls.redis.critical: canonical order true, this order false",
        'report.checks.redis:tls.redis.observed: canonical order "off", this order "on"',
        "in the order settings, redis, auth, tools",
        "in the order settings, tools, redis, auth",
        "local: 2 of 2 orders show it",
        "staging: 1 of 1 orders show it",
    )
    assert found.scenario is None
    assert found.replay == "envparity run --environment local,staging --only any_order --orders 3"


def test_ep211_what_the_same_orders_show_in_several_places_is_one_finding() -> None:
    """One root; what another order shows in one place only is a second."""
    twice = replica(started_in(TOOLS_FIRST, release="2", version="3"))
    once = replica(started_in(TOOLS_LAST, version="3"))
    boots = (usual(), in_order(), in_order(TOOLS_FIRST, "local", twice))
    found = only(*boots)
    assert (found.where, found.got) == ("report.release", '"2"')
    assert evidence_lines(found)[-1] == 'also at report.version: "3"'
    assert codes(*boots, in_order(TOOLS_LAST, "local", once)) == ["EP211", "EP211"]


def test_ep211_places_of_steps_and_overridden_settings_follow_from_what_was_asked() -> None:
    """A report may number its steps; a boot may ask for a setting. A value at another place is a difference."""

    def numbered(order: tuple[str, ...], limit: int = 30, **more: Any) -> dict[str, Any]:
        report = started_in(order, **more)
        report["steps"] = [step | {"index": place} for place, step in enumerate(report["steps"])]
        report["settings"][0] = report["settings"][0] | {"value": limit}
        return report

    boots = (usual(), in_order(CANONICAL, "local", replica(numbered(CANONICAL))))
    asks = Boot(order=TOOLS_LAST, settings=(("LIMIT", "5"),))
    assert codes(*boots, in_order(TOOLS_LAST, "local", replica(numbered(TOOLS_LAST, 5)), boot=asks)) == []
    unasked = only(*boots, in_order(TOOLS_LAST, "local", replica(numbered(TOOLS_LAST, 5))))
    assert (unasked.code, unasked.where) == ("EP211", "report.settings.LIMIT")
    elsewhere = only(*boots, in_order(TOOLS_LAST, "local", replica(numbered(TOOLS_LAST, index=7))))
    assert elsewhere.where == "report.index"


def test_ep211_a_setting_that_was_given_another_value_is_not_the_orders_doing() -> None:
    """Two fresh containers have a network each, and a setting that names it; whoever was given the same must say it."""

    def given(value: str, order: tuple[str, ...]) -> Observation:
        told = {"name": "LIMIT", "source": "environment", "secret": False, "value": 5 if order == TOOLS_LAST else 30}
        report = replica(started_in(order, settings=[told]))
        fingerprints = (SettingFingerprint("LIMIT", "ingress.network", f"of {value}", value),)
        return replace(in_order(order, "local", report), settings=fingerprints)

    assert codes(usual(), given("30", CANONICAL), given("5", TOOLS_LAST)) == []
    same = only(usual(), given("30", CANONICAL), given("30", TOOLS_LAST))
    assert (same.code, same.where) == ("EP211", "report.settings.LIMIT")


def test_ep211_every_replica_is_compared() -> None:
    """A second replica that differs is seen."""
    two = (replica(started_in(TOOLS_LAST)), replica(started_in(TOOLS_LAST, release="2"), index=1))
    assert only(usual(), in_order(), in_order(TOOLS_LAST, "local", *two)).where == "report.release"


def test_ep211_explains_what_only_that_order_shows_of_the_startup() -> None:
    """Health that disagrees in the same boot is counted; how a conversation ends, or the process, is not its doing."""
    stopped = conversed(handshake(), builders.control("stopped", exit_code=3))
    unready = replica(started_in(TOOLS_LAST, release="2"), ready=HttpAnswer("/health/ready", 503))
    boots = (usual(), in_order(transcripts=()))
    found = only(*boots, in_order(TOOLS_LAST, "local", unready, transcripts=()))
    assert evidence_lines(found)[-1] == "explains 1 finding more: EP102 /health/ready"
    assert codes(*boots, in_order(TOOLS_LAST, "local", unready, transcripts=(stopped,))) == ["EP211", "EP501"]


def test_ep213_does_not_explain_how_the_process_was_stopped() -> None:
    """Though it was stopped in the same scenario."""
    stopped = replace(LOST, events=(*LOST.events, builders.control("stopped", exit_code=3)))
    assert codes(usual(), in_order(), in_order(TOOLS_LAST, transcripts=(stopped,))) == ["EP213", "EP501"]


def test_ep212_names_the_component_and_quotes_the_failure_and_what_the_client_was_told() -> None:
    """The startup failure of one order; the conversations that failed with it are counted, not reported."""
    found = only(usual(), in_order(), failing(TOOLS_LAST), in_order(TOOLS_FIRST))
    assert (found.code, found.where, found.component) == ("EP212", "auth", "auth")
    assert found.title == "startup verdict depends on the order: auth"
    assert found.expected == "startup passes, as in the canonical order"
    assert found.got == "fails: auth FACTORY"
    frame = '{"type": "error", "code": "FACTORY", "message": "made at import"}'
    assert evidence_lines(found) == (
        "auth: FACTORY: no tools yet",
        "action: require tools",
        f"the client was told: error frame {frame}, close 1013 startup_failed:auth",
        "in the order settings, redis, auth, tools",
        "local: 1 of 2 orders show it",
        "explains 1 finding more: EP101 auth",
    )
    assert found.scenarios == ("any_order",)
    assert findings_for(
        builders.judged(usual(), in_order(), failing(TOOLS_LAST), of=orders_project()), scenario="any_order"
    )


def test_ep212_startup_that_has_no_end_names_the_step() -> None:
    """Neither passes nor fails."""
    report = started_in(TOOLS_LAST, status="starting")
    report["steps"][2] = report["steps"][2] | {"outcome": "running", "waited_for": "tools"}
    hung = replica(report, undecided_after_s=30.0, log=("still here",))
    found = only(usual(), in_order(), in_order(TOOLS_LAST, "local", hung, transcripts=()))
    assert (found.code, found.where, found.component) == ("EP212", "auth", "auth")
    assert found.got == "still starting, waiting for tools"
    assert evidence_lines(found)[:2] == ("no client connected", "still here")
    assert evidence_lines(found)[-1] == "explains 1 finding more: EP106 auth"


def test_ep212_speaks_of_the_replica_that_has_no_end() -> None:
    """Not of the one that started well."""
    report = started_in(TOOLS_LAST, status="starting")
    report["steps"][2] = report["steps"][2] | {"outcome": "running", "waited_for": "tools"}
    two = (replica(started_in(TOOLS_LAST)), replica(report, index=1, undecided_after_s=30.0))
    found = only(usual(), in_order(), in_order(TOOLS_LAST, "local", *two, transcripts=()))
    assert (found.got, found.component) == ("still starting, waiting for tools", "auth")


def test_ep212_startup_without_a_report_is_undecided() -> None:
    """Nothing is known of the steps."""
    dumb = replica(startup=None, live=None, ready=None, undecided_after_s=30.0)
    found = only(usual(), in_order(), in_order(TOOLS_LAST, "local", dumb, transcripts=()))
    assert (found.where, found.got, found.component) == ("startup", "no startup report", None)


def test_ep212_a_process_that_ends_is_quoted_from_its_log() -> None:
    """Exit code and last words."""
    gone = replica(started_in(TOOLS_LAST), exit_code=3)
    found = only(usual(), in_order(), in_order(TOOLS_LAST, "local", gone, transcripts=()))
    assert (found.code, found.where, found.got) == ("EP212", "process", "the process ended with exit code 3")
    assert evidence_lines(found)[:2] == ("no client connected", "last words")


def test_ep212_failures_without_names_and_actions() -> None:
    """What there is is said."""
    nameless = failing(
        TOOLS_LAST, "local", {"description": "broken"}, transcripts=(departed("handshake", handshake(503)),)
    )
    found = only(usual(), in_order(), nameless)
    assert (found.where, found.component) == ("startup", None)
    assert evidence_lines(found)[:2] == ("broken", "the client was told: handshake refused with 503")


def test_ep212_different_failures_are_different_findings_and_equal_ones_are_not() -> None:
    """Over environments and orders."""
    boots = [boot for name in ("local", "staging") for boot in (usual(name), in_order(CANONICAL, name))]
    same = only(*boots, failing(TOOLS_LAST), failing(TOOLS_FIRST), failing(TOOLS_LAST, "staging"))
    assert (same.environments, len(same.cases)) == (("local", "staging"), 3)
    other = FAILURE | {"component": "redis"}
    assert codes(*boots, failing(TOOLS_LAST), failing(TOOLS_FIRST, "local", other)) == ["EP212", "EP212"]


def test_what_fails_in_the_canonical_order_too_is_not_the_orders_doing() -> None:
    """One finding, as without orders; what only another order shows is still said."""
    every = [failing(order) for order in (CANONICAL, TOOLS_FIRST, TOOLS_LAST)]
    found = only(usual(), *every)
    assert (found.code, found.cases) == ("EP101", (every[0].case.id,))
    other = failing(TOOLS_LAST, "local", FAILURE | {"code": "OTHER"})
    assert codes(usual(), *every[:2], other) == ["EP101", "EP101"]
