"""Scenarios and steps: what a backend file may say."""

from __future__ import annotations

import msgspec
import pytest

from envparity.model.case import Boot
from envparity.model.scenario import Scenario, expand, required_settings
from envparity.model.step import (
    ACTIONS,
    BreakRequest,
    Connect,
    Expect,
    ExpectClose,
    Send,
    UntilReady,
    action_of,
    amount_of,
    placeholders,
)
from tests.envparity.config.scenario.parsing import keys, parsed

EVERY_STEP = """
[[scenario]]
name = "everything"
group = "lifecycle"
title = "every kind of step"
disruptive = true
replicas = 2
boot = { down = ["postgres"], settings = { B = "2", A = "1" }, clocks = [30], slow = { redis = 0.5 }, apart_s = 2 }
steps = [
  { connect = "valid", user_id = "google-oauth2|{digits}", headers = { X = "1" }, offer = ["v1"] },
  { http = "POST /login", form = { u = "{user}" }, status = [200, 303], cookies = true, capture = { x = "cookie:x" } },
  { http = "POST /k?x={x}", json = ["{user}"], status = 201, fields = { id = "{any}" }, within_s = "{setting:T}" },
  { expect = "welcome", fields = { "a.b" = "{setting:MAX}" }, capture = { thread = "id" }, within_s = "{setting:T}*2" },
  { expect = ["one", "two"], each = { id = "{uuid:m}" }, skip = ["pong"] },
  { send = { type = "history", thread = "{thread}" }, breaks_contract = true },
  { send_text = "{" },
  { send_json = [1, "{uuid:m}", { deep = ["{user}"] }] },
  { send_bytes = "hex:101a 0004" },
  { expect = { message = "{any}" } },
  { expect_text = '^0\\{"sid":"(?P<sid>[\\w-]{3,})"', skip = ["pong"] },
  { expect_json = [2, "{any}", { role = "{sid}" }], capture = { session = "/1" } },
  { expect_bytes = "text:^INFO (?P<info>.*)" },
  { expect_unordered = ["one", { info = "{info}", session = "{session}" }] },
  { send_size = "{setting:MAX}+1", frame = { type = "m" }, pad_field = "text" },
  { flood = { type = "ping" }, count = 3 },
  { silence_s = 0.3 },
  { settle_s = 0.2 },
  { send_wire = ["8101", "00"], every_s = 0.1 },
  { connect = "none", on = "b", other_replica_than = "a", query = "token={token:valid}" },
  { stop_reading = "a" },
  { read_on = "a" },
  { expect_close = [1008, "x"], on = "b" },
  { expect_close = 1008, on = "b" },
  { expect_close = [[1005, 1006]], on = "b" },
  { stop_replica = "a" },
  { kill_replica = "a" },
  { revoke = "a" },
  { connect = "valid", on = "c", same_token_as = "a" },
  { stopped = "a" },
  { start_replica = "a" },
  { restart = "postgres" },
  { command = { redis = ["XADD", "events", "*", "data", "{}", "{counter:n}"] } },
  { expect = { n = "{counter:n}" } },
  { cut = "redis" },
  { restore = "redis" },
  { slow = "postgres", by_s = 0.5, answers = 2 },
  { slow = "postgres", by_s = 0.5, reverse = true },
  { break_answer = "postgres" },
  { break_request = "postgres", nth = 3 },
  { restore = "postgres" },
  { black_hole = "redis", for_s = 2 },
  { hang_up = "redis", for_s = 2 },
  { refuse = "redis", for_s = 2 },
  { throttle = "a", for_s = 2 },
  { jump_clock = "a", by_s = -60 },
  { restart_all = 30 },
  { restart_replicas = 3 },
  { rotate = "idp", keep = true },
  { drop = "b" },
  { until_ready = true },
  { close = 1000 },
]
"""


def test_every_kind_of_step_can_be_written() -> None:
    """Each action has a key, and its options are the fields of its struct."""
    (scenario,), mistakes = parsed(EVERY_STEP)
    assert mistakes == []
    assert {action_of(step) for step in scenario.steps} == set(ACTIONS)
    assert scenario.boot == Boot(
        down=("postgres",), settings=(("A", "1"), ("B", "2")), clocks=(30.0,), slow=(("redis", 0.5),), apart_s=2.0
    )
    assert [step for step in scenario.steps if isinstance(step, ExpectClose)] == [
        ExpectClose(1008, "x", on="b"),
        ExpectClose(1008, None, on="b"),
        ExpectClose((1005, 1006), None, on="b"),
    ]
    assert scenario.steps[-2] == UntilReady()


def test_a_scenario_that_rotates_keys_is_played_alone() -> None:
    """Otherwise others would find their tokens refused."""
    _, (mistake,) = parsed('[[scenario]]\nname = "r"\nsteps = [{ rotate = "idp" }]')
    assert (mistake.key, mistake.action) == ("scenario[0].disruptive", "add disruptive = true")


