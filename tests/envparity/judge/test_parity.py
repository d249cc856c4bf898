"""EP201–205 and EP401–403: what differs between environments, and what was declared to differ."""

from __future__ import annotations

import datetime as dt

import pytest
from msgspec.structs import replace

from envparity.judge import codes_of, findings_for
from envparity.judge.rules import Family
from envparity.model.case import Boot
from envparity.model.environment import Environment, FromSource, Platform, SecretOf, Setting
from envparity.model.scenario import Scenario
from envparity.observe.record import HttpAnswer, Observation, SettingFingerprint
from envparity.observe.transcript import Event
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import (
    BACKEND,
    DOWN,
    WELCOME,
    allows,
    close,
    codes,
    departed,
    document,
    failed,
    handshake,
    judged,
    observation,
    only,
    received,
    refused,
    replica,
    sent,
    subject,
    transcript,
)


def check(**changes: object) -> dict[str, object]:
    return {"redis:tls": [{"component": "redis", "critical": True, "status": "pass", "observed": "off"} | changes]}


def test_ep201_one_finding_for_a_group_of_paths() -> None:
    """A check that differs in two fields is one finding, at a path that can be declared."""
    strict = observation("staging", replica(document(checks=check(critical=False, observed="on"))))
    found = only(observation("local"), strict)
    assert (found.code, found.where) == ("EP201", "report.checks.redis:tls")
    assert (found.environments, found.cases) == (("staging",), ("local", "staging"))
    assert found.expected == "as in local: redis.critical true"
    assert found.got == "redis.critical false, and 1 more"
    assert evidence_lines(found) == (
        "report.checks.redis:tls.redis.critical: local true, staging false",
        'report.checks.redis:tls.redis.observed: local "off", staging "on"',
    )
    assert found.replay == "envparity run --environment local,staging"


def test_ep201_the_same_difference_in_two_environments_is_one_finding() -> None:
    """Both are named; a third value is a finding of its own."""
    envs = subject("local", "staging", "production")
    other = [observation(name, replica(document(version="2"))) for name in ("staging", "production")]
    found = only(observation("local"), *other, of=envs)
    assert found.environments == ("staging", "production")
    assert (found.where, found.got, found.expected) == ("report.version", '"2"', "as in local: absent")
    assert len(evidence_lines(found)) == 2
    third = observation("production", replica(document(version="3")))
    assert codes(observation("local"), other[0], third, of=envs) == ["EP201", "EP201"]


def test_ep201_replicas_of_one_environment_are_held_to_the_same() -> None:
    """Two replicas that start differently differ, even with nothing else to compare with."""
    seen = observation("local", replica(), replica(document(release="2"), index=1))
    assert only(seen).where == "report.release"


def test_ep201_only_equal_boots_are_compared() -> None:
    """And of those only reports that can be read."""
    odd = replica(document(release="2"))
    special = Boot(settings=(("A", "1"),))
    assert codes(observation("local"), observation("staging", odd, boot=special)) == []
    assert codes(observation("local", boot=special), observation("staging", odd, boot=special)) == ["EP201"]
    starting = observation("staging", replica(document(status="starting")))
    assert "EP201" not in codes(observation("local"), starting)


def test_ep202_passes_here_and_fails_there() -> None:
    """The report's other differences follow from it; EP101 says why."""
    envs = subject("local", "staging", "production")
    bad = observation("staging", replica(failed()), transcripts=(refused(),))
    found = judged(observation("local"), bad, observation("production"), of=envs).findings
    assert [finding.code for finding in found] == ["EP101", "EP202"]
    assert found[1].expected == "passes, as in local, production"
    assert found[1].got == "fails: auth"
    assert found[1].environments == ("staging",)
    assert evidence_lines(found[1]) == ("staging: auth: FACTORY: made at import",)
    assert found[1].replay == "envparity run --environment local,staging,production"


