"""Scenarios and steps: what a backend file may say, and every mistake in it at once."""

from __future__ import annotations

import tomllib

import msgspec
import pytest

from envparity.case import Boot
from envparity.errors import Mistake
from envparity.scenario import Scenario, expand, parse_scenarios, required_settings
from envparity.step import ACTIONS, Connect, Expect, ExpectClose, Send, UntilReady, action_of, amount_of, placeholders

EVERY_STEP = """
[[scenario]]
name = "everything"
group = "lifecycle"
title = "every kind of step"
disruptive = true
boot = { down = ["postgres"], settings = { B = "2", A = "1" } }
steps = [
  { connect = "valid", user_id = "google-oauth2|{digits}", headers = { X = "1" }, offer = ["v1"] },
  { expect = "welcome", fields = { "a.b" = "{setting:MAX}" }, capture = { thread = "id" }, within_s = "{setting:T}*2" },
  { expect = ["one", "two"], each = { id = "{uuid:m}" }, skip = ["pong"] },
  { send = { type = "history", thread = "{thread}" }, breaks_contract = true },
  { send_text = "{" },
  { send_size = "{setting:MAX}+1", frame = { type = "m" }, pad_field = "text" },
  { flood = { type = "ping" }, count = 3 },
  { silence_s = 0.3 },
  { connect = "none", on = "b", other_replica_than = "a", query = "token={token:valid}" },
  { expect_close = [1008, "x"], on = "b" },
  { expect_close = 1008, on = "b" },
  { stop_replica = "a" },
  { stopped = "a" },
  { start_replica = "a" },
  { restart = "postgres" },
  { cut = "redis" },
  { restore = "redis" },
  { until_ready = true },
  { close = 1000 },
]
"""


def parsed(text: str, carriers: tuple[str, ...] | None = None) -> tuple[tuple[Scenario, ...], list[Mistake]]:
    """The scenarios of a document, with the length of the key in place of the line."""
    return parse_scenarios(tomllib.loads(text)["scenario"], "backend.toml", len, carriers)


def keys(mistakes: list[Mistake]) -> list[str]:
    return [mistake.key.removeprefix("scenario[0].") for mistake in mistakes]


def wrong(steps: str) -> list[Mistake]:
    scenarios, mistakes = parsed(f'[[scenario]]\nname = "wrong"\nsteps = [{steps}]')
    assert scenarios == ()
    return mistakes


def test_every_kind_of_step_can_be_written() -> None:
    """Each action has a key, and its options are the fields of its struct."""
    (scenario,), mistakes = parsed(EVERY_STEP)
    assert mistakes == []
    assert {action_of(step) for step in scenario.steps} == set(ACTIONS)
    assert scenario.boot == Boot(down=("postgres",), settings=(("A", "1"), ("B", "2")))
    assert scenario.steps[9:11] == (ExpectClose(1008, "x", on="b"), ExpectClose(1008, None, on="b"))
    assert scenario.steps[17] == UntilReady()


def test_a_scenario_survives_json() -> None:
    """Scenarios are plain data: written as JSON and read back they are equal."""
    scenarios, _ = parsed(EVERY_STEP)
    assert msgspec.json.decode(msgspec.json.encode(scenarios), type=tuple[Scenario, ...]) == scenarios


def test_each_carrier_makes_a_scenario_of_its_own() -> None:
    """`carriers = "each"` expands to one scenario a carrier; an expanded one expands to itself."""
    each = Scenario("talk", carriers="each", steps=(Connect("valid"),))
    expanded = expand(each, ["header", "first_frame"])
    assert [(one.name, one.carriers) for one in expanded] == [
        ("talk[header]", "header"),
        ("talk[first_frame]", "first_frame"),
    ]
    assert expand(expanded[0], ["header", "first_frame"]) == (expanded[0],)


def test_the_settings_that_a_scenario_needs_are_known_before_it_is_played() -> None:
    """Whatever a placeholder asks of the environment is listed, amounts included."""
    (scenario,), _ = parsed(EVERY_STEP)
    assert required_settings(scenario) == {"MAX", "T"}


def test_placeholders_are_found_at_any_depth_but_not_in_the_form_of_a_user_id() -> None:
    """The form of a user id has placeholders of its own kind."""
    assert list(placeholders(Send({"a": ["{user}", {"b": "x{uuid:m}y"}], "c": 1}))) == [("user", ""), ("uuid", "m")]
    assert list(placeholders(Connect("valid", user_id="x|{digits}"))) == []


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("8192+1", 8193), (" 2 * 3 - 1.5 ", 4.5), ("1+2*3", 7)])
def test_amounts_are_sums_of_products(text: str, value: float) -> None:
    """A number that depends on a setting is written as a sum."""
    assert amount_of(text) == value


