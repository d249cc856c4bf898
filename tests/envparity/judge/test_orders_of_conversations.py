"""EP213 and EP214: orders that change conversations, and orders that the graph forbids."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import close, departed, handshake, received, refused, replica
from tests.envparity.judge.order_builders import (
    CANONICAL,
    FORBIDDEN,
    TOOLS_FIRST,
    TOOLS_LAST,
    conversed,
    failed_in,
    in_order,
    refused_order,
    started_in,
    usual,
)
from tests.envparity.judge.order_findings import FAILURE, LOST, codes, only


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