def test_ep202_not_where_all_fail_or_nothing_is_known() -> None:
    """Failing everywhere is no difference; being gone is EP105's."""
    bad = [observation(name, replica(failed()), transcripts=(refused(),)) for name in ("local", "staging")]
    assert codes(*bad) == ["EP101"]
    gone = observation("staging", replica(startup=None, exit_code=1))
    assert codes(observation("local"), gone) == ["EP105"]
    alone = observation("local", transcripts=())
    for other in (replica(), replica(startup=None, exit_code=0, index=1)):
        mixed = observation("staging", replica(failed()), other, transcripts=())
        assert [code for code in codes(alone, mixed) if code != "EP105"] == ["EP101", "EP202"]
    bad = [observation("staging", replica(failed()), transcripts=())]
    for here in ((replica(), replica(startup=None, exit_code=1)), (replica(document(status="starting")),)):
        assert "EP202" not in codes(observation("local", *here, transcripts=()), *bad)
    assert "EP202" not in codes(observation("local", transcripts=(), replicas=()), *bad)


def test_ep202_says_which_boot_it_is_about() -> None:
    """A boot with a setting of its own that passes in one place and fails in the other."""
    told = replace(refused(), departure=None)
    few = Boot(settings=(("LIMIT", "1"),))
    up = observation("local", boot=few, transcripts=())
    found = only(up, observation("staging", replica(failed()), boot=few, transcripts=(told,)))
    assert (found.code, found.where) == ("EP202", "startup, LIMIT=1")
    assert found.replay == "envparity run --environment local,staging --only chat"


def test_ep202_is_silent_where_a_dependency_is_down() -> None:
    """There the one that passes is wrong, not the one that fails; EP104 has said so."""
    told = replace(refused(), departure=None)
    up = observation("local", boot=DOWN, transcripts=())
    assert codes(up, observation("staging", replica(failed()), boot=DOWN, transcripts=(told,))) == ["EP104"]


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
    assert codes(first, other, of=subject(here, there)) == []
    plain = Environment(name="staging", settings={"NET": "172.16.0.0/12"}, platform=Platform(port_setting="OTHER"))
    found = judged(first, other, of=subject(here, plain)).findings
    assert [finding.where for finding in found] == ["NET", "PORT"]


def test_ep204_a_declaration_that_covers_nothing() -> None:
    """Said of either side, and only after a whole run."""
    first, other = observation("local"), observation("staging")
    stale = subject("local", allows("staging", "report.release"))
    found = only(first, other, of=stale)
    assert (found.code, found.where) == ("EP204", "staging: report.release")
    assert found.environments == ("staging",)
    assert evidence_lines(found) == ("declared because: meant",)
    assert found.replay == "envparity run --environment local,staging"
    assert codes(first, other, of=subject(allows("local", "report.release"), "staging")) == ["EP204"]
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
    assert "EP204" not in codes(observation("local"), broken, of=subject("local", allows("staging", path)))


def test_ep204_conversations_must_all_have_been_played_to_their_end() -> None:
    """A run of some scenarios, or with a departure, does not judge declarations about conversations."""
    first, other = observation("local"), observation("staging")
    backend = replace(BACKEND, scenarios=(Scenario("chat"), Scenario("other")))
    envs = ("local", allows("staging", "conversation.*", "report.release"))
    unused = ["staging: conversation.*", "staging: report.release"]
    assert [finding.where for finding in judged(first, other, of=subject(*envs)).findings] == unused
    assert [finding.where for finding in judged(first, other, of=subject(*envs, backend=backend)).findings] == unused[
        1:
    ]
    left = observation("staging", transcripts=(departed("frame"),))
    assert codes(first, left, of=subject(*envs)) == ["EP204", "EP301"]


def test_ep204_settings_must_have_been_seen() -> None:
    """A launcher that sees no settings cannot say that none differs."""
    unseen = [observation(name, settings=()) for name in ("local", "staging")]
    envs = subject("local", allows("staging", "fingerprints.A.*", "*.B", "report.release"))
    assert [finding.where for finding in judged(*unseen, of=envs).findings] == ["staging: report.release"]
    half = [observation("local"), unseen[1]]
    assert [finding.where for finding in judged(*half, of=envs).findings] == ["staging: report.release"]


def test_ep204_environments_that_all_declare_it_differ_from_one_that_was_left_out() -> None:
    """Staging and production alone are no reason to strike what local differs in."""
    both = (allows("staging", "report.release"), allows("production", "report.release"))
    pair = (observation("staging"), observation("production"))
    assert codes(*pair, of=subject(*both)) == []
    assert codes(observation("local"), *pair, of=subject("local", *both)) == ["EP204", "EP204"]
    assert codes(observation("strange"), pair[0], of=subject(both[0])) == ["EP204"]