@pytest.mark.parametrize(
    ("head", "steps", "key"),
    [
        ("", '{ slow = "redis", by_s = 1 }', "disruptive"),
        ("", "{ restart_all = 10 }", "disruptive"),
        ("disruptive = true", '{ connect = "valid" }, { jump_clock = "a", by_s = 9 }', "steps[1].jump_clock"),
        ("disruptive = true", '{ hang_up = "redis", beside = true }', "steps[0].hang_up"),
        ("disruptive = true", '{ restore = "redis" }', "steps[0].restore"),
        ("disruptive = true", '{ cut = "redis", for_s = 1 }, { restore = "redis" }', "steps[1].restore"),
        ("disruptive = true", '{ hang_up = "redis", for_s = 0 }', "steps[0].for_s"),
        ("disruptive = true", '{ throttle = "a", for_s = 1 }', "steps[0].throttle"),
        ("disruptive = true", '{ break_answer = "redis", nth = 0 }', "steps[0].nth"),
        ("disruptive = true", '{ break_answer = "redis", nth = [3, 2] }', "steps[0].nth"),
        ("disruptive = true", '{ break_request = "redis", nth = [1, 101] }', "steps[0].nth"),
        ("disruptive = true", '{ break_request = "redis", nth = [1, 2, 3] }', "steps[0].nth"),
        (
            "disruptive = true",
            '{ break_request = "redis", nth = [1, 2] }, { break_answer = "redis", nth = [1, 2] }',
            "steps[1].nth",
        ),
        ("boot = { clocks = [0, 30] }", '{ connect = "valid" }', "boot.clocks"),
        ("boot = { clocks = [1e12] }", '{ connect = "valid" }', "boot.clocks"),
        ("boot = { slow = { redis = 0 } }", '{ connect = "valid" }', "boot.slow.redis"),
        ("boot = { slow = { redis = 90 } }", '{ connect = "valid" }', "boot.slow.redis"),
        ("boot = { apart_s = 1 }", '{ connect = "valid" }', "boot.apart_s"),
        ("replicas = 2\nboot = { apart_s = 60 }", '{ connect = "valid" }', "boot.apart_s"),
        ("", '{ connect = "valid" }, { read_on = "a" }', "steps[1].read_on"),
        ("", '{ connect = "valid" }, { drop = "a" }, { send_text = "x" }', "steps[2].send_text"),
        ("boot = { clocks = [inf] }", '{ connect = "valid" }', "boot.clocks"),
    ],
)
def test_a_disturbance_that_could_not_be_or_would_do_nothing_is_a_mistake(head: str, steps: str, key: str) -> None:
    """Alone in its scenario, on what is there, undone where something was done, clocks for replicas that there are."""
    _, mistakes = parsed(f'[[scenario]]\nname = "d"\n{head}\nsteps = [{steps}]')
    assert keys(mistakes) == [key]


def test_a_scenario_survives_json() -> None:
    """Scenarios are plain data: written as JSON and read back they are equal."""
    scenarios, _ = parsed(EVERY_STEP)
    assert msgspec.json.decode(msgspec.json.encode(scenarios), type=tuple[Scenario, ...]) == scenarios


def test_each_carrier_makes_a_scenario_of_its_own() -> None:
    """`carriers = "each"` expands to one scenario a carrier; an expanded one expands to itself."""
    each = Scenario("talk", carriers="each", steps=(Connect("valid"),))
    expanded = expand(each, ["header", "first_frame"])
    assert [(scenario.name, scenario.carriers) for scenario in expanded] == [
        ("talk[header]", "header"),
        ("talk[first_frame]", "first_frame"),
    ]
    assert expand(expanded[0], ["header", "first_frame"]) == (expanded[0],)


def test_what_is_lost_in_turn_makes_a_scenario_for_each() -> None:
    """By the way to hand over tokens first; an expanded one expands to itself."""
    (lost,), mistakes = parsed(
        """
        [[scenario]]
        name = "lost"
        carriers = "each"
        disruptive = true
        steps = [{ connect = "valid" }, { break_request = "redis", nth = [2, 3] }, { close = 1000 }]
        """
    )
    assert mistakes == []
    expanded = expand(lost, ["header", "query"])
    assert [(each.name, each.steps[1]) for each in expanded] == [
        ("lost[header][2]", BreakRequest("redis", 2)),
        ("lost[header][3]", BreakRequest("redis", 3)),
        ("lost[query][2]", BreakRequest("redis", 2)),
        ("lost[query][3]", BreakRequest("redis", 3)),
    ]
    assert {len(each.steps) for each in expanded} == {3}
    assert expand(expanded[0], ["header", "query"]) == (expanded[0],)


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


@pytest.mark.parametrize(
    "step",
    [
        '{ send_text = "{not json}" }',
        '{ send = { x = "{}", y = "{1}", z = "a { b", s = "{ return 1; }" } }',
        "{ expect_text = '\\{nobody}x{2,3}' }",
        '{ expect_bytes = "text:[{]id[}]" }',
        "{ expect = {} }",
    ],
)
def test_braces_that_cannot_be_meant_for_a_placeholder_are_braces(step: str) -> None:
    """Text as it stands, JSON in text, repetitions and escaped braces of a pattern."""
    known = '[[scenario]]\nname = "x"\nsteps = [{ connect = "valid" }, { expect = "x", capture = { nobody = "id" } }'
    first, mistakes = parsed(f"{known.replace('nobody', 'other')}, {step.replace('{not json}', '{')}]")
    assert (len(first), mistakes) == (1, [])
