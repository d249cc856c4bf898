"""EP101 to EP103: every rule with an observation that breaks it and a twin that does not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from envparity.model.case import Boot
from envparity.observe.record import HttpAnswer
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import (
    DOWN,
    FAILURE,
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
    report,
    timed_out,
    transcript,
)

REDIS = {"code": "UNREACHABLE", "component": "redis", "description": "gone"}


def test_a_healthy_boot_gives_no_finding() -> None:
    """Clean is clean."""
    assert codes(observation(), observation("staging")) == []


def test_ep101_names_component_and_quotes_failure_and_what_the_client_was_told() -> None:
    """The incident: auth fails at startup, the client sees an error frame and 1013."""
    found = only(*(observation(name, replica(failed()), transcripts=(refused(),)) for name in ("local", "staging")))
    assert (found.code, found.where, found.component) == ("EP101", "auth", "auth")
    assert found.title == "startup validation failed: auth"
    assert found.environments == found.cases == ("local", "staging")
    assert (found.expected, found.got, found.action) == ("startup passes", "startup failed: FACTORY", "make it later")
    frame = '{"type": "error", "code": "FACTORY", "message": "made at import"}'
    assert evidence_lines(found) == (
        "FACTORY: made at import",
        "action: make it later",
        f"the client was told: error frame {frame}, close 1013 startup_failed:auth",
        "explains 1 finding more: EP301 chat",
    )
    assert found.replay == "envparity run --environment local,staging --only chat"


def test_ep101_gives_one_finding_a_failure_and_says_when_nobody_connected() -> None:
    """Two components that fail are two findings; the rule's own action stands in where the failure has none."""
    seen = observation("local", replica(failed(FAILURE, REDIS)), transcripts=())
    findings = judged(seen).findings
    assert [(found.where, found.code) for found in findings] == [("auth", "EP101"), ("redis", "EP101")]
    assert evidence_lines(findings[1]) == ("UNREACHABLE: gone", "no client connected")
    assert findings[1].action.startswith("Do what the quoted failure says")
    assert findings[1].replay == "envparity run --environment local"


def test_ep101_prefers_the_first_client_that_connected() -> None:
    """A forbidden origin, refused with 403, tells nothing of the startup."""
    origin = transcript(handshake(403), scenario="origin")
    found = only(observation("local", replica(failed()), transcripts=(origin, refused())))
    assert found.scenario == "chat"
    assert "close 1013" in evidence_lines(found)[2]


def test_ep101_without_a_named_failure() -> None:
    """A status of fail alone is a failure, and a broken report."""
    seen = observation("local", replica(failed(failures=[])), transcripts=(refused("startup_failed:x"),))
    findings = judged(seen).findings
    assert [(found.code, found.where) for found in findings] == [("EP101", "startup"), ("EP107", "startup report")]
    assert findings[0].got == "startup failed: no code"
    assert evidence_lines(findings[0])[0] == "The report says that startup failed, and names no failure."


def test_failures_under_a_passing_status_are_a_failure() -> None:
    """What is logged and passed over is still a failure (EP101), and the report contradicts itself (EP107)."""
    found = judged(observation("local", replica(document(failures=[FAILURE])), transcripts=(refused(),))).findings
    assert [finding.code for finding in found] == ["EP101", "EP107"]
    assert found[1].got == "status is pass, and failures names auth"


def test_a_failure_that_a_boot_asks_for_is_no_finding() -> None:
    """With a dependency down a failed startup is right, and so it is where a script that was kept awaits it."""
    told = replace(refused(), departure=None)
    assert codes(observation("local", replica(failed()), boot=DOWN, transcripts=(told,))) == []
    short = Boot(settings=(("LIMIT", "0"),))
    assert codes(observation("local", replica(failed()), boot=short, transcripts=(told,))) == []
    assert codes(observation("local", replica(failed()), boot=short, transcripts=(refused(),))) == ["EP101"]
    assert codes(observation("local", replica(failed()), boot=short, transcripts=())) == ["EP101"]
    assert codes(observation("local", replica(failed()), transcripts=(told,))) == ["EP101"]


@pytest.mark.parametrize(
    ("change", "where", "got"),
    [
        ({"live": HttpAnswer("/health/live", 503)}, "/health/live", "answers 503"),
        ({"live": HttpAnswer("/health/live", 0, "refused")}, "/health/live", "does not answer"),
        ({"ready": HttpAnswer("/health/ready", 503)}, "/health/ready", "answers 503"),
        ({"startup": replace(report(document()), http_status=503)}, "startup report", "answers 503"),
    ],
)
def test_ep102_a_code_that_contradicts_a_passing_report(change: dict[str, object], where: str, got: str) -> None:
    """Live is 200 whatever happens; ready and the report's own code are what the report says."""
    found = only(observation("local", replica(**change)))
    assert (found.code, found.where, found.got) == ("EP102", where, got)


