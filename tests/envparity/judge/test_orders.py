"""EP211–214: boots in orders of initialisation, each rule with what breaks it and a twin that does not."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from envparity.judge import Finding, findings_for
from envparity.judge.order_boots import forbidden_because, order_boots
from envparity.model.case import Boot
from envparity.observe.record import HttpAnswer, Observation, SettingFingerprint
from envparity.orders.graph import Graph
from envparity.report.wording import evidence_lines
from tests.envparity.judge import builders
from tests.envparity.judge.builders import close, departed, handshake, received, refused, replica
from tests.envparity.judge.order_builders import (
    CANONICAL,
    FORBIDDEN,
    LATE,
    REQUIRES,
    TOOLS_FIRST,
    TOOLS_LAST,
    conversed,
    failed_in,
    in_order,
    orders_subject,
    refused_order,
    started_in,
    usual,
    when_they_come,
)

FAILURE = {"code": "FACTORY", "component": "auth", "description": "no tools yet", "action": "require tools"}
LOST = departed("frame", handshake(), received({"type": "oops"}), scenario="any_order", got="oops")


def codes(*observations: Observation) -> list[str]:
    return builders.codes(*observations, of=orders_subject())


def only(*observations: Observation) -> Finding:
    return builders.only(*observations, of=orders_subject())


def failing(
    order: tuple[str, ...], environment: str = "local", *failures: dict[str, Any], **changes: Any
) -> Observation:
    seen = replica(failed_in(order, *(failures or (FAILURE,))))
    return in_order(order, environment, seen, **{"transcripts": (refused(scenario="any_order"),), **changes})


def checked(order: tuple[str, ...], environment: str = "local", **observed: Any) -> Observation:
    check = {"component": "redis", "critical": True, "status": "pass", "observed": "off"} | observed
    return in_order(order, environment, replica(started_in(order, checks={"redis:tls": [check]})))


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
        builders.judged(usual(), in_order(), failing(TOOLS_LAST), of=orders_subject()), scenario="any_order"
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


def test_ep213_a_conversation_that_leaves_its_script_in_one_order() -> None:
    """It keeps to it in the canonical order; the departure itself is not reported beside it."""
    found = only(usual(), in_order(), in_order(TOOLS_LAST, transcripts=(LOST,)), in_order(TOOLS_FIRST))
    assert (found.code, found.where, found.scenario) == ("EP213", "any_order", "any_order")
    assert (found.expected, found.got) == ("connection_established", "oops")
    assert evidence_lines(found) == (
        "step 2, after:",
        "handshake 101, subprotocol v1",
        'received {"type": "oops"}',
        "last words",
        "in the order settings, redis, auth, tools",
        "local: 1 of 2 orders show it",
        "explains 1 finding more: EP301 any_order",
    )
    assert found.replay == "envparity run --environment local --only any_order --orders 3"


def test_ep213_1011_in_one_order_is_explained_too() -> None:
    """It is counted in the evidence of the finding about the order."""
    broken = departed("close", handshake(), close(1011, "oops"), scenario="any_order", got="close 1011")
    found = only(usual(), in_order(), in_order(TOOLS_LAST, transcripts=(broken,)))
    assert found.code == "EP213"
    assert evidence_lines(found)[-1] == "explains 1 finding more: EP305 any_order"


def test_ep213_a_conversation_that_goes_differently() -> None:
    """A field that the script does not look at; ids and moments are none."""
    after = conversed(handshake(), received({"type": "connection_established", "limits": {"per_minute": 9}}))
    before = conversed(handshake(), received({"type": "connection_established", "limits": {"per_minute": 30}}))
    boots = (usual(), in_order(transcripts=(before,)))
    found = only(*boots, in_order(TOOLS_LAST, transcripts=(after,)))
    assert (found.code, found.where) == ("EP213", "any_order")
    assert found.expected == "as in the canonical order: connection_established.limits.per_minute 30"
    assert found.got == "connection_established.limits.per_minute 9"
    assert evidence_lines(found)[0] == (
        'canonical order: received {"type": "connection_established", "limits": {"per_minute": 30}}'
    )
    assert codes(*boots, in_order(TOOLS_LAST, transcripts=(before,))) == []


def test_ep213_says_nothing_where_the_canonical_order_departs_or_did_not_play() -> None:
    """The departure is then a finding of the conversation, once."""
    found = only(usual(), in_order(transcripts=(LOST,)), in_order(TOOLS_LAST, transcripts=(LOST,)))
    assert (found.code, found.cases) == ("EP301", (in_order().case.id,))
    assert found.replay == "envparity run --environment local --only any_order --orders 3"
    assert codes(usual(), in_order(transcripts=()), in_order(TOOLS_LAST, transcripts=(LOST,))) == ["EP301"]


def test_ep213_several_scenarios_that_the_same_orders_break_are_one_finding() -> None:
    """All of them are named."""
    second = replace(LOST, scenario="other")
    boots = (usual(), in_order(transcripts=(conversed(), conversed(scenario="other"))))
    found = only(*boots, in_order(TOOLS_LAST, transcripts=(LOST, second)))
    assert found.scenarios == ("any_order", "other")
    assert "also at other: oops" in evidence_lines(found)


def test_a_leak_in_one_order_is_not_hidden_behind_a_difference_of_the_reports() -> None:
    """What EP211 explains is about startup; conversations have their own."""
    oops = conversed(handshake(), received({"type": "x"}, violations=("no such type",)))
    differs = in_order(TOOLS_LAST, "local", replica(started_in(TOOLS_LAST, release="2")), transcripts=(oops,))
    assert codes(usual(), in_order(transcripts=()), differs) == ["EP211", "EP304"]


def test_ep214_an_order_that_the_graph_forbids_and_that_passes() -> None:
    """Whatever way it is forbidden; all are one finding."""
    orders = (FORBIDDEN, (*CANONICAL, "no_such"), (*CANONICAL, "auth"))
    passed = [in_order(order, "local", replica(started_in())) for order in orders]
    found = only(usual(), in_order(), *passed)
    assert (found.code, found.where, found.got) == ("EP214", "startup order", "startup passed")
    assert len(found.cases) == 3
    assert evidence_lines(found)[-3:] == (
        "in the order settings, auth, redis, tools",
        "in the order settings, redis, tools, auth, auth",
        "local: 3 of 3 forbidden orders show it",
    )
    assert evidence_lines(found)[0] == "auth stands before redis, which it requires"


def test_ep214_a_refused_order_is_what_must_be() -> None:
    """Failed by name, its clients told so: nothing is to be reported, in no environment and between none."""
    told = refused("startup_failed:startup_order", scenario="any_order")
    for name in ("local", "staging"):
        boot = in_order(FORBIDDEN, name, replica(refused_order()), transcripts=(told,))
        assert codes(usual(name), in_order(CANONICAL, name), boot) == []
    mixed = in_order(FORBIDDEN, "staging", replica(started_in()))
    boots = [boot for name in ("local", "staging") for boot in (usual(name), in_order(CANONICAL, name))]
    found = only(*boots, in_order(FORBIDDEN, "local", replica(refused_order()), transcripts=(told,)), mixed)
    assert (found.code, found.environments) == ("EP214", ("staging",))


def test_ep214_a_refusal_told_as_1011_is_still_one() -> None:
    """A refused order excuses the failure, not how the client is told."""
    told = departed("close", handshake(), close(1011, "oops"), scenario="any_order")
    refusal = in_order(FORBIDDEN, "local", replica(refused_order()), transcripts=(told,))
    assert codes(usual(), in_order(), refusal) == ["EP305"]


@pytest.mark.parametrize(
    ("seen", "got"),
    [
        (replica(refused_order({"description": "no"})), "startup failed, and names no failure with component and code"),
        (
            replica(refused_order({"code": "X", "component": "a"}, {"code": "Y", "description": "no"})),
            "startup failed, and names no failure with component and code",
        ),
        (
            replica(started_in(status="fail", order=[], steps=[])),
            "startup failed, and names no failure with component and code",
        ),
        (replica(startup=None, exit_code=1), "the process ended with exit code 1"),
        (replica(started_in(FORBIDDEN, status="starting"), undecided_after_s=30.0), "still starting"),
        (replica(failed_in(FORBIDDEN, FAILURE, step="tools")), "the steps were run in that order"),
    ],
)
def test_ep214_neither_passed_nor_refused(seen: Any, got: str) -> None:
    """A failure without a name, an exit, no end, or steps that ran all the same: none of these is a refusal."""
    found = only(usual(), in_order(), in_order(FORBIDDEN, "local", seen, transcripts=(refused(scenario="any_order"),)))
    assert (found.code, found.got) == ("EP214", got)
    assert evidence_lines(found)[-2] == "local: 1 of 1 forbidden orders show it"
    assert evidence_lines(found)[-1].startswith("explains ")


def test_ep214_says_which_step_ran_too_early() -> None:
    """From the report."""
    ran = replica(failed_in(FORBIDDEN, FAILURE, step="tools"))
    found = only(usual(), in_order(), in_order(FORBIDDEN, "local", ran, transcripts=()))
    assert evidence_lines(found)[:2] == (
        "auth stands before redis, which it requires",
        "step auth ran before redis, which it requires",
    )


def test_a_boot_that_could_not_be_stood_up_says_nothing_of_the_order() -> None:
    """It is EP901, and neither a baseline nor a difference."""
    nothing = in_order(TOOLS_LAST, replicas=(), transcripts=(), launch_failure="no disk")
    assert codes(usual(), in_order(), nothing) == ["EP901"]
    lost = in_order(replicas=(), transcripts=(), launch_failure="no disk")
    assert codes(usual(), lost, failing(TOOLS_LAST)) == ["EP212", "EP901"]


def test_differences_between_environments_are_said_once() -> None:
    """The steady boot shows them, so no order shows them again; without it the canonical boot does."""
    orders = (CANONICAL, TOOLS_FIRST, TOOLS_LAST)
    different = [in_order(order, "staging", replica(started_in(order, release="2"))) for order in orders]
    same = [in_order(order) for order in orders]
    steady = (usual(), builders.observation("staging", replica(started_in(release="2"))))
    assert only(*steady, *same, *different).cases == ("local", "staging")
    found = only(usual(), usual("staging"), *same, *different)
    assert (found.code, found.cases) == ("EP201", (same[0].case.id, different[0].case.id))


def test_a_verdict_that_differs_without_orders_is_not_said_again_of_the_canonical_one() -> None:
    """EP202 names the boot, and it is the same failure."""
    broken = replica(failed_in(CANONICAL, FAILURE))
    staging = [builders.observation("staging", broken), in_order(CANONICAL, "staging", broken, transcripts=())]
    found = builders.judged(usual(), in_order(), *staging, of=orders_subject()).findings
    assert [(finding.code, finding.where) for finding in found if finding.code[:3] == "EP2"] == [("EP202", "startup")]


def test_a_difference_at_another_place_is_said_of_the_canonical_boot_too() -> None:
    """Though the values are the same as where the steady boot differs."""
    steady = builders.observation("staging", replica(started_in(release="2")))
    canonical = in_order(CANONICAL, "staging", replica(started_in(release="2", version="2")))
    found = builders.judged(usual(), steady, in_order(), canonical, of=orders_subject()).findings
    assert [(finding.code, finding.where, len(finding.cases)) for finding in found] == [
        ("EP201", "report.release", 2),
        ("EP201", "report.version", 2),
    ]


@pytest.mark.parametrize("scenarios", [6, 7, 8])
def test_what_an_order_explains_is_counted_and_the_first_are_named(scenarios: int) -> None:
    """Six of them; the rest are a number."""
    names = [f"chat_{number}" for number in range(scenarios)]
    well = in_order(transcripts=tuple(conversed(scenario=name) for name in names))
    lost = in_order(TOOLS_LAST, transcripts=tuple(replace(LOST, scenario=name) for name in names))
    more = {6: "", 7: " and 1 more", 8: " and 2 more"}[scenarios]
    named = ", ".join(f"EP301 {name}" for name in names[:6])
    assert evidence_lines(only(usual(), well, lost))[-1] == f"explains {scenarios} findings more: {named}{more}"


def test_an_order_that_fails_in_one_environment_is_said_by_ep212_alone() -> None:
    """And not by EP202 as well."""
    boots = [boot for name in ("local", "staging") for boot in (usual(name), in_order(CANONICAL, name))]
    found = only(*boots, in_order(TOOLS_LAST), failing(TOOLS_LAST, "staging"))
    assert (found.code, found.environments) == ("EP212", ("staging",))


def test_differences_that_no_baseline_accounts_for_are_still_said() -> None:
    """Orders without a canonical boot: environments are compared order by order, and merged."""
    orders = (TOOLS_FIRST, TOOLS_LAST)
    canonical = [
        in_order(CANONICAL, name, failed)
        for name, failed in (
            ("local", replica(failed_in(CANONICAL, FAILURE))),
            ("staging", replica(failed_in(CANONICAL, FAILURE))),
        )
    ]
    here = [in_order(order) for order in orders]
    there = [in_order(order, "staging", replica(started_in(order, release="2"))) for order in orders]
    found = builders.judged(usual(), usual("staging"), *canonical, *here, *there, of=orders_subject()).findings
    assert [(finding.code, len(finding.cases)) for finding in found if finding.code == "EP201"] == [("EP201", 4)]


def test_warm_and_cold_boots_are_each_compared_with_their_own() -> None:
    """A cold boot is behind the ingress; a warm one is not."""
    behind = conversed(handshake(subprotocol="v2"))
    cold = [in_order(order, transcripts=(behind,), warm=False) for order in (CANONICAL, TOOLS_LAST)]
    warm = [in_order(order) for order in (CANONICAL, TOOLS_LAST)]
    assert codes(usual(), *cold, *warm) == []
    assert codes(usual(), cold[0], *warm) == []
    assert codes(usual(), cold[1], warm[0]) == ["EP213"]


def test_a_boot_with_a_dependency_down_is_no_boot_of_orders() -> None:
    """EP104 judges it."""
    boot = Boot(order=TOOLS_LAST, down=("redis",))
    assert codes(usual(), in_order(), in_order(TOOLS_LAST, boot=boot)) == ["EP104"]


def test_the_baseline_is_the_usual_boot_where_none_has_the_canonical_order() -> None:
    """It runs that order by itself."""
    assert only(usual(), failing(TOOLS_LAST)).code == "EP212"


def test_where_every_boot_was_asked_for_an_order_the_first_given_is_the_canonical_one() -> None:
    """A boot in the failing order beside one in the canonical order says the same as the whole run did."""
    assert only(in_order(), failing(TOOLS_LAST)).code == "EP212"
    found = only(in_order(), in_order(TOOLS_FIRST, transcripts=(LOST,)))
    assert (found.code, found.cases) == ("EP213", (in_order(TOOLS_FIRST).case.id,))
    for first, other in ((CANONICAL, TOOLS_LAST), (TOOLS_LAST, CANONICAL)):
        for more in ((), (in_order(first, "staging"), in_order(other, "staging"))):
            found = only(in_order(first), *more, checked(other, observed="on"))
            assert (found.code, found.cases) == ("EP211", (in_order(other).case.id,))
            assert found.expected.endswith('"off"')


def test_a_boot_whose_dependencies_come_late_runs_the_canonical_order_too() -> None:
    """Its report says which that is, whatever is given first."""
    found = only(checked(TOOLS_FIRST, observed="on"), in_order(), when_they_come(LATE))
    assert (found.code, found.cases) == ("EP211", (in_order(TOOLS_FIRST).case.id,))


def test_another_environments_graph_serves_where_one_has_no_usual_boot() -> None:
    """The graph is the backend's."""
    found = only(usual("staging"), in_order(FORBIDDEN, "local", replica(started_in())))
    assert (found.code, found.environments) == ("EP214", ("local",))


