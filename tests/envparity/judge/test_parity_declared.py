"""EP203 to EP205: settings that differ, and what was declared to differ."""

from __future__ import annotations

import datetime as dt

import pytest
from msgspec.structs import replace

from envparity.model.environment import Environment, FromSource, Platform, SecretOf, Setting
from envparity.model.scenario import Scenario
from envparity.observe.record import HttpAnswer, Observation, SettingFingerprint
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import (
    BACKEND,
    DOWN,
    allows,
    codes,
    departed,
    document,
    failed,
    judged,
    observation,
    only,
    project,
    refused,
    replica,
)


def setting(name: str = "LIMIT", value: str | None = "30", source: str = "environment file") -> SettingFingerprint:
    return SettingFingerprint(name, source, f"{hash(value)}", value)


@pytest.mark.parametrize(
    ("settings", "where", "got"),
    [
        ((setting(value="60"),), "LIMIT", 'value "60"'),
        ((setting(source="default"),), "LIMIT", 'source "default"'),
        ((setting(value="60", source="default"),), "LIMIT", 'value "60", and 1 more'),
        ((setting(), setting("EXTRA", None, "secret")), "EXTRA", 'source "secret"'),
    ],
)
def test_ep203_a_setting_that_differs(settings: tuple[SettingFingerprint, ...], where: str, got: str) -> None:
    """In value, in source, or in being there at all."""
    found = only(observation("local"), observation("staging", settings=settings))
    assert (found.code, found.where, evidence_lines(found)[0].split(".")[0]) == ("EP203", where, "fingerprints")
    assert found.got.removeprefix(f"fingerprints.{where}.") == got


def test_ep203_what_the_backend_reports_of_its_settings() -> None:
    """Given and reported are one finding for a setting."""
    served = document(settings=[{"name": "LIMIT", "source": "environment", "secret": False, "value": 60}])
    found = judged(observation("local"), observation("staging", replica(served), settings=(setting(value="60"),)))
    assert [(finding.code, finding.where) for finding in found.findings] == [("EP203", "LIMIT")]
    assert len(evidence_lines(found.findings[0])) == 2


def test_ep203_secrets_differ_only_in_presence_and_source() -> None:
    """Their hashes are of no run but their own; a launcher that sees no settings shows no difference."""
    first, other = (observation(name, settings=(setting("KEY", None, "secret"),)) for name in ("local", "staging"))
    other = replace(other, settings=(replace(other.settings[0], fingerprint="other"),))
    assert codes(first, other) == []
    assert codes(first, replace(other, settings=(setting("KEY", None, "file"),))) == ["EP203"]
    assert codes(first, replace(other, settings=())) == []


def test_ep203_values_that_only_the_launcher_knows_are_not_compared() -> None:
    """Ports, addresses and networks are made anew for every run; that one environment has them made still shows."""

    def booted(name: str, network: str, port: int) -> Observation:
        served = document(
            settings=[
                {"name": "NET", "source": "environment", "secret": False, "value": network},
                {"name": "PORT", "source": "environment", "secret": False, "value": port},
                {"name": "KEY", "source": "environment", "secret": True, "value": None},
                {"name": "LEAK", "source": "environment", "secret": True, "value": network},
            ]
        )
        given = (setting("NET", network, "ingress.network"), setting("PORT", str(port), "platform"))
        return observation(name, replica(served), settings=given)

    made: dict[str, Setting] = {"NET": FromSource("ingress.network"), "KEY": SecretOf(32)}
    here, there = Environment(name="local", settings=made), Environment(name="staging", settings=made)
    first, other = booted("local", "10.0.0.0/8", 8000), booted("staging", "172.16.0.0/12", 8080)
    assert codes(first, other, of=project(here, there)) == []
    plain = Environment(name="staging", settings={"NET": "172.16.0.0/12"}, platform=Platform(port_setting="OTHER"))
    found = judged(first, other, of=project(here, plain)).findings
    assert [finding.where for finding in found] == ["NET", "PORT"]


def test_ep204_a_declaration_that_covers_nothing() -> None:
    """Said of either side, and only after a whole run."""
    first, other = observation("local"), observation("staging")
    stale = project("local", allows("staging", "report.release"))
    found = only(first, other, of=stale)
    assert (found.code, found.where) == ("EP204", "staging: report.release")
    assert found.environments == ("staging",)
    assert evidence_lines(found) == ("declared because: meant",)
    assert found.replay == "envparity run --environment local,staging"
    assert codes(first, other, of=project(allows("local", "report.release"), "staging")) == ["EP204"]
    assert codes(other, of=stale) == []
    assert codes(first, replace(other, case=replace(other.case, boot=DOWN), transcripts=()), of=stale) == ["EP104"]


