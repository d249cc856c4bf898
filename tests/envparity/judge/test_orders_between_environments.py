"""Boots in orders beside others: environments, the baseline, and which boot has the canonical order."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from envparity.judge.order_boots import forbidden_because, order_boots
from envparity.model.case import Boot
from envparity.orders.graph import Graph
from envparity.report.wording import evidence_lines
from tests.envparity.judge import builders
from tests.envparity.judge.builders import handshake, refused, replica
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
    orders_project,
    refused_order,
    started_in,
    usual,
    when_they_come,
)
from tests.envparity.judge.order_findings import FAILURE, LOST, checked, codes, failing, only


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
    found = builders.judged(usual(), in_order(), *staging, of=orders_project()).findings
    assert [(finding.code, finding.where) for finding in found if finding.code[:3] == "EP2"] == [("EP202", "startup")]


def test_a_difference_at_another_place_is_said_of_the_canonical_boot_too() -> None:
    """Though the values are the same as where the steady boot differs."""
    steady = builders.observation("staging", replica(started_in(release="2")))
    canonical = in_order(CANONICAL, "staging", replica(started_in(release="2", version="2")))
    found = builders.judged(usual(), steady, in_order(), canonical, of=orders_project()).findings
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
    found = builders.judged(usual(), usual("staging"), *canonical, *here, *there, of=orders_project()).findings
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
    of = orders_project("local", builders.allows("staging", path))
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