@pytest.mark.parametrize(
    "envs", [(allows("local", "report.*"), "staging"), ("local", allows("staging", "report.release", "report.r*"))]
)
def test_a_difference_is_allowed_when_either_side_declares_it(envs: tuple[Environment | str, ...]) -> None:
    """And the judgement says which declarations were used, for what and why."""
    first, other = observation("local"), observation("staging", replica(document(release="2")))
    result = judged(first, other, of=subject(*envs))
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
    found = judged(first, other, of=subject(*envs)).findings
    assert [each.code for each in found] == ["EP201", "EP205"]
    assert found[1].where == "staging: report.release"
    assert found[1].expected == "no difference there after 2025-09-07"
    assert found[1].got == "1 path that it would have covered"
    assert evidence_lines(found[1]) == ("declared because: meant", "report.release")
    assert codes(first, other, of=subject(*envs, today="2025-09-07")) == []
    assert codes(first, other, of=subject(*envs, today="")) == []
    assert codes(first, observation("staging"), of=subject(*envs)) == ["EP204"]


def test_ep401_a_field_of_a_frame_has_a_path_that_can_be_declared() -> None:
    """One finding for the frame, over all scenarios that show it, and declared once for all of them."""
    limits = WELCOME | {"limits": {"per_minute": 100}, "extra": True}
    scripts = [
        tuple(transcript(handshake(), received(frame), close(), scenario=name) for name in ("chat[x]", "login"))
        for frame in (WELCOME, limits)
    ]
    first, other = observation("local", transcripts=scripts[0]), observation("staging", transcripts=scripts[1])
    found = only(first, other)
    assert (found.code, found.where, found.scenarios) == ("EP401", "connection_established", ("chat[x]", "login"))
    assert found.expected == "as in local: connection_established.extra absent"
    assert found.got == "connection_established.extra true, and 1 more"
    frame = 'received {"type": "connection_established", "user_id": "user-anna", "limits": {"per_minute": '
    assert evidence_lines(found)[:4] == (
        f"local: {frame}30}}}}",
        f'staging: {frame}100}}, "extra": true}}',
        "conversation.chat[x].connection_established.extra: local absent, staging true",
        "conversation.chat[x].connection_established.limits.per_minute: local 30, staging 100",
    )
    assert found.replay == "envparity run --environment local,staging --only 'chat[x]'"
    welcome = "conversation.*.connection_established"
    assert codes(first, other, of=subject("local", allows("staging", f"{welcome}.limits.*", f"{welcome}.extra"))) == []
    literal = "conversation.chat[x].connection_established.*"
    assert only(first, other, of=subject("local", allows("staging", literal))).scenarios == ("login",)


def test_ep401_where_two_conversations_part() -> None:
    """The first entry at which they do, both sides; what comes after is not compared any more."""
    here = transcript(handshake(), received({"type": "a"}), received({"type": "b"}), close(1000))
    there = transcript(handshake(), received({"type": "c"}), received({"type": "d"}), close(1001))
    found = only(observation("local", transcripts=(here,)), observation("staging", transcripts=(there,)))
    assert (found.code, found.where) == ("EP401", "chat")
    assert (found.expected, found.got) == ("as in local: received a", "received c")
    assert evidence_lines(found) == (
        'local: received {"type": "a"}',
        'staging: received {"type": "c"}',
        "conversation.chat.1: local received a, staging received c",
    )
    allowed = subject("local", allows("staging", "conversation.chat.1"))
    assert (
        codes(observation("local", transcripts=(here,)), observation("staging", transcripts=(there,)), of=allowed) == []
    )


def test_ep401_a_path_is_said_once() -> None:
    """However often the same field of the same frame differs in a conversation."""
    here, there = (transcript(handshake(), *[received({"type": "x", "n": n, "v": v}) for n in (1, 2)]) for v in (1, 2))
    found = only(observation("local", transcripts=(here,)), observation("staging", transcripts=(there,)))
    assert (found.got, len(evidence_lines(found))) == ("x.v 2", 3)