@pytest.mark.parametrize("path", ["report.release", "fingerprints.A.*", "conversation.chat.*", "*.A.value"])
@pytest.mark.parametrize(
    "broken",
    [
        observation("staging", replica(failed()), transcripts=(refused(),)),
        observation("staging", replica(startup=None, exit_code=1), transcripts=()),
        observation("staging", replica(document(status="starting"), ready=HttpAnswer("/r", 503)), transcripts=()),
        observation("staging", launch_failure="no disk"),
    ],
)
def test_ep204_says_nothing_where_not_all_was_seen(path: str, broken: Observation) -> None:
    """What was not compared cannot be said to be the same."""
    assert "EP204" not in codes(observation("local"), broken, of=project("local", allows("staging", path)))


def test_ep204_conversations_must_all_have_been_played_to_their_end() -> None:
    """A run of some scenarios, or with a departure, does not judge declarations about conversations."""
    first, other = observation("local"), observation("staging")
    backend = replace(BACKEND, scenarios=(Scenario("chat"), Scenario("other")))
    envs = ("local", allows("staging", "conversation.*", "report.release"))
    unused = ["staging: conversation.*", "staging: report.release"]
    assert [finding.where for finding in judged(first, other, of=project(*envs)).findings] == unused
    assert [finding.where for finding in judged(first, other, of=project(*envs, backend=backend)).findings] == unused[
        1:
    ]
    left = observation("staging", transcripts=(departed("frame"),))
    assert codes(first, left, of=project(*envs)) == ["EP204", "EP301"]


def test_ep204_settings_must_have_been_seen() -> None:
    """A launcher that sees no settings cannot say that none differs."""
    unseen = [observation(name, settings=()) for name in ("local", "staging")]
    envs = project("local", allows("staging", "fingerprints.A.*", "*.B", "report.release"))
    assert [finding.where for finding in judged(*unseen, of=envs).findings] == ["staging: report.release"]
    half = [observation("local"), unseen[1]]
    assert [finding.where for finding in judged(*half, of=envs).findings] == ["staging: report.release"]


def test_ep204_environments_that_all_declare_it_differ_from_one_that_was_left_out() -> None:
    """Staging and production alone are no reason to strike what local differs in."""
    both = (allows("staging", "report.release"), allows("production", "report.release"))
    pair = (observation("staging"), observation("production"))
    assert codes(*pair, of=project(*both)) == []
    assert codes(observation("local"), *pair, of=project("local", *both)) == ["EP204", "EP204"]
    assert codes(observation("strange"), pair[0], of=project(both[0])) == ["EP204"]


@pytest.mark.parametrize(
    "envs", [(allows("local", "report.*"), "staging"), ("local", allows("staging", "report.release", "report.r*"))]
)
def test_a_difference_is_allowed_when_either_side_declares_it(envs: tuple[Environment | str, ...]) -> None:
    """And the judgement says which declarations were used, for what and why."""
    first, other = observation("local"), observation("staging", replica(document(release="2")))
    result = judged(first, other, of=project(*envs))
    assert result.findings == ()
    assert {(exemption.covered, exemption.reason) for exemption in result.exemptions} == {
        (("report.release",), "meant")
    }
    assert len(result.exemptions) == sum(
        len(environment.differences) for environment in envs if isinstance(environment, Environment)
    )


def test_ep205_an_expired_declaration_is_a_finding_beside_the_difference() -> None:
    """From the day after; without a day there is no expiry, and one that would cover nothing has just expired."""
    envs = ("local", allows("staging", "report.release", expires=dt.date(2025, 9, 7)))
    first, other = observation("local"), observation("staging", replica(document(release="2")))
    found = judged(first, other, of=project(*envs)).findings
    assert [each.code for each in found] == ["EP201", "EP205"]
    assert found[1].where == "staging: report.release"
    assert found[1].expected == "no difference there after 2025-09-07"
    assert found[1].got == "1 path that it would have covered"
    assert evidence_lines(found[1]) == ("declared because: meant", "report.release")
    assert codes(first, other, of=project(*envs, today="2025-09-07")) == []
    assert codes(first, other, of=project(*envs, today="")) == []
    assert codes(first, observation("staging"), of=project(*envs)) == ["EP204"]
