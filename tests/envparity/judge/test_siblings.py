"""EP312: what a user's connection meets when another one of the same user goes."""

from __future__ import annotations

import pytest

from envparity.judge.finding import Finding
from envparity.observe.beside import SiblingPlay
from envparity.observe.transcript import Transcript
from tests.envparity.judge.builders import close, departed, judged, observation, received, transcript

DEAF = departed("timeout", got="nothing")
CLOSED = departed("close", close(1000), got="close 1000")
TOLD = departed("frame", received({"type": "presence", "online": 1}), got="presence")
REFUSED = departed("frame", received({"type": "error", "code": "no_session"}), got="error no_session")
SERVED = transcript()


def found(goes: list[Transcript], stays: list[Transcript], usual: Transcript = SERVED) -> list[Finding]:
    """What is found where it went so beside one that had gone, and so beside one that stayed."""
    plays = (*(SiblingPlay(play, gone=True) for play in goes), *map(SiblingPlay, stays))
    return list(judged(observation("local", siblings=plays, transcripts=(usual,))).findings)


@pytest.mark.parametrize("harmed", [DEAF, CLOSED, REFUSED])
def test_who_is_cut_off_by_the_other_that_goes_is_told(harmed: Transcript) -> None:
    """Deaf, closed, or refused; with what was expected of it."""
    (finding,) = found([harmed, harmed], [SERVED, SERVED])
    assert harmed.departure is not None
    assert (finding.code, finding.where, finding.step) == ("EP312", "chat", harmed.departure.step)
    assert (finding.expected, finding.got) == (harmed.departure.expected, harmed.departure.got)


def test_a_backend_that_has_room_for_one_connection_is_left_alone() -> None:
    """It closes the one as the other opens, whether that goes or stays."""
    assert found([CLOSED, CLOSED], [CLOSED, SERVED]) == []


def test_what_merely_says_that_somebody_has_left_is_none() -> None:
    assert found([TOLD, TOLD], [SERVED, SERVED]) == []


def test_what_showed_once_is_none() -> None:
    """It may have been late by chance."""
    assert found([DEAF, SERVED], [SERVED, SERVED]) == []


def test_what_goes_wrong_without_another_connection_is_told_for_itself() -> None:
    assert "EP312" not in {finding.code for finding in found([DEAF, DEAF], [SERVED, SERVED], usual=DEAF)}
