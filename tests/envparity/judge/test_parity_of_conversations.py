"""EP401 to EP403: conversations that differ between environments."""

from __future__ import annotations

from msgspec.structs import replace

from envparity.judge import codes_of, findings_for
from envparity.judge.rules import Family
from envparity.observe.record import Observation
from envparity.observe.transcript import Event
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import (
    WELCOME,
    allows,
    close,
    codes,
    departed,
    handshake,
    judged,
    observation,
    only,
    project,
    received,
    sent,
    transcript,
)


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
    assert codes(first, other, of=project("local", allows("staging", f"{welcome}.limits.*", f"{welcome}.extra"))) == []
    literal = "conversation.chat[x].connection_established.*"
    assert only(first, other, of=project("local", allows("staging", literal))).scenarios == ("login",)


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
    allowed = project("local", allows("staging", "conversation.chat.1"))
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
    envs = project("local", "staging", "production")
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


def test_frames_that_no_step_reads_are_compared_with_none() -> None:
    """How many come is chance: not between environments, nor between two plays of one."""
    skipped = (received({"type": "presence", "id": "3c1d7a54-41d0-4d9e-8f1e-d0c2a1b9c003"}),)
    local = observation("local", transcripts=(transcript(skipped=skipped),), control=(transcript(),))
    assert codes(local, observation("staging")) == []