def test_a_report_that_declares_no_graph_gives_no_orders() -> None:
    """A cycle is a broken report (EP107); nothing can be said of orders."""
    report = started_in()
    report["steps"][0] = report["steps"][0] | {"requires": ["auth"]}
    boots = order_boots([builders.observation("local", replica(report)), in_order(CANONICAL, "local", replica(report))])
    assert [(boot.kind, boot.baseline is not None) for boot in boots] == [("order", True)]
    assert order_boots([builders.observation("local", replica(startup=None))]) == []


@pytest.mark.parametrize(
    ("path", "with_orders", "unused"),
    [
        ("conversation.*.nothing", False, True),
        ("conversation.chat.nothing", False, True),
        ("conversation.any_order.nothing", False, False),
        ("conversation.any_*.nothing", False, False),
        ("conversation.any_order.nothing", True, True),
        ("conversation.too_early.nothing", False, True),
    ],
)
def test_ep204_waits_for_the_scenarios_that_a_path_means(path: str, with_orders: bool, unused: bool) -> None:
    """Those of order boots only where it means no usual one; that a forbidden order was refused does not silence it."""
    of = orders_subject("local", builders.allows("staging", path))
    seen = [usual(name) for name in ("local", "staging")]
    told = refused("startup_failed:startup_order", scenario="any_order")
    for name in ("local", "staging") if with_orders else ():
        seen += [in_order(CANONICAL, name), in_order(FORBIDDEN, name, replica(refused_order()), transcripts=(told,))]
    assert builders.codes(*seen, of=of) == (["EP204"] if unused else [])


def test_forbidden_because() -> None:
    """Unknown, repeated, too early, also through steps that the order does not name; a part of the steps is allowed."""
    graph = Graph.of(REQUIRES)
    assert forbidden_because(graph, ("auth", "settings")) == "auth stands before settings, which it requires"
    assert forbidden_because(graph, ("tools", "tools")) == "tools occurs twice"
    assert forbidden_because(graph, ("tools", "other")) == "other is no step of the graph"
    for allowed in (("auth",), ("tools", "auth"), ("settings", "auth"), CANONICAL, TOOLS_LAST, ()):
        assert forbidden_because(graph, allowed) == ""


def test_part_of_the_steps_is_an_order_like_any_other() -> None:
    """A backend fills in the rest."""
    found = only(usual(), in_order(), in_order(("tools",), "local", replica(failed_in(TOOLS_FIRST, FAILURE))))
    assert (found.code, evidence_lines(found)[-3]) == ("EP212", "in the order tools")
