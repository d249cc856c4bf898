"""What to do follows from what is known of the failure: no word on the event loop to a test of two replicas."""

from __future__ import annotations

from typing import Any

import pytest

from envparity.judge.advice import advice
from envparity.observe.transcript import Transcript
from tests.envparity.judge.builders import departed, handshake, observation, only, sent


def said(script: Transcript) -> str:
    assert script.departure is not None
    return advice(script, script.departure)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ({"answered_by": "ingress", "replica": None}, "asked no replica"),
        ({"answered_by": "ingress", "replica": 1}, "replica 2 runs"),
        ({"answered_by": "nobody", "status": 0}, "nobody answered"),
        ({"answered_by": "replica"}, "Origin"),
        ({"answered_by": "replica", "lost": ("x_ticket",)}, "underscores_in_headers"),
        ({"answered_by": "replica", "lost": ("x-ticket",)}, "pass on x-ticket"),
    ],
)
def test_a_refusal_is_for_whoever_gave_it(answer: dict[str, Any], word: str) -> None:
    """The ingress, the replica, what should listen, or the name of a header."""
    assert word in said(departed("handshake", handshake(**({"status": 403} | answer))))


@pytest.mark.parametrize(
    ("replica", "sender", "word"), [(1, "b", "different replicas"), (0, "b", "worker process"), (0, "a", "")]
)
def test_a_silence_between_two_connections_is_no_blocked_loop(replica: int, sender: str, word: str) -> None:
    """Where a waits for what b sent, it matters where the two were; where a waits for itself, the rule says it."""
    script = departed("timeout", handshake(), handshake(connection="b", replica=replica), sent({"type": "x"}, sender))
    assert word in said(script)
    assert bool(said(script)) == bool(word)
    action = only(observation("local", transcripts=(script,))).action
    assert ("event loop" in action) == (not word)


def test_a_frame_that_is_wrong_is_for_the_rule_to_speak_of() -> None:
    """Nothing else is known of it."""
    assert said(departed("frame", handshake(answered_by="replica"))) == ""
