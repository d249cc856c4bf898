"""What is told of several plays together."""

from __future__ import annotations

from envparity.observe.frame import JsonFrame
from envparity.observe.plays import kept_to_script
from envparity.observe.transcript import Departure, FrameReceived, Transcript

LEFT = Departure(0, "frame", "x", "y")
BREACH = FrameReceived(0.1, "a", "main", JsonFrame({"type": "x"}), violations=("no such message",))


def test_a_scenario_keeps_to_its_script_in_each_of_its_plays() -> None:
    """Neither one that left it in a single play nor one that broke the contract."""
    played = (
        Transcript("chat", "g"),
        Transcript("chat", "g"),
        Transcript("left", "g"),
        Transcript("left", "g", departure=LEFT),
        Transcript("breach", "g", (BREACH,)),
    )
    assert kept_to_script(iter(played)) == {"chat"}
