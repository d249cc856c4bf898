"""What was found is a scenario: it expects what was seen, and a backend file that keeps it says the same."""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec
import pytest

from envparity.config.scenario import parse_scenarios
from envparity.engine.exploration.frames import ClientTurn
from envparity.engine.exploration.opening import ScenarioOpening
from envparity.engine.exploration.reactions import Reaction, reactions
from envparity.engine.exploration.scenarios import as_scenario, as_toml, being_played
from envparity.engine.exploration.searching import FoundSequence
from envparity.model.backend import Backend
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, Expect, ExpectClose, Send, Settle, Silence
from envparity.observe.frame import JsonFrame
from envparity.observe.transcript import ConnectionClosed, FrameReceived, FrameSent, Transcript
from tests.envparity.judge.builders import BACKEND

BEGUN = (Connect("valid"), Expect(("welcome",), capture={"id": "user_id"}))
OPENING = ScenarioOpening(Scenario(name="talk", steps=BEGUN), {"id": "id"})


def found(frame: dict[str, Any], *seen: Reaction, broken: str = "") -> Scenario:
    turns = tuple(ClientTurn("order", frame, broken) for _ in seen)
    other = Reaction((("else", ""),))
    return as_scenario(OPENING, FoundSequence(turns, {"a": seen, "b": (*seen[:-1], other)}), seen)


@pytest.mark.parametrize(
    ("reaction", "expected"),
    [
        (Reaction((("served", ""), ("done", ""))), [Expect(("served",)), Expect(("done",)), Silence(0.5)]),
        (Reaction((("error", "NO"),), 1008), [Expect(("error",), fields={"code": "NO"}), ExpectClose(1008)]),
        (Reaction(), [Silence(0.5)]),
        (Reaction((("frame", ""),)), [Expect(()), Silence(0.5)]),
    ],
)
def test_it_expects_what_was_seen_first(reaction: Reaction, expected: list[Any]) -> None:
    scenario = found({"n": 1}, reaction)
    assert list(scenario.steps) == [*OPENING.scenario.steps, Send({"n": 1}), *expected]


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "order", "note": 'a "quoted"\nline\t\\', "n": [1, 2.5, {"deep": True}], "a b.c": -1},
        {"id": "{id}", "unicode": "\u0080\ue000\U0010ffff\x7f\x01"},
        {"big": 2**70, "none": []},
    ],
)
def test_what_is_kept_is_read_again(frame: dict[str, Any]) -> None:
    scenario = found(frame, Reaction((("error", "NO"),), 1008), broken="/n")
    again, mistakes = parse_scenarios(tomllib.loads(as_toml([scenario]))["scenario"], "kept.toml", lambda _key: 0)
    assert mistakes == []
    assert again == (scenario,)


def test_a_frame_that_toml_cannot_hold_is_kept_as_its_text() -> None:
    text = as_toml([found({"none": None}, Reaction())])
    (again,), mistakes = parse_scenarios(tomllib.loads(text)["scenario"], "kept.toml", lambda _key: 0)
    assert mistakes == []
    assert msgspec.json.decode(again.steps[2].text) == {"none": None}  # type: ignore[union-attr]


def test_what_is_being_played_settles_after_each_frame() -> None:
    played = being_played(OPENING, [ClientTurn("order", {"n": 1}), ClientTurn("order", {"n": 2}, "/n")], 0.2)
    assert played.steps[2:] == (
        Send({"n": 1}), Settle(0.2), Send({"n": 2}, breaks_contract=True), Settle(0.2),
    )  # fmt: skip


def test_a_reaction_is_what_comes_before_the_next_frame() -> None:
    def sent(at_s: float) -> FrameSent:
        return FrameSent(at_s, "a", "message", JsonFrame({"type": "order"}))

    def came(at_s: float, value: dict[str, Any]) -> FrameReceived:
        return FrameReceived(at_s, "a", "message", JsonFrame(value))

    transcript = Transcript(
        "explored", "explored",
        (
            came(0.1, {"type": "welcome"}), sent(0.2), came(0.3, {"type": "served"}), sent(0.4),
            came(0.5, {"type": "error", "code": "NO"}), ConnectionClosed(0.6, "a", "message", 1008, "no"),
        ),
    )  # fmt: skip
    backend: Backend = BACKEND
    seen = reactions(backend, transcript, 2, 1)
    assert seen == (Reaction((("served", ""),)), Reaction((("error", "NO"),), 1008))
    assert str(seen[1]) == "error NO, close 1008"
    assert reactions(backend, transcript, 3, 1) is None
