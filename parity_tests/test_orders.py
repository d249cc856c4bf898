"""Whatever the order in which it starts, and in which its dependencies come: the same backend, or a named failure."""

from __future__ import annotations

from itertools import permutations

import pytest

from envparity.faces.parity_run import ParityRun
from envparity.faces.reading import Closed, closes, received, types
from envparity.judge.order_boots import order_boots
from envparity.observe.record import Observation, StartupReport
from envparity.observe.transcript import Transcript
from envparity.orders.covering import verify

pytestmark = pytest.mark.parity(group="orders", orders=3)

STEPS = {
    "settings", "telemetry", "postgres", "schema", "redis", "token_revocation", "auth_service", "user_context_factory",
    "websocket_manager_factory", "event_bus", "thread_service", "tool_registry", "agent_registry", "agent_supervisor",
    "message_router", "agent_websocket_bridge", "message_handlers", "heartbeat", "connection_limits",
    "startup_validation",
}  # fmt: skip
AGENT_EVENTS = ["agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed"]
CONVERSATION = ["connection_established", *AGENT_EVENTS, "history", "pong"]
DEPENDENCY_FAILURES = {"DEPENDENCY_UNREACHABLE", "DEPENDENCY_REFUSED"}


def booted(parity: ParityRun, environment: str, *kinds: str) -> list[Observation]:
    """The boots of these kinds: canonical, order, forbidden, timeline. There are some, and all could be stood up."""
    boots = order_boots([parity.observation(environment), *parity.orders(environment)])
    chosen = [boot.observation for boot in boots if boot.kind in kinds]
    assert chosen != []
    assert [observation.launch_failure for observation in chosen if observation.launch_failure is not None] == []
    return chosen


def report_of(observation: Observation) -> StartupReport:
    """The startup report of the first replica."""
    report = observation.replicas[0].startup
    assert report is not None
    return report


def played(observation: Observation, scenario: str = "in_any_order") -> Transcript:
    """How that scenario went on this boot."""
    transcript = observation.transcript(scenario)
    assert transcript is not None, f"{scenario} was not played in {observation.case}"
    return transcript


def test_the_graph_is_the_same_everywhere(parity: ParityRun) -> None:
    """It is read from the backend's own report, has its twenty steps, and does not depend on the environment."""
    graphs = [parity.graph(name) for name in parity.environments]
    assert {*graphs[0].names} == STEPS
    assert {graph.digest for graph in graphs} == {graphs[0].digest}


def test_the_canonical_order_comes_first(parity: ParityRun, environment: str) -> None:
    """It was asked for by name, was run as asked, and everything passes in it."""
    canonical = parity.orders(environment)[0]
    assert canonical.case.boot.order == parity.graph(environment).canonical
    assert report_of(canonical).order == parity.graph(environment).canonical
    assert report_of(canonical).status == "pass"
    assert types(received(played(canonical))) == CONVERSATION


def test_the_orders_that_were_run_cover_every_three_steps(parity: ParityRun, environment: str) -> None:
    """For every three steps, every relative order that the graph allows: verified on the orders that the backend says
    that it ran, not on those that it was asked for.
    """
    seen = booted(parity, environment, "canonical", "order")
    ran = [report_of(observation).order for observation in seen]
    assert ran == [observation.case.boot.order for observation in seen]
    coverage = verify(parity.graph(environment), ran, 3)
    assert coverage.missing == coverage.illegal == ()
    assert coverage.covered == coverage.feasible > 20 * 19


def test_startup_and_conversation_are_the_same_in_every_order(parity: ParityRun, environment: str) -> None:
    """Every startup passes with the canonical report, and nobody who talks to it could tell the order."""
    parity.assert_holds(codes=("EP211", "EP212", "EP213"), environment=environment)
    for observation in booted(parity, environment, "canonical", "order"):
        assert report_of(observation).status == "pass", observation.case
        assert {step.outcome for step in report_of(observation).steps} == {"passed"}, observation.case
        assert types(received(played(observation))) == CONVERSATION, observation.case
        assert closes(played(observation)) == [Closed(1000, "", "client")], observation.case
        expired = closes(played(observation, "expired_token_in_any_order"))
        assert expired == [Closed(1008, "token_expired", "server")], observation.case


