"""EP104 to EP107: starts without a dependency, that end, or of which nobody can say how they ended."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from envparity.judge import findings_for
from envparity.model.case import Boot
from envparity.model.environment import Dependency, Environment
from envparity.observe.record import HttpAnswer, Replica
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import (
    BACKEND,
    DOWN,
    WELCOME,
    close,
    codes,
    control,
    departed,
    document,
    failed,
    handshake,
    judged,
    observation,
    only,
    project,
    received,
    refused,
    replica,
    timed_out,
    transcript,
)


@pytest.mark.parametrize(
    ("boot", "replica", "got"),
    [
        (DOWN, replica(), "startup says pass and /health/ready answers 200"),
        (DOWN, replica(ready=None), "startup says pass"),
        (DOWN, replica(startup=None, live=None), "/health/ready answers 200"),
    ],
)
def test_ep104_up_without_a_dependency(boot: Boot, replica: Replica, got: str) -> None:
    """Neither report nor readiness may say that all is well; departures of that boot follow from it."""
    script = departed("frame", handshake(), received(WELCOME))
    backend = replace(BACKEND, health=replace(BACKEND.health, startup=None))
    found = only(observation("local", replica, boot=boot, transcripts=(script,)), of=project(backend=backend))
    assert (found.code, found.where, found.got, found.component) == ("EP104", "postgres", got, "postgres")
    assert found.scenarios == ("chat",)


@pytest.mark.parametrize(("kind", "told"), [("identity-provider", []), ("redis", ["EP104"]), ("of-nobody", ["EP104"])])
def test_ep104_is_not_of_what_need_not_be_there_at_the_start(kind: str, told: list[str]) -> None:
    """A backend may ask its identity provider when there is a token to check."""
    environment = Environment("local", dependencies={"postgres": Dependency(kind)})
    found = judged(observation("local", replica(), boot=DOWN), of=project(environment)).findings
    assert [finding.code for finding in found] == told


def test_ep104_has_the_contradictions_of_its_boot_as_evidence() -> None:
    """What a report that passes over a failure gets wrong besides is no finding of its own: one root, one finding."""
    steps = [step | {"outcome": "failed" if step["name"] == "redis" else "passed"} for step in document()["steps"]]
    broken = replica(document(steps=steps[:2]), ready=HttpAnswer("/health/ready", 500))
    found, other = judged(observation("local", broken, boot=DOWN, transcripts=(refused(),))).findings
    assert (found.code, other.code) == ("EP104", "EP107")
    assert evidence_lines(found)[:2] == ("status is pass, and step redis is failed", "/health/ready answers 500")
    assert evidence_lines(found)[2].startswith("the client was told: error frame")
    assert other.got == "order has auth, which is none of the steps"


def test_ep104_holds_only_where_a_dependency_is_down() -> None:
    """A boot with a failed startup, or with everything up, is right."""
    told = replace(refused(), departure=None)
    assert codes(observation("local", replica(failed()), boot=DOWN, transcripts=(told,))) == []
    assert codes(observation("local", boot=Boot(settings=(("A", "1"),)))) == []


@pytest.mark.parametrize(
    ("change", "got"),
    [
        ({"exit_code": 1}, "ended with exit code 1"),
        ({"exit_code": 137, "oom_killed": True}, "killed for want of memory, exit code 137"),
        ({"oom_killed": True}, "killed for want of memory, no exit code"),
        ({"exit_code": 0}, "ended with exit code 0"),
    ],
)
def test_ep105_the_process_is_gone(change: dict[str, object], got: str) -> None:
    """With its log tail; nothing else is said of a process that does not run."""
    gone = replica(live=HttpAnswer("/health/live", 0), startup=None, undecided_after_s=3.0, **change)
    script = departed("handshake", handshake(0))
    found = only(observation("local", gone, transcripts=(script,)))
    assert (found.code, found.got) == ("EP105", got)
    assert evidence_lines(found) == ("last words", "explains 1 finding more: EP302 chat")
    silent = only(observation("local", replace(gone, log=()), transcripts=()))
    assert evidence_lines(silent) == ("the log is empty",)


def test_ep105_a_replica_that_a_script_stopped_may_be_gone() -> None:
    """One stop excuses one replica that ended cleanly, unless it was started again."""
    stopped = transcript(handshake(), control("stop_replica"), control("stopped", exit_code=0))
    again = transcript(handshake(), control("stop_replica"), control("start_replica"))
    gone, other = replica(exit_code=143), replica(index=1)
    assert codes(observation("local", gone, other, transcripts=(stopped,))) == []
    assert codes(observation("local", gone, other, transcripts=(again,))) == ["EP105"]
    assert codes(observation("local", gone, other)) == ["EP105"]
    assert codes(observation("local", gone, replica(index=1, exit_code=0), transcripts=(stopped,))) == ["EP105"]
    assert codes(observation("local", replica(exit_code=0, oom_killed=True), transcripts=(stopped,))) == ["EP105"]
    assert codes(observation("local", replica(exit_code=2), transcripts=(stopped,))) == ["EP105"]


def test_ep106_says_what_startup_waits_for() -> None:
    """The step that has not ended, and the end of the log."""
    steps = document()["steps"]
    steps[1] = steps[1] | {"outcome": "running", "waited_for": "redis"}
    steps[2] = steps[2] | {"outcome": "pending"}
    slow = replica(document(status="starting", steps=steps), undecided_after_s=30.0)
    hung = departed("timeout", handshake(), timed_out("x"))
    found = only(observation("local", slow, transcripts=(hung,)))
    assert (found.code, found.got, found.component) == ("EP106", "still starting, waiting for redis", "redis")
    assert evidence_lines(found)[:4] == (
        "after 30 s",
        "step redis running, waits for redis",
        "step auth pending",
        "last words",
    )


def test_ep106_when_nothing_answers() -> None:
    """Without a report there is only the log to show; once decided there is nothing to say."""
    silent = Replica(0, live=HttpAnswer("/health/live", 0), undecided_after_s=30.0)
    found = judged(observation("local", silent, transcripts=())).findings
    assert [(finding.code, finding.got) for finding in found] == [
        ("EP102", "does not answer"),
        ("EP106", "no startup report"),
    ]
    assert codes(observation("local", replica(document(status="starting", steps=[])), transcripts=())) == []


def test_ep107_a_report_that_is_missing_although_the_process_answers() -> None:
    """It would never be decided; that is one finding, not two."""
    found = only(observation("local", replica(startup=None, undecided_after_s=30.0), transcripts=()))
    assert (found.code, found.got) == ("EP107", "/health/startup gives none, although the process answers")
    backend = replace(BACKEND, health=replace(BACKEND.health, startup=None))
    assert codes(observation("local", replica(startup=None)), of=project(backend=backend)) == []


def test_ep107_a_report_that_cannot_be_read() -> None:
    """What the reader could not make out is quoted; nothing is concluded from the rest."""
    found = only(observation("local", replica("<html>", ready=HttpAnswer("/health/ready", 200), undecided_after_s=9.0)))
    assert (found.code, found.got) == ("EP107", "the startup report is no JSON object but '<html>'")


def test_findings_for_a_scenario_include_the_startup_failure_that_took_it_down() -> None:
    """A test of one scenario is red although its departure was folded away."""
    judgement = judged(observation("staging", replica(failed()), transcripts=(refused(), refused(scenario="other"))))
    assert [finding.code for finding in findings_for(judgement, scenario="other")] == ["EP101"]
    assert findings_for(judgement, scenario="none") == ()
    assert [finding.code for finding in findings_for(judgement, environment="staging", codes=["EP1"])] == ["EP101"]
    assert findings_for(judgement, environment="local") == ()
    assert findings_for(judgement, codes=["EP2", "EP102"]) == ()
    assert findings_for(judgement) == judgement.findings


def test_ep103_tells_a_frame_by_the_field_that_the_backend_names_it_with() -> None:
    """What the frame is stays in the words of the finding; its wording does not."""
    backend = replace(BACKEND, frame_type="kind", error_type="problem", startup_refusal="startup_failed:{component}")
    frame = received({"kind": "problem", "code": "FACTORY", "message": "made at import"})
    script = departed("close", handshake(), frame, close(1011))
    seen = observation("local", replica(failed()), transcripts=(script,))
    found = judged(seen, of=project("local", backend=backend)).findings
    hidden = next(finding for finding in found if "close 1011" in finding.got)
    assert '"kind": "problem"' in hidden.got
    assert "made at import" not in hidden.got


def test_a_log_that_says_passed_and_a_port_that_never_listens_is_an_undecided_start() -> None:
    """And the finding says which of the two is missing."""
    deaf = replica(undecided_after_s=30.0, listening=False)
    waiting = replica(document(status="starting"), undecided_after_s=30.0, listening=False)
    told = [only(observation("local", replica, transcripts=())).got for replica in (deaf, waiting)]
    assert "port" in told[0]
    assert "port" not in told[1]
