"""Two transcripts side by side: what is the same is one row, what is declared is no alarm, the first difference is."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from envparity.model.environment import DeclaredDifference, Environment
from envparity.model.project import Project
from envparity.observe.transcript import Departure, Transcript
from envparity.report.html.conversations import PlayedScenario, played
from tests.envparity.judge.builders import BACKEND, WELCOME, close, handshake, observation, received, sent, transcript
from tests.envparity.report.recorded import HOSTILE, OTHER_WELCOME, PROJECT, run_of


def side_by_side(here: Transcript, there: Transcript, project: Project = PROJECT) -> PlayedScenario:
    (only,) = played(
        run_of(observation("local", transcripts=(here,)), observation("staging", transcripts=(there,)), project=project)
    )
    return only


def test_what_is_the_same_is_one_row_each() -> None:
    """With the times of both, and nothing marked."""
    only = side_by_side(transcript(), transcript())
    assert [row["l"] for row in only.rows] == [
        "handshake", "received connection_established", "sent ping", "received pong", "close"
    ]  # fmt: skip
    assert all("x" not in row for row in only.rows)
    assert (only.first, only.matters, only.states) == (None, False, {"local": "kept", "staging": "kept"})
    assert only.rows[0]["t"] == [100, 100]


def test_the_first_field_that_differs_is_marked_and_the_same_ones_are_left_out() -> None:
    """One row, a cell for each environment, what the contract says beside it."""
    rest = (sent({"type": "ping"}), received({"type": "pong"}), close(by="client"))
    only = side_by_side(transcript(), transcript(handshake(), OTHER_WELCOME, *rest))
    row: Any = only.rows[1]
    assert only.first == 1
    assert [cell["f"] for cell in row["x"]] == [[["limits.per_minute", "30", 1]], [["limits.per_minute", "10", 1]]]
    assert row["v"] == ["limits: too few"]
    assert only.matters


def test_a_declared_difference_is_shown_and_is_no_alarm() -> None:
    """Until its last day is over."""
    there = transcript(handshake(), replace(OTHER_WELCOME, violations=()), sent({"type": "ping"}),
                       received({"type": "pong"}), close(by="client"))  # fmt: skip
    declared = DeclaredDifference("conversation.*.connection_established.limits.*", "meant")
    for difference, mark, first in (
        (declared, "declared", None),
        (replace(declared, path="conversation.chat.welcome.*"), "differs", 1),
    ):
        staging = Environment(name="staging", differences=(difference,))
        project = Project(BACKEND, {"local": Environment(name="local"), "staging": staging}, "2025-09-08")
        only = side_by_side(transcript(), there, project)
        assert (only.rows[1]["m"], only.first) == (mark, first)


def test_an_entry_that_one_has_and_the_other_has_not_gets_a_row_of_its_own() -> None:
    """What comes after it is side by side again."""
    notice = received({"type": "notice"})
    rest = (sent({"type": "ping"}), received({"type": "pong"}), close(by="client"))
    extra = transcript(handshake(), received(WELCOME), notice, *rest)
    only = side_by_side(transcript(), extra)
    assert [(row["l"], "x" in row) for row in only.rows][1:4] == [
        ("received connection_established", False), ("received notice", True), ("sent ping", False)
    ]  # fmt: skip
    third: Any = only.rows[2]
    assert third["x"][0] is None
    assert only.first == 2


def test_a_departure_says_the_step_as_people_count() -> None:
    """And where several environments depart alike it is said once."""
    bad = transcript(handshake(), close(1011), departure=Departure(1, "close", "pong", "close 1011", "a"))
    only = side_by_side(bad, bad)
    assert only.data["left"] == [{"on": ["local", "staging"], "step": 2, "expected": "pong", "got": "close 1011"}]
    assert set(only.states.values()) == {"left"}


def test_a_scenario_that_one_environment_did_not_play() -> None:
    """It has no column there, and the state says so."""
    (only,) = played(run_of(observation("local"), observation("staging", transcripts=())))
    assert only.states == {"local": "kept", "staging": "not played"}
    assert only.data["names"] == ["local"]


def test_connections_are_named_where_there_are_several() -> None:
    """Each is laid side by side by itself."""
    two = transcript(handshake(), handshake(connection="b"), received({"type": "x"}, connection="b"), close())
    only = side_by_side(two, two)
    assert [row["c"] for row in only.rows] == ["a", "a", "b", "b"]


def test_generated_values_have_their_names_in_what_was_sent() -> None:
    """The same id reads the same in every row."""
    here = transcript(handshake(), sent({"type": "ask", "id": "0b5f"}), close(), names={"0b5f": "<uuid:m1>"})
    only = side_by_side(here, here)
    assert only.rows[1]["d"] == 'id "<uuid:m1>"'


def test_a_frame_of_any_size_is_cut() -> None:
    """A page of a few conversations stays small."""
    big = transcript(handshake(), received({"type": "x", "pad": HOSTILE + "x" * 100_000}), close())
    only = side_by_side(big, big)
    assert len(str(only.data)) < 3000
