"""EP215 and EP216: dependencies that come one after the other; what breaks each rule, and a twin that does not."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from envparity.judge import Finding
from envparity.observe.record import HttpAnswer, Observation, Replica
from envparity.report.wording import evidence_lines
from tests.envparity.judge import builders
from tests.envparity.judge.builders import close, departed, handshake, received, refused, replica, transcript
from tests.envparity.judge.order_builders import (
    CANONICAL,
    FORBIDDEN,
    IN_TIME,
    LATE,
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

LATER = ("backend", "redis", "postgres")
GONE_AGAIN = ("postgres", "redis", "backend", "-redis", "redis")
WAITED = {"code": "UNREACHABLE", "component": "redis", "description": "out of time"}
LOST = departed("frame", handshake(), received({"type": "oops"}), scenario="any_order", got="oops")
WELL = (usual(), in_order())


def codes(*observations: Observation) -> list[str]:
    return builders.codes(*observations, of=orders_project())


def only(*observations: Observation) -> Finding:
    return builders.only(*observations, of=orders_project())


def fails(*failures: dict[str, Any]) -> Replica:
    return replica(failed_in(CANONICAL, *failures, step="redis"))


def told_too_early(**changes: Any) -> Any:
    return transcript(
        handshake(),
        received({"type": "error", "code": "starting"}),
        close(1013, "starting"),
        **{"scenario": "too_early", **changes},
    )


def test_dependencies_that_are_late_change_nothing() -> None:
    """Ready in the end, with the same report but for how long was waited; told 1013 while it started."""
    report = started_in()
    report["steps"][1] = report["steps"][1] | {"attempts": 7, "waited_for": "redis", "duration_ms": 900.0}
    late = [
        when_they_come(timeline, "local", replica(report), transcripts=(told_too_early(), conversed()))
        for timeline in (LATE, LATER, IN_TIME, GONE_AGAIN)
    ]
    assert codes(*WELL, *late) == []


def test_ep215_a_report_that_differs() -> None:
    """Merged over sequences and environments, with the two first as evidence."""
    half = replica(started_in(checks={}))
    boots = [when_they_come(timeline, "local", half) for timeline in (LATE, LATER, IN_TIME)]
    staging = (usual("staging"), in_order(CANONICAL, "staging"), when_they_come(LATE, "staging"))
    found = only(*WELL, *boots, *staging)
    assert (found.code, found.where) == ("EP215", "report.checks")
    assert found.title == "dependency order matters"
    assert (found.environments, len(found.cases)) == (("local",), 3)
    assert tuple(line for line in evidence_lines(found) if not line.startswith(("report.", "also "))) == (
        "when they come so: backend, redis, postgres",
        "when they come so: postgres, backend, redis",
        "local: 3 of 3 sequences of dependencies show it",
    )
    assert found.replay == "envparity run --environment local --only any_order --orders 3"


def test_ep215_a_conversation_that_departs() -> None:
    """Startup says that it passed, and the clients see that it has not."""
    found = only(*WELL, when_they_come(LATE, transcripts=(LOST,)))
    assert (found.code, found.where, found.scenario, found.got) == ("EP215", "any_order", "any_order", "oops")
    assert evidence_lines(found)[-1] == "explains 1 finding more: EP301 any_order"


def test_ep215_readiness_that_never_comes() -> None:
    """Startup passed; the readiness path says otherwise, as it does not in the canonical order."""
    unready = replica(started_in(), ready=HttpAnswer("/health/ready", 503))
    found = only(*WELL, when_they_come(LATE, "local", unready, replica(started_in(), index=1)))
    assert (found.code, found.where) == ("EP215", "/health/ready")
    assert found.got == "startup says pass, and /health/ready answers 503"
    assert evidence_lines(found)[-1] == "explains 1 finding more: EP102 /health/ready"
    always = in_order(CANONICAL, "local", unready)
    assert codes(usual(), always, when_they_come(LATE, "local", unready)) == ["EP102"]
    assert codes(when_they_come(LATE, "local", unready)) == ["EP102"]


def test_ep215_readiness_that_nobody_asks() -> None:
    """A backend may have no such path."""
    silent = replica(started_in(), ready=None)
    assert codes(usual(), in_order(CANONICAL, "local", silent), when_they_come(LATE, "local", silent)) == []
    assert codes(*WELL, when_they_come(LATE, "local", silent)) == []


def test_ep215_a_hang_names_what_is_waited_for() -> None:
    """Undecided at the deadline."""
    report = started_in(status="starting")
    report["steps"][1] = report["steps"][1] | {"outcome": "running", "waited_for": "redis"}
    found = only(*WELL, when_they_come(LATE, "local", replica(report, undecided_after_s=30.0), transcripts=()))
    assert (found.code, found.where, found.component) == ("EP215", "redis", "redis")
    assert found.expected == "ready in the end as in the canonical order, or a failure with component and code"
    assert found.got == "still starting, waiting for redis"
    assert evidence_lines(found)[:2] == ("after 30 s", "last words")
    assert evidence_lines(found)[-1] == "explains 1 finding more: EP106 redis"


def test_ep215_a_hang_is_one_whatever_the_canonical_boot_is_not_known() -> None:
    """No baseline is needed to see it; to see a difference it is."""
    hung = replica(started_in(status="starting"), undecided_after_s=30.0)
    late = when_they_come(LATE, "local", hung, transcripts=())
    assert codes(late) == ["EP215"]
    assert codes(when_they_come(LATE, "local", replica(started_in(release="2")), transcripts=(LOST,))) == ["EP301"]


def test_ep215_a_process_that_ends() -> None:
    """Even if it named a failure before: it must stay up and say why."""
    gone = replica(failed_in(CANONICAL, WAITED, step="redis"), exit_code=1)
    found = only(*WELL, when_they_come(LATE, "local", gone, transcripts=()))
    assert (found.code, found.where, found.got) == ("EP215", "startup", "the process ended with exit code 1")
    assert evidence_lines(found)[:2] == ("redis: UNREACHABLE: out of time", "last words")
    assert found.expected.endswith("or a failure with component and code")


@pytest.mark.parametrize("timeline", [LATE, LATER, GONE_AGAIN])
def test_a_failure_by_name_is_an_answer_where_something_was_out_of_reach(timeline: tuple[str, ...]) -> None:
    """Neither the failure nor the conversations that it ended are reported, nor that another environment passes."""
    for told in ((refused("startup_failed:redis", scenario="any_order"),), ()):
        late = when_they_come(timeline, "local", fails(WAITED), transcripts=told)
        assert codes(*WELL, late) == []
        assert (
            codes(*WELL, usual("staging"), in_order(CANONICAL, "staging"), when_they_come(timeline, "staging"), late)
            == []
        )


@pytest.mark.parametrize(
    ("component", "scenario", "expected"),
    [("auth", "chat", ["EP101"]), ("redis", "chat", []), ("auth", "any_order", [])],
    ids=["what was there", "what came late", "of the orders"],
)
def test_what_a_scenario_expects_to_start_and_was_not_out_of_reach_is_no_answer(
    component: str, scenario: str, expected: list[str]
) -> None:
    """A scenario that has the dependencies come late says how that ends; the scenarios of the orders leave it open."""
    failure = WAITED | {"component": component}
    told = refused(f"startup_failed:{component}", scenario=scenario)
    assert codes(when_they_come(LATE, "local", fails(failure), transcripts=(told,))) == expected


def test_a_failure_by_name_is_still_to_be_told_as_promised() -> None:
    """1011 hides it, and is EP103 as ever; who came while it started could not be told yet."""
    hidden = departed("close", handshake(), close(1011, "oops"), scenario="any_order")
    late = when_they_come(LATE, "local", fails(WAITED), transcripts=(told_too_early(), hidden))
    found = only(*WELL, late)
    assert (found.code, found.component) == ("EP103", "redis")
    rightly = refused("startup_failed:redis", scenario="any_order")
    assert codes(*WELL, when_they_come(LATE, "local", fails(WAITED), transcripts=(told_too_early(), rightly))) == []


@pytest.mark.parametrize("failure", [{"component": "redis"}, {"code": "UNREACHABLE"}, {}])
def test_ep215_a_failure_without_a_name(failure: dict[str, Any]) -> None:
    """Component and code are both needed, of every failure."""
    told = (refused("startup_failed:redis", scenario="any_order"),)
    late = when_they_come(LATE, "local", fails(failure | {"description": "broken"}, WAITED), transcripts=told)
    found = only(*WELL, late)
    assert (found.code, found.component) == ("EP215", failure.get("component"))
    assert found.expected.endswith("or a failure with component and code")


def test_ep215_a_failure_by_name_where_nothing_was_out_of_reach() -> None:
    """Everything was there before the backend started."""
    told = (refused("startup_failed:redis", scenario="any_order"),)
    found = only(*WELL, when_they_come(IN_TIME, "local", fails(WAITED), transcripts=told))
    assert (found.code, found.where, found.component) == ("EP215", "redis", "redis")
    assert found.expected.endswith("nothing was out of reach once the backend had started")
    assert found.got == "fails: redis UNREACHABLE"
    assert evidence_lines(found)[0] == "redis: UNREACHABLE: out of time"


def test_what_the_canonical_boot_shows_too_is_not_the_dependencies_doing() -> None:
    """It fails whoever comes first: one finding about the startup."""
    broken = replica(failed_in(CANONICAL, WAITED, step="redis"))
    told = (refused("startup_failed:redis", scenario="any_order"),)
    boots = [in_order(CANONICAL, "local", broken, transcripts=told)]
    boots += [when_they_come(timeline, "local", broken, transcripts=told) for timeline in (LATE, IN_TIME)]
    found = only(usual(), *boots)
    assert (found.code, found.cases) == ("EP101", (boots[0].case.id,))


def test_an_order_and_a_timeline_together_are_judged_by_the_timeline() -> None:
    """Unless the order is forbidden, in which case refusing it is what must be."""
    both = when_they_come(LATE, "local", replica(started_in(TOOLS_LAST)))
    asked = replace(both, case=replace(both.case, boot=replace(both.case.boot, order=TOOLS_LAST)))
    assert codes(*WELL, asked) == []
    broken = replace(asked, transcripts=(LOST,))
    found = only(*WELL, broken)
    assert found.code == "EP215"
    assert "in the order settings, redis, auth, tools; when they come so: postgres, backend, redis" in evidence_lines(
        found
    )
    refusal = replace(both, case=replace(both.case, boot=replace(both.case.boot, order=FORBIDDEN)))
    told = (refused("startup_failed:startup_order", scenario="any_order"),)
    assert codes(*WELL, replace(refusal, replicas=(replica(refused_order()),), transcripts=told)) == []


def test_timelines_are_not_compared_between_environments() -> None:
    """What comes of them is a matter of moments; each is held against its own canonical boot."""
    boots = [boot for name in ("local", "staging") for boot in (usual(name), in_order(CANONICAL, name))]
    early = transcript(
        handshake(), received({"type": "error", "code": "soon"}), close(1013, "soon"), scenario="too_early"
    )
    observation = when_they_come(LATE, "local", transcripts=(conversed(), told_too_early()))
    other = when_they_come(LATE, "staging", transcripts=(conversed(), early))
    assert codes(*boots, observation, other) == []


def test_ep216_a_client_that_is_served_before_the_backend_is_ready() -> None:
    """The departure itself, or a 1011 in it, is not reported beside it; the rest of the boot is judged as ever."""
    served = departed("frame", handshake(), close(1011, "oops"), scenario="too_early", got="close 1011 'oops'")
    boots = [when_they_come(timeline, "local", transcripts=(served, conversed())) for timeline in (LATE, LATER)]
    well = when_they_come(GONE_AGAIN, transcripts=(told_too_early(), conversed()))
    found = only(*WELL, *boots, well, when_they_come(IN_TIME))
    assert (found.code, found.where, found.scenario) == ("EP216", "too_early", "too_early")
    assert found.title == "served before ready"
    assert (found.expected, found.got) == ("connection_established", "close 1011 'oops'")
    assert evidence_lines(found) == (
        "step 2, after:",
        "handshake 101, subprotocol v1",
        "close 1011 oops by the server",
        "last words",
        "when they come so: backend, redis, postgres",
        "when they come so: postgres, backend, redis",
        "local: 2 of 3 boots that still waited for something show it",
        "explains 1 finding more: EP305 too_early",
    )


def test_ep216_and_the_end_of_the_same_boot_are_two_findings() -> None:
    """Whatever else: each says its own."""
    served = departed("frame", handshake(), received({"type": "hello"}), scenario="too_early", got="hello")
    both = builders.judged(*WELL, when_they_come(LATE, transcripts=(served, LOST)), of=orders_project()).findings
    assert [(finding.code, evidence_lines(finding)[-1]) for finding in both] == [
        ("EP215", "explains 1 finding more: EP301 any_order"),
        ("EP216", "explains 1 finding more: EP301 too_early"),
    ]
    other = transcript(handshake(), received({"type": "x"}, violations=("no such type",)), scenario="other")
    unready = replica(started_in(), live=HttpAnswer("/health/live", 500))
    apart = when_they_come(LATE, "local", unready, transcripts=(served, other))
    assert codes(*WELL, apart) == ["EP102", "EP216", "EP304"]
    named = when_they_come(LATE, "local", fails(WAITED), transcripts=(served,))
    assert codes(*WELL, named) == ["EP216"]


def test_a_client_that_came_too_early_is_not_a_baseline() -> None:
    """What it is told depends on the moment, so no other boot is held against it."""
    early = told_too_early()
    late = transcript(
        handshake(), received({"type": "error", "code": "soon"}), close(1013, "soon"), scenario="too_early"
    )
    boots = (usual(), in_order(transcripts=(early, conversed())), in_order(TOOLS_LAST, transcripts=(late, conversed())))
    assert codes(*boots) == []