@pytest.mark.parametrize(
    "change", [{"live": None}, {"ready": None}, {"startup": replace(report(document()), http_status=None)}]
)
def test_ep102_what_the_backend_has_not_is_not_asked_for(change: dict[str, object]) -> None:
    """A path that is not there contradicts nothing."""
    assert codes(observation("local", replica(**change))) == []


def test_ep102_ready_while_startup_failed() -> None:
    """A failed startup is not ready; with a dependency down this is EP104's to say."""
    ready = replica(failed(), ready=HttpAnswer("/health/ready", 200))
    assert codes(observation("local", ready, transcripts=(refused(),))) == ["EP101", "EP102"]
    told = replace(refused(), departure=None)
    assert codes(observation("local", ready, boot=DOWN, transcripts=(told,))) == ["EP104"]
    missing = replica(failed(), ready=HttpAnswer("/health/ready", 404))
    assert codes(observation("local", missing, boot=DOWN, transcripts=(told,))) == ["EP102"]


@pytest.mark.parametrize(
    ("script", "got"),
    [
        (refused("", 1011), 'error frame {"type": "error", "code": "FACTORY"}, close 1011'),
        (refused(error=False), "close 1013 startup_failed:auth without an error frame"),
        (
            refused("startup_failed:redis"),
            'error frame {"type": "error", "code": "FACTORY"}, close 1013 startup_failed:redis',
        ),
        (departed("timeout", handshake(), timed_out("x")), "no close"),
        (departed("handshake", handshake(502)), "handshake refused with 502"),
        (departed("handshake", handshake(0)), "no answer to the handshake"),
        (transcript(), "frame connection_established, as if all were well"),
    ],
)
def test_ep103_the_client_was_not_told(script: object, got: str) -> None:
    """Anything but an error frame and 1013 with the component's name hides the failure."""
    findings = judged(observation("local", replica(failed()), transcripts=(script,))).findings
    assert [finding.code for finding in findings] == ["EP101", "EP103"]
    assert findings[1].got == got
    assert findings[1].expected == "an error frame, then close 1013 startup_failed:auth"
    assert evidence_lines(findings[1])[0] == "auth: FACTORY: made at import"
    assert not evidence_lines(findings[1])[1].endswith("as promised)")
    assert findings[1].component == "auth"


@pytest.mark.parametrize(
    "script",
    [
        departed("frame", handshake(), received({"type": "error", "code": "FACTORY"}), close(1000, by="client")),
        departed("frame", handshake()),
        transcript(handshake(403)),
        transcript(control("restart", "redis")),
    ],
)
def test_ep103_nothing_is_said_of_a_client_that_did_not_wait(script: object) -> None:
    """A refusal of its own (403), or a client that went first, shows nothing either way."""
    seen = observation("local", replica(failed()), transcripts=(script,))
    assert "EP103" not in codes(seen)


def test_ep103_looks_at_every_connection_and_counts_them() -> None:
    """The first that was told wrongly is quoted, the others are counted; a boot with a dependency down counts too."""
    scripts = (refused(), refused("", 1011, scenario="two"), refused("", 1011, scenario="three"))
    findings = judged(observation("local", replica(failed()), boot=DOWN, transcripts=scripts)).findings
    # the conversation that was told as it should be, and yet left its script, is a finding of its own
    assert [(finding.code, finding.scenario) for finding in findings] == [("EP103", "two"), ("EP301", "chat")]
    assert findings[0].scenarios == ("three", "two")
    assert evidence_lines(findings[0])[1].endswith("(2 of 3 connections were not told as promised)")
    assert evidence_lines(findings[0])[2] == "explains 2 findings more: EP305 two, EP305 three"


def test_ep103_a_replica_that_started_may_have_answered() -> None:
    """Behind an ingress only a failure of all replicas must reach every client."""
    seen = observation("local", replica(failed()), replica(), transcripts=(transcript(),))
    assert codes(seen, of=project("local")) == ["EP101"]
    assert "EP103" in codes(observation("local", replica(failed()), replica(failed()), transcripts=(transcript(),)))


def test_ep103_without_a_named_component_any_component_will_do() -> None:
    """A report that names none cannot say which to expect."""
    nameless = replica(failed(failures=[]))
    assert codes(
        observation("local", nameless, boot=DOWN, transcripts=(replace(refused("startup_failed:x"), departure=None),))
    ) == ["EP107"]
    hidden = judged(observation("local", nameless, boot=DOWN, transcripts=(replace(refused("sorry"), departure=None),)))
    assert [(finding.code, finding.where) for finding in hidden.findings] == [
        ("EP103", "startup"),
        ("EP107", "startup report"),
    ]
    assert hidden.findings[0].expected == "an error frame, then close 1013 startup_failed:<component>"