def test_a_forbidden_order_is_refused_by_name(parity: ParityRun, environment: str) -> None:
    """Nothing is run, the one failure names the order and what is wrong with it, and the process stays up to say so."""
    parity.assert_holds(codes=("EP214",), environment=environment)
    forbidden = booted(parity, environment, "forbidden")
    assert len(forbidden) == 5
    said = ""
    for observation in forbidden:
        report = report_of(observation)
        assert (report.status, report.http_status) == ("fail", 503), observation.case
        assert [(why.code, why.component) for why in report.failures] == [("ORDER_REFUSED", "startup_order")], (
            observation.case
        )
        assert {step.outcome for step in report.steps} == {"skipped"}, observation.case
        health = observation.replicas[0]
        assert health.live is not None
        assert health.ready is not None
        assert (health.live.status, health.ready.status, health.exit_code) == (200, 503, None), observation.case
        said += report.failures[0].description
    assert "'no_such_step', which is no startup step" in said
    assert "twice" in said
    assert said.count("before") == 3


def test_a_client_is_told_that_the_order_was_refused(parity: ParityRun, environment: str) -> None:
    """An error frame with what is wrong in the words of the report, then 1013 with the component, for any token."""
    for observation in booted(parity, environment, "forbidden"):
        (failure,) = report_of(observation).failures
        for scenario in ("in_any_order", "expired_token_in_any_order"):
            transcript = played(observation, scenario)
            told = [(frame["code"], frame["component"], frame["message"]) for frame in received(transcript)]
            assert told == [("startup_failed", "startup_order", failure.description)], observation.case
            assert closes(transcript) == [Closed(1013, "startup_failed:startup_order", "server")], observation.case


def test_the_dependencies_came_in_every_order(parity: ParityRun, environment: str) -> None:
    """PostgreSQL, Redis and the backend in all six, and each of the two coming, going and coming back."""
    timelines = {observation.case.boot.timeline for observation in booted(parity, environment, "timeline")}
    assert timelines == {
        *permutations(("postgres", "redis", "backend")),
        ("backend", "postgres", "-postgres", "redis", "postgres"),
        ("backend", "redis", "-redis", "postgres", "redis"),
    }


def test_whenever_the_dependencies_come_it_is_ready_in_the_end_or_says_why(parity: ParityRun, environment: str) -> None:
    """The same report and conversation as ever, or a failure that names the dependency; never 1011, never a hang."""
    parity.assert_holds(codes=("EP215",), environment=environment)
    for observation in booted(parity, environment, "timeline"):
        report, health = report_of(observation), observation.replicas[0]
        assert health.undecided_after_s is None, observation.case
        assert health.ready is not None
        if report.status == "pass":
            assert health.ready.status == 200, observation.case
            assert types(received(played(observation))) == CONVERSATION, observation.case
        else:
            assert {why.code for why in report.failures} <= DEPENDENCY_FAILURES, observation.case
            assert {why.component for why in report.failures} <= {"postgres", "redis"}, observation.case
            assert {end.code for end in closes(played(observation))} == {1013}, observation.case


def test_a_dependency_that_is_late_is_waited_for(parity: ParityRun, environment: str) -> None:
    """Half a second late is no failure, whichever comes last: every permutation ends with all steps passed."""
    comings = [
        observation
        for observation in booted(parity, environment, "timeline")
        if len(observation.case.boot.timeline) == 3
    ]
    assert len(comings) == 6
    for observation in comings:
        assert {step.outcome for step in report_of(observation).steps} == {"passed"}, observation.case


def test_who_comes_too_early_is_told_to_come_again(parity: ParityRun, environment: str) -> None:
    """While it starts: accepted, told `starting` with `retryable`, and closed with 1013."""
    parity.assert_holds(codes=("EP216",), environment=environment)
    early = [
        observation
        for observation in booted(parity, environment, "timeline")
        if observation.case.boot.unreachable_at_start
    ]
    assert len(early) == 6
    for observation in early:
        transcript = played(observation, "while_starting")
        assert closes(transcript) == [Closed(1013, "starting", "server")], observation.case
        assert [(frame["code"], frame["retryable"]) for frame in received(transcript)] == [("starting", True)], (
            observation.case
        )


def test_no_order_ends_in_1011(parity: ParityRun, environment: str) -> None:
    """1011 is for a real bug, and for nothing that an order can do."""
    ended = [
        (str(order.case), end)
        for order in parity.orders(environment)
        for transcript in order.transcripts
        for end in closes(transcript)
        if end.code == 1011
    ]
    assert ended == []


def test_nothing_stands_on_the_word_of_a_warm_boot_alone(parity: ParityRun) -> None:
    """What a fork shows and a fresh container does not is a finding of its own."""
    parity.assert_holds(codes=("EP902",))
