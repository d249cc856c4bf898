"""What is not known of an attached environment is no finding; what is seen of it is judged by the same rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from envparity.model.deployment import Deployed
from envparity.model.environment import Environment
from envparity.observe.record import Attached, Observation
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import (
    STEADY,
    allows,
    codes,
    departed,
    document,
    failed,
    observation,
    only,
    project,
    replica,
)

URL = "wss://api.staging.example/ws"
SETTING = {"name": "LIMIT", "source": "environment", "secret": False, "value": 30}


def attached(served: Any = None, **changes: Any) -> Observation:
    """Staging, observed where it runs: no settings, no log."""
    of_it = replica(served, log=())
    seen = observation("staging", of_it, boot=STEADY, launcher="attached", settings=(), attached=Attached(URL))
    return msgspec.structs.replace(seen, **changes)


def test_settings_that_are_not_known_are_not_missing() -> None:
    """Those that were given to it nobody knows."""
    assert codes(observation(), attached()) == []


@pytest.mark.parametrize(
    "settings",
    [[], [SETTING | {"source": "default"}], [SETTING, SETTING | {"name": "MORE"}]],
    ids=["none is reported", "another source", "one more"],
)
def test_what_it_reports_of_its_settings_is_no_list_of_them(settings: list[dict[str, Any]]) -> None:
    """One that is not there, or comes from elsewhere, is for whoever deployed it to know."""
    assert codes(observation(), attached(document(settings=settings))) == []


def test_a_value_that_it_reports_is_compared() -> None:
    """The backend itself says that it has another."""
    finding = only(observation(), attached(document(settings=[SETTING | {"value": 99}])))
    assert (finding.code, finding.where) == ("EP203", "LIMIT")


def test_another_release_is_no_difference() -> None:
    """What is deployed is what was deployed last, by whatever name its report has for that."""
    release = {"name": "RELEASE", "source": "environment", "secret": False, "value": "2"}
    ours = document(release="1", releaseId="1", settings=[SETTING, release | {"value": "1"}])
    theirs = document(release="2", releaseId="2", settings=[SETTING, release])
    assert codes(observation("local", replica(ours)), attached(theirs)) == []
    assert codes(observation("local", replica(ours)), observation("staging", replica(theirs))) != []


def test_what_else_differs_in_its_report_is_a_finding() -> None:
    """As between containers."""
    other = document(checks={"redis:tls": [{"component": "redis", "critical": False, "status": "pass"}]})
    assert codes(observation(), attached(other)) == ["EP201"]


def test_a_report_that_it_does_not_show_is_none_that_is_missing() -> None:
    """Ready, and yet without a report: not everybody may read it."""
    hidden = msgspec.structs.replace(replica(), startup=None, log=())
    assert codes(observation(), attached(replicas=(hidden,))) == []


def test_a_startup_that_failed_there_is_a_finding() -> None:
    """In its report, as anywhere."""
    assert "EP101" in codes(observation(), attached(failed()))


def test_a_declaration_is_not_unused_because_nothing_differs_there() -> None:
    """What is deployed may be another release than the one that the file is for."""
    of = project("local", allows("staging", "report.checks.*"))
    assert "EP204" in codes(observation(), observation("staging"), of=of)
    assert codes(observation(), attached(), of=of) == []


def test_what_could_not_be_reached_is_one_finding() -> None:
    """Not that it could not be stood up: nobody tried."""
    why = "the certificate is not accepted: certificate has expired\ncertificate for api.staging.example"
    finding = only(observation(), attached(launch_failure=why, transcripts=(), replicas=()))
    assert (finding.code, finding.got) == ("EP903", "the certificate is not accepted: certificate has expired")
    assert evidence_lines(finding) == ("certificate for api.staging.example",)


def test_what_was_lost_explains_the_conversation_that_was_under_way() -> None:
    """One root, one finding."""
    cut = departed("timeout", got="nothing within 5 s")
    lost = attached(transcripts=(cut,), attached=Attached(URL, lost="Connection refused", unplayed=7))
    finding = only(observation(), lost)
    assert (finding.code, finding.got) == ("EP903", "lost in scenario 1: Connection refused")
    assert finding.scenarios == ("chat",)


@pytest.mark.parametrize(
    ("own", "options"),
    [(URL, "--attach staging"), (None, f"--attach staging={URL} --confirm-target api.staging.example")],
    ids=["named in its file", "confirmed"],
)
def test_a_finding_is_replayed_attached(own: str | None, options: str) -> None:
    """By the name alone where the file has the URL."""
    staging = Environment("staging", deployed=Deployed(own) if own else None)
    of = replace(project("local", staging), attached={"staging": Deployed(URL)})
    finding = only(observation(), attached(transcripts=(departed("frame"),)), of=of)
    assert finding.replay == f"envparity run --environment staging --only chat {options}"
