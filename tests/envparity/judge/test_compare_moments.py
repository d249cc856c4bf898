"""Moments in frames, held against when the frames arrived: local time that is called UTC is seen, nothing else is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from envparity.judge import Finding
from envparity.model.case import Boot
from envparity.model.project import Project
from envparity.observe.frame import JsonFrame
from envparity.observe.record import Attached, Observation, SettingFingerprint
from envparity.observe.transcript import HttpAnswered, Transcript
from tests.envparity.judge.builders import allows, judged, observation, project, received, transcript

BEGAN = 1757294271.0
HOUR, QUARTER = 3600.0, 900.0
NEPAL = 5 * HOUR + 3 * QUARTER
Said = Callable[[float], str]


def written(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now(ahead_s: float = 0.0) -> Said:
    return lambda arrived: written(arrived + ahead_s)


def play(began: float, said: Said, field: str = "at", scenario: str = "chat") -> Transcript:
    frame = received({"type": "pong", field: said(began + 1)}, at_s=1.0)
    return replace(transcript(frame, scenario=scenario), began=began)


def boot(environment: str, *said: Said, began: float = BEGAN, every_s: float = 5.0, **changes: Any) -> Observation:
    """A boot in which one scenario is played once for each."""
    plays = [play(began + number * every_s, each) for number, each in enumerate(said)]
    return replace(observation(environment, transcripts=(plays[0],)), control=tuple(plays[1:]), **changes)


def apart(*observations: Observation, of: Project | None = None) -> list[Finding]:
    """What is told of differences of conversations, also by chance."""
    told = judged(*observations, of=of).findings
    return [finding for finding in told if finding.code in {"EP401", "EP404"}]


def test_local_time_that_is_called_utc_is_a_difference() -> None:
    """With the field, and how far it is from when it arrived."""
    [finding] = apart(boot("local", now(NEPAL), now(NEPAL)), boot("staging", now(), now()))
    assert (finding.code, finding.paths) == ("EP401", ("conversation.chat.pong.at",))
    assert (finding.expected, finding.got) == (
        "as in local: pong.at 5 h 45 min ahead of when it arrived",
        "pong.at when it arrived",
    )


def test_local_time_behind_utc_is_one_too() -> None:
    """West of Greenwich what is said now has been hours ago; which side is the baseline does not matter."""
    [finding] = apart(boot("local", now(), now()), boot("staging", now(-3.5 * HOUR), now(-3.5 * HOUR)))
    assert finding.got == "pong.at 3 h 30 min before when it arrived"


def test_the_json_of_an_answer_over_http_is_read_alike() -> None:
    """Its leaves are compared as those of a frame are."""

    def answered(environment: str, ahead_s: float) -> Observation:
        def played(began: float) -> Transcript:
            body = JsonFrame({"at": written(began + 1 + ahead_s)})
            answer = HttpAnswered(1.0, "a", "http", request="GET /time", target="/time", status=200, body=body)
            return replace(transcript(answer), began=began)

        return replace(observation(environment, transcripts=(played(BEGAN),)), control=(played(BEGAN + 5),))

    [finding] = apart(answered("local", NEPAL), answered("staging", 0))
    assert finding.paths == ("conversation.chat.GET:/time.body.at",)


@pytest.mark.parametrize("ahead_s", [HOUR, -20 * 60, 30 * 24 * HOUR])
def test_what_is_equally_far_everywhere_is_none(ahead_s: float) -> None:
    """An expiry in an hour, a message of twenty minutes ago; a machine is late by a minute."""
    assert apart(boot("local", now(ahead_s), now(ahead_s - 59)), boot("staging", now(ahead_s - 59), now(ahead_s))) == []


def test_a_true_offset_is_the_same_moment() -> None:
    """Local time is right where its offset is behind it."""
    zone = dt.timezone(dt.timedelta(seconds=NEPAL))
    local: Said = lambda arrived: dt.datetime.fromtimestamp(arrived, zone).isoformat()  # noqa: E731
    assert apart(boot("local", local, local), boot("staging", now(), now())) == []


def test_what_stands_still_in_a_boot_is_none() -> None:
    """When an image was built, when a backend started: it does not go on while time does."""
    built: Said = lambda _: written(BEGAN - 8 * HOUR)  # noqa: E731
    later: Said = lambda _: written(BEGAN - 2 * HOUR)  # noqa: E731
    assert apart(boot("local", built, built), boot("staging", later, later)) == []
    assert apart(boot("local", built, built), boot("staging", built, built)) == []


def test_what_stands_still_is_known_from_other_scenarios_too() -> None:
    """Of a scenario that is played once alone."""
    built: Said = lambda _: written(BEGAN - 8 * HOUR)  # noqa: E731
    local = boot("local", built)
    local = replace(local, transcripts=(*local.transcripts, play(BEGAN + 60, built, scenario="other")))
    assert apart(local, boot("staging", now())) == []


def test_what_happened_in_a_long_boot_may_be_as_old_as_that() -> None:
    """History that one boot comes to late, and the other soon."""
    early, late = boot("local", now(), now()), boot("staging", now(-2000), now(-2000))
    assert apart(early, late)
    before = play(BEGAN - 2000, now(), scenario="before")
    assert apart(early, replace(late, transcripts=(*late.transcripts, before))) == []


def test_what_is_apart_in_some_plays_only_is_chance() -> None:
    """And none that is told: nobody promises how far a moment is from its arrival."""
    assert apart(boot("local", now(NEPAL), now()), boot("staging", now(), now())) == []


def test_a_field_that_is_called_volatile_stays_so() -> None:
    """`server_time` is, of this backend."""
    local, staging = (
        replace(
            observation(name, transcripts=(play(BEGAN, now(ahead_s), "server_time"),)),
            control=(play(BEGAN + 5, now(ahead_s), "server_time"),),
        )
        for name, ahead_s in (("local", NEPAL), ("staging", 0.0))
    )
    assert apart(local, staging) == []


def test_a_declared_difference_is_none() -> None:
    """By the path of the field."""
    declared = allows("staging", "conversation.*.pong.at")
    assert apart(boot("local", now(NEPAL)), boot("staging", now()), of=project("local", declared)) == []


def test_boots_with_clocks_of_their_own_are_left_out() -> None:
    """There it is the clock that is ahead."""
    clocks = Boot(clocks=(0.0, 3 * HOUR))
    sides = [boot(name, now(ahead)) for name, ahead in (("local", NEPAL), ("staging", 0.0))]
    assert apart(*(replace(side, case=replace(side.case, boot=clocks)) for side in sides)) == []


def test_what_is_deployed_is_left_out() -> None:
    """What it says may be days old."""
    deployed = replace(boot("staging", now(-50 * HOUR), now(-50 * HOUR)), attached=Attached("wss://shop.example/ws"))
    assert apart(boot("local", now(), now()), deployed) == []


def test_runs_that_kept_no_time_of_day_are_compared_as_before() -> None:
    """Those that were saved by an earlier version."""
    sides = [boot(name, now(ahead)) for name, ahead in (("local", NEPAL), ("staging", 0.0))]
    old = [
        replace(side, transcripts=tuple(replace(script, began=None) for script in side.transcripts)) for side in sides
    ]
    assert apart(*old) == []


def test_the_time_zone_itself_is_no_difference_of_settings() -> None:
    """It is a trait, as a limit of memory is, and what it does is what counts."""
    zone = SettingFingerprint("TZ", "platform", "a1", "Asia/Kathmandu")
    local = observation("local")
    assert not judged(replace(local, settings=(*local.settings, zone)), observation("staging")).findings
    told = judged(
        replace(local, settings=(*local.settings, replace(zone, source="environment file"))), observation("staging")
    )
    assert [finding.code for finding in told.findings] == ["EP203"]
