"""What further boots say of fields that differ by chance, where a scenario is played once in each of them."""

from __future__ import annotations

from msgspec.structs import replace

from envparity.judge import rule
from envparity.judge.chance import another_value
from envparity.judge.finding import Finding
from envparity.judge.random_fields import random_fields, with_random_fields
from envparity.observe.record import Observation
from tests.envparity.judge.builders import WELCOME, close, handshake, observation, only, received, transcript

PATH = "conversation.restart.connection_established"


def played(environment: str, *frames: dict[str, object]) -> Observation:
    script = transcript(handshake(), *map(received, frames), close(), scenario="restart")
    return observation(environment, transcripts=(script,))


def welcomed(environment: str, **fields: object) -> Observation:
    return played(environment, WELCOME | fields)


def found(other: Observation) -> Finding:
    return only(welcomed("local", nonce="a", size=1), other)


def test_a_field_that_a_further_boot_of_the_same_environment_has_otherwise_is_random() -> None:
    """Whatever else differs there, of another environment or in another field, says nothing."""
    finding = found(welcomed("staging", nonce="b", size=2))
    assert finding.paths == (f"{PATH}.nonce", f"{PATH}.size")
    again = found(welcomed("staging", nonce="c", size=1, user_id="user-bert"))
    differences = random_fields(finding, [again], "local")
    assert (f"{PATH}.nonce", '"a"', '"c"') in [(piece.path, piece.expected, piece.got) for piece in differences]
    assert len(differences) == 1
    assert all("local" in piece.baseline and "staging" not in piece.other for piece in differences)


def test_what_is_proposed_is_what_two_plays_of_one_boot_have_proposed() -> None:
    """Beside what else is to be done, and instead of that where all fields are random; what is printed is not."""
    finding = found(welcomed("staging", nonce="b", size=2))
    (nonce,) = random_fields(finding, [found(welcomed("staging", nonce="c", size=1))], "local")
    told = with_random_fields(finding, [nonce])
    assert told.action == f"{rule('EP401').action} {another_value(f'{PATH}.nonce')}"
    assert (told.paths, told.got) == ((f"{PATH}.size",), "connection_established.size 2")
    alone = found(welcomed("staging", nonce="b", size=1))
    assert with_random_fields(alone, [nonce]).action == another_value(f"{PATH}.nonce")
    (size,) = random_fields(finding, [found(welcomed("staging", nonce="a", size=3))], "local")
    both = with_random_fields(finding, [size])
    assert both.action == f"{rule('EP401').action} {another_value(f'{PATH}.size')}"
    assert both.evidence == (*finding.evidence, size)
    assert with_random_fields(finding, []) is finding


def test_frames_in_another_sequence_are_no_field() -> None:
    """Of these nobody proposes that a number were volatile."""
    frames: list[dict[str, object]] = [{"type": "a"}, {"type": "b"}]
    finding = only(played("local", *frames), played("staging", *frames[::-1]))
    differences = random_fields(finding, [finding], "local")
    assert [piece.path for piece in differences] == list(finding.paths)
    assert "volatile" not in with_random_fields(finding, differences).action
    assert random_fields(replace(finding, nature="differs"), [finding], "local") == ()


def test_a_handshake_has_no_field_that_may_be_volatile() -> None:
    answered = [
        observation(name, transcripts=(transcript(handshake(subprotocol=said), close(), scenario="restart"),))
        for name, said in (("local", "a"), ("staging", "b"))
    ]
    finding = only(*answered)
    assert finding.code == "EP402"
    assert random_fields(finding, [finding], "local") == ()
