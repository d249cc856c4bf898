"""EP311: the token before the other subprotocols, held against how it goes behind them."""

from __future__ import annotations

from envparity.judge.finding import Finding
from envparity.observe.transcript import Transcript
from tests.envparity.judge.builders import departed, judged, observation, received, transcript

REFUSED = departed("frame", received({"type": "error", "code": "no_token"}), got="error no_token")


def found(*turned: Transcript, usual: Transcript | None = None) -> list[Finding]:
    """What is found where it went so with the token first, and so behind."""
    return list(judged(observation("local", turned=turned, transcripts=(usual or transcript(),))).findings)


def test_who_offers_the_token_first_is_told_something_else() -> None:
    """With what was expected of it, and in what way it left its script."""
    (finding,) = found(transcript(), REFUSED)
    assert (finding.code, finding.where, finding.step, finding.nature) == ("EP311", "chat", 1, "frame error no_token")
    assert (finding.expected, finding.got) == ("connection_established", "error no_token")


def test_what_goes_wrong_in_either_order_is_told_for_itself() -> None:
    assert [finding.code for finding in found(REFUSED, usual=REFUSED)] == ["EP301"]


def test_who_is_served_in_either_order_is_none() -> None:
    assert found(transcript()) == []