def test_ep401_one_that_goes_on_and_a_connection_that_is_not_there() -> None:
    """Nothing more is a side too."""
    here = transcript(handshake(), received({"type": "a"}))
    there = transcript(handshake(), received({"type": "a"}), received({"type": "x"}, "b"))
    first, other = observation("local", transcripts=(here,)), observation("staging", transcripts=(there,))
    found = only(first, other)
    assert (found.expected, found.got) == ("as in local: nothing more", "received x")
    assert evidence_lines(found)[2] == "conversation.chat.2: local nothing more, staging received x"
    found = only(replace(first, transcripts=(there,)), replace(other, transcripts=(here,)))
    assert (found.expected, found.got) == ("as in local: received x", "nothing more")


def test_ep402_and_ep403_by_what_they_part_at() -> None:
    """A handshake or a close on either side decides the code; the fields of both have paths."""
    base = observation("local", transcripts=(transcript(handshake(), received({"type": "a"}), close(1000)),))

    def against(*entries: object) -> Observation:
        return observation("staging", transcripts=(transcript(*entries),))  # type: ignore[arg-type]

    found = only(base, against(handshake(subprotocol=None), received({"type": "a"}), close(1000)))
    assert (found.code, found.where, found.got) == ("EP402", "chat", "handshake.subprotocol null")
    found = only(base, against(received({"type": "a"}), close(1000)))
    assert (found.code, found.got) == ("EP402", "received a")
    assert found.expected == 'as in local: handshake: status 101, subprotocol "v1"'
    found = only(base, against(handshake(), received({"type": "a"}), close(1001, "away")))
    assert (found.code, found.got) == ("EP403", "close.code 1001, and 1 more")
    found = only(base, against(handshake(), close(1000)))
    assert (found.code, found.got) == ("EP403", 'close: by "server", code 1000, reason ""')


def test_conversations_are_compared_among_those_that_kept_to_the_script() -> None:
    """A departure is not reported a second time as a difference; two others may still differ."""
    envs = subject("local", "staging", "production")
    left = observation("local", transcripts=(departed("frame"),))
    other = observation("production", transcripts=(transcript(handshake(), received({"type": "x"})),))
    assert codes(left, observation("staging"), of=envs) == ["EP301"]
    assert codes(left, observation("staging"), observation("production"), of=envs) == ["EP301"]
    result = judged(left, observation("staging"), other, of=envs)
    assert [(finding.code, finding.cases) for finding in result.findings] == [
        ("EP301", ("local",)),
        ("EP401", ("staging", "production")),
    ]
    assert [finding.code for finding in findings_for(result, environment="production")] == ["EP401"]
    only_here = observation("staging", transcripts=())
    assert codes(observation("local"), only_here) == []


def test_what_the_client_sent_is_not_compared() -> None:
    """It follows from the script and the settings; that it sent something is."""
    here = transcript(handshake(), sent({"type": "big", "pad": 1}), close())
    there = transcript(handshake(), sent({"type": "big", "pad": 2}), close())
    first, other = observation("local", transcripts=(here,)), observation("staging", transcripts=(there,))
    assert codes(first, other) == []
    assert codes(first, replace(other, transcripts=(transcript(handshake(), close()),))) == ["EP403"]


def test_what_one_play_of_either_side_has_in_common_is_no_difference() -> None:
    """Two frames that overtake one another come in one sequence here and in the other there, and again in both."""
    forth = (handshake(), received({"type": "one"}), received({"type": "two"}), close())
    back = (handshake(), received({"type": "two"}), received({"type": "one"}), close())

    def played(environment: str, first: tuple[Event, ...], again: tuple[Event, ...]) -> Observation:
        return observation(environment, transcripts=(transcript(*first),), control=(transcript(*again),))

    assert not codes(played("local", forth, forth), played("staging", forth, forth))
    always = codes(played("local", forth, forth), played("staging", back, back))
    assert always == [rule_of("transcript")]
    for other in (played("staging", back, forth), played("staging", forth, back)):
        assert rule_of("transcript") not in codes(played("local", forth, forth), other)


def rule_of(family: Family) -> str:
    """The first rule of that family."""
    return codes_of(family)[0]