@pytest.mark.parametrize("text", ["", "a", "1+", "__import__('os')", "1/2", "--1"])
def test_nothing_else_is_an_amount(text: str) -> None:
    """No expression but a sum is evaluated."""
    with pytest.raises(ValueError, match="not a number or a sum"):
        amount_of(text)


def test_every_mistake_is_reported_at_once() -> None:
    """One reading names them all, each with its key and the line that `locate` knows."""
    scenarios, mistakes = parsed(
        """
        [[scenario]]
        name = "two words"
        volume = 11
        carriers = "pigeon"
        disruptive = "perhaps"
        steps = [{ connect = "vlid" }, { expect = 3, y = 1 }, "wait", { ping = 1 }, { send = {}, close = 1000 }]
        [[scenario]]
        title = "without a name or steps"
        steps = "none"
        """,
        carriers=("header",),
    )
    assert scenarios == ()
    assert [mistake.key for mistake in mistakes] == [
        "scenario[0].volume",
        "scenario[0].disruptive",
        "scenario[0].carriers",
        "scenario[0].name",
        "scenario[0].steps[0].connect",
        "scenario[0].steps[1].expect",
        "scenario[0].steps[1].y",
        "scenario[0].steps[2]",
        "scenario[0].steps[3]",
        "scenario[0].steps[4]",
        "scenario[1].steps",
        "scenario[1].name",
    ]
    assert mistakes[0].line == len("scenario[0].volume")
    assert "'expired'" in mistakes[4].expected


def test_names_are_unique() -> None:
    """Tests and replays select by name, so two scenarios cannot share one."""
    table = '[[scenario]]\nname = "twice"\nsteps = [{ connect = "valid" }]\n'
    scenarios, mistakes = parsed(table * 2)
    assert [one.name for one in scenarios] == ["twice"]
    assert [mistake.key for mistake in mistakes] == ["scenario[1].name"]


@pytest.mark.parametrize(
    ("steps", "key"),
    [
        ('{ send = {}, on = "b" }', "steps[0].send"),
        ('{ stop_replica = "a" }', "steps[0].stop_replica"),
        ('{ connect = "valid", other_replica_than = "z" }', "steps[0].connect"),
        ('{ connect = "valid" }, { send = { x = "{nobody}" } }', "steps[1].send"),
        ('{ connect = "valid" }, { send = { x = "{uuid}" } }', "steps[1].send"),
        ('{ connect = "valid" }, { send = { x = "{token:rusty}" } }', "steps[1].send"),
        ('{ connect = "valid" }, { flood = {}, count = "many" }', "steps[1].flood"),
        ('{ connect = "valid" }, { flood = {}, count = "{uuid:m}" }', "steps[1].flood"),
        ('{ connect = "valid" }, { expect_close = ["x"] }', "steps[1].expect_close"),
        ('{ connect = "valid" }, { send_size = 3, frame = {} }', "steps[1].pad_field"),
        ('{ connect = "valid" }, { until_ready = false }', "steps[1].until_ready"),
    ],
)
def test_a_step_that_cannot_be_played_is_a_mistake(steps: str, key: str) -> None:
    """What would only show while playing is found while reading, under the action's own key."""
    assert keys(wrong(steps)) == [key]


def test_a_carrier_is_looked_up_where_the_carriers_are_known() -> None:
    """A step's carrier must be one of the backend's; without a list nothing is said."""
    text = '[[scenario]]\nname = "one"\nsteps = [{ connect = "valid", carrier = "pigeon" }]'
    assert parsed(text)[1] == []
    assert keys(parsed(text, ("header",))[1]) == ["steps[0].connect"]


def test_what_was_captured_may_be_used_afterwards() -> None:
    """A captured name is a placeholder from the next step on."""
    captures = Expect(("x",), capture={"thread": "thread_id"})
    (scenario,), mistakes = parsed(
        '[[scenario]]\nname = "one"\nsteps = [{ connect = "valid" }, '
        '{ expect = "x", capture = { thread = "thread_id" } }, { send = { t = "{thread}" } }]'
    )
    assert mistakes == []
    assert scenario.steps[1] == captures
