"""What stood around a failure is told from what was recorded: who answered, what arrived, what was logged."""

from __future__ import annotations

from typing import Any

import pytest

from envparity.judge.circumstances import connections_of, logged, lost_headers, refusal, waits
from envparity.observe.transcript import Header, LoggedLines
from envparity.report.evidence_wording import words_of
from tests.envparity.judge.builders import close, departed, handshake, timed_out, transcript

SENT = (Header("Host", "chat.example"), Header("Origin", "https://chat.example"), Header("x_ticket", "<token:valid>"))
ARRIVED = (Header("Host", "chat.example"), Header("Origin", "https://chat.example"))


@pytest.mark.parametrize(
    ("answer", "who"),
    [
        ({"answered_by": "replica", "replica": 1}, "replica 2"),
        ({"answered_by": "ingress", "replica": None}, "no replica was asked"),
        ({"answered_by": "ingress", "replica": 0}, "replica 1 gave no answer"),
        ({"answered_by": "nobody", "status": 0, "error": "Connection refused"}, "nobody: Connection refused"),
        ({"answered_by": "unknown"}, "not known"),
    ],
)
def test_who_refused_a_handshake_is_told(answer: dict[str, Any], who: str) -> None:
    """The ingress, one of the replicas, or nobody."""
    first, *_ = words_of(refusal(departed("handshake", handshake(**({"status": 403} | answer))), "a"))
    assert who in first


def test_a_refusal_is_told_with_its_body_and_the_headers_on_both_sides() -> None:
    """Of the handshake of the connection that is asked for; a body in one line, within a bound."""
    mine = handshake(403, answered_by="replica", body="origin\n not allowed" + "!" * 500, sent=SENT, arrived=ARRIVED)
    _, body, sent, arrived = words_of(refusal(departed("handshake", mine, handshake(connection="b")), "a"))
    assert body.startswith("body: origin not allowed!")
    assert len(body) < 220
    assert "x_ticket: <token:valid>" in sent
    assert "x_ticket" not in arrived
    assert "Origin: https://chat.example" in arrived


def test_headers_that_did_not_arrive_are_named() -> None:
    """Of every connection that lost some."""
    script = transcript(handshake(lost=("x_ticket",), answered_by="replica"), handshake(connection="b"))
    (line,) = words_of(lost_headers(script))
    assert "x_ticket" in line


@pytest.mark.parametrize(
    ("after", "who"),
    [((), "the client"), ((close(by="client"),), "the client"), ((close(1013, "later"),), "1013 later")],
)
def test_a_silence_is_told_with_its_length_and_who_ended_it(after: tuple[Any, ...], who: str) -> None:
    """The client that gave up, or the server that closed later."""
    (line,) = words_of(waits(transcript(handshake(), timed_out("pong", 7.0), *after)))
    assert "7 s" in line
    assert who in line


def test_the_replicas_of_several_connections_are_told() -> None:
    """One connection alone says nothing, and what is not known is not told."""
    (line,) = words_of(connections_of(transcript(handshake(), handshake(connection="b", replica=1))))
    assert line.endswith("a on replica 1, b on replica 2")
    assert not words_of(connections_of(transcript(handshake())))
    assert not words_of(connections_of(transcript(handshake(), handshake(connection="b", replica=None))))


def test_of_a_long_window_those_lines_are_quoted_that_speak_of_trouble() -> None:
    """With a few of those next to them, in their order, and the rest is counted."""
    lines = tuple(f"request {n} served" for n in range(100))
    window = LoggedLines("replica 1", (*lines[:50], "WARNING Origin not allowed: http://x", *lines[50:]), left_out=3)
    server = LoggedLines("ingress", ("[notice] reload", "[error] upstream gone"), is_replica=False)
    told = words_of(logged([window, server]))
    around = ["request 47 served", "request 48 served", "request 49 served", "WARNING Origin not allowed: http://x"]
    assert [line.strip() for line in told[1:8]] == [
        *around,
        "request 50 served",
        "request 51 served",
        "request 52 served",
    ]
    assert "97 lines more" in told[8]
    assert told[-1] == "ingress logged: [error] upstream gone"
