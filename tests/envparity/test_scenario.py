"""Scenarios and steps: what a backend file may say, and every mistake in it at once."""

from __future__ import annotations

import tomllib

import msgspec
import pytest

from envparity.auth.jwt_shared_key import SharedKeyJwt
from envparity.auth.scheme import token_kinds
from envparity.config.scenario import parse_scenarios
from envparity.errors import Mistake
from envparity.model.case import Boot
from envparity.model.scenario import Scenario, expand, required_settings
from envparity.model.step import (
    ACTIONS,
    Connect,
    Expect,
    ExpectClose,
    Send,
    UntilReady,
    action_of,
    amount_of,
    placeholders,
)

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
  { stopped = "a" },
  { start_replica = "a" },
  { restart = "postgres" },
  { command = { redis = ["XADD", "events", "*", "data", "{}", "{counter:n}"] } },
  { expect = { n = "{counter:n}" } },
  { cut = "redis" },
  { restore = "redis" },
  { slow = "postgres", by_s = 0.5, answers = 2 },
  { break_answer = "postgres" },
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


def parsed(text: str, carriers: tuple[str, ...] | None = None) -> tuple[tuple[Scenario, ...], list[Mistake]]:
    """The scenarios of a document, with the length of the key in place of the line."""
    return parse_scenarios(tomllib.loads(text)["scenario"], "backend.toml", len, carriers, token_kinds(SharedKeyJwt))


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
        ("disruptive = true", '{ restore = "redis" }', "steps[0].restore"),
        ("disruptive = true", '{ cut = "redis", for_s = 1 }, { restore = "redis" }', "steps[1].restore"),
        ("disruptive = true", '{ hang_up = "redis", for_s = 0 }', "steps[0].for_s"),
        ("disruptive = true", '{ throttle = "a", for_s = 1 }', "steps[0].throttle"),
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
    assert [scenario.name for scenario in scenarios] == ["twice"]
    assert [mistake.key for mistake in mistakes] == ["scenario[1].name"]


@pytest.mark.parametrize(
    ("steps", "key"),
    [
        ('{ send = {}, on = "b" }', "steps[0].send"),
        ('{ stop_replica = "a" }', "steps[0].stop_replica"),
        ('{ connect = "valid", other_replica_than = "z" }', "steps[0].connect"),
        ('{ connect = "valid", other_worker_than = "z" }', "steps[0].connect"),
        ('{ connect = "valid" }, { send = { x = "{nobody}" } }', "steps[1].send"),
        ('{ connect = "valid" }, { send = { x = "{uuid}" } }', "steps[1].send"),
        ('{ connect = "valid" }, { send = { x = "{token:rusty}" } }', "steps[1].send"),
        ('{ connect = "valid" }, { flood = {}, count = "many" }', "steps[1].flood"),
        ('{ connect = "valid" }, { flood = {}, count = "{uuid:m}" }', "steps[1].flood"),
        ('{ connect = "valid" }, { expect_close = ["x"] }', "steps[1].expect_close"),
        ('{ connect = "valid" }, { send_size = 3, frame = {} }', "steps[1].pad_field"),
        ('{ connect = "valid" }, { until_ready = false }', "steps[1].until_ready"),
        ('{ http = "login" }', "steps[0].http"),
        ("{ command = { redis = [] } }", "steps[0].command"),
        ("{ command = {} }", "steps[0].command"),
        ('{ command = { redis = ["PING"], other = ["PING"] } }', "steps[0].command"),
        ('{ command = { redis = ["PING", "{nobody}"] } }', "steps[0].command"),
        ('{ connect = "valid" }, { expect = { n = "{counter:n}" } }', "steps[1].expect"),
        ('{ connect = "valid" }, { send = { n = "{counter}" } }', "steps[1].send"),
        ('{ connect = "valid", from = "" }', "steps[0].connect.from"),
        ('{ connect = "valid", from = "{user}" }', "steps[0].connect.from"),
        ('{ connect = "valid", from = 7 }', "steps[0].from"),
        ('{ http = "GET /x", from = "A b" }', "steps[0].http.from"),
        ("{ repeat = 3 }", "steps[0]"),
        ('{ http = "post /login" }', "steps[0].http"),
        ('{ http = "POST login" }', "steps[0].http"),
        ('{ http = "POST /x", json = {}, body = "" }', "steps[0].http"),
        ('{ http = "GET /x", status = 101 }', "steps[0].http.status"),
        ('{ http = "GET /x", status = [] }', "steps[0].status"),
        ('{ http = "GET /x", headers = { "a b" = "" } }', "steps[0].http.headers"),
        ('{ http = "GET /x", cookies = true, headers = { Cookie = "a=b" } }', "steps[0].http.cookies"),
        ('{ http = "GET /x", capture = { x = "cookie:sid" } }', "steps[0].http.capture"),
        ('{ http = "GET /x", capture = { x = "header:" } }', "steps[0].http.capture"),
        ('{ http = "GET /{nobody}" }', "steps[0].http"),
        ('{ http = "GET /x" }, { send = {} }', "steps[1].send"),
        ('{ connect = "valid", path = "ws" }', "steps[0].connect.path"),
        ('{ connect = "valid", path = "/a b" }', "steps[0].connect.path"),
        ('{ connect = "valid", path = "/{room}" }', "steps[0].connect"),
        ('{ connect = "valid", path = "/?a=1", query = "b=2" }', "steps[0].connect.query"),
        ('{ connect = "valid", query = "a=b c" }', "steps[0].connect.query"),
        ('{ connect = "valid", query = { "{user}" = "x" } }', "steps[0].connect.query"),
        ('{ connect = "valid", query = { a = { b = 1 } } }', "steps[0].query"),
        ('{ connect = "valid", cookies = { "a b" = "x" } }', "steps[0].connect.cookies"),
        ('{ connect = "valid", cookies = { a = "x" }, headers = { cookie = "b=y" } }', "steps[0].connect.cookies"),
        ('{ connect = "valid" }, { expect = [] }', "steps[1].expect"),
        ('{ connect = "valid" }, { expect = { a = 1 }, fields = { b = 1 } }', "steps[1].expect"),
        ('{ connect = "valid" }, { expect = {}, each = { b = 1 } }', "steps[1].expect"),
        ('{ connect = "valid" }, { expect = "x", skip = ["{user}"] }', "steps[1].expect.skip"),
        ('{ connect = "valid" }, { expect = "x", capture = { user = "id" } }', "steps[1].expect"),
        ('{ connect = "valid" }, { expect = "x", capture = { "a-b" = "id" } }', "steps[1].expect"),
        ('{ connect = "valid", offer = ["v1.{user}"] }', "steps[0].connect.offer"),
        ('{ connect = "valid" }, { send = { "{user}" = 1 } }', "steps[1].send"),
        ('{ connect = "valid" }, { send = { x = "{ user }" } }', "steps[1].send"),
        ('{ connect = "valid" }, { send = { x = "{setting.URL}" } }', "steps[1].send"),
        ('{ connect = "valid" }, { send_json = [{ x = "{uuid m}" }] }', "steps[1].send_json"),
        ('{ connect = "valid" }, { send = { x = "{any}" } }', "steps[1].send"),
        ('{ connect = "valid" }, { expect = { x = "a {any}" } }', "steps[1].expect"),
        ('{ connect = "valid" }, { send = { x = "{origin:x}" } }', "steps[1].send"),
        ('{ connect = "valid" }, { send_bytes = "101a" }', "steps[1].send_bytes"),
        ('{ connect = "valid" }, { send_bytes = "hex:1" }', "steps[1].send_bytes"),
        ('{ connect = "valid" }, { send_bytes = "base64:?" }', "steps[1].send_bytes"),
        ('{ connect = "valid" }, { expect_bytes = "hex:1?" }', "steps[1].expect_bytes"),
        ('{ connect = "valid" }, { expect_bytes = "text:(" }', "steps[1].expect_bytes"),
        ('{ connect = "valid" }, { expect_text = "(" }', "steps[1].expect_text"),
        ('{ connect = "valid" }, { expect_text = "(?P<uuid>x)" }', "steps[1].expect_text"),
        ('{ connect = "valid" }, { expect_text = "{nobody}" }', "steps[1].expect_text"),
        ('{ connect = "valid" }, { expect_unordered = ["x"] }', "steps[1].expect_unordered"),
        ('{ connect = "valid" }, { expect_close = [1000, "", 3] }', "steps[1].expect_close"),
        ('{ connect = "valid" }, { expect_close = [[]] }', "steps[1].expect_close"),
        ('{ connect = "valid" }, { expect_close = [[1006, 10]] }', "steps[1].expect_close"),
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


def test_a_connect_that_is_wrong_is_one_mistake() -> None:
    """What it would have opened is open for the steps behind it; so is what a wrong step would have captured."""
    steps = (
        '{ connect = "valid", on = "b", orign = "x" }, { send = { type = "m" }, on = "b" }, { close = 1000, on = "b" }'
    )
    assert keys(wrong(steps)) == ["steps[0].orign"]
    steps = '{ connect = "valid" }, { expect = "a", capture = { id = "id" }, within = 3 }, { send = { type = "{id}" } }'
    assert keys(wrong(steps)) == ["steps[1].within"]


@pytest.mark.parametrize("headers", ['{ "a b" = "1" }', '{ "" = "1" }', '{ x_y = "1\\r\\nX: 2" }'])
def test_headers_are_names_and_lines(headers: str) -> None:
    """An underscore is part of a name; a line break would make another header."""
    assert keys(wrong(f'{{ connect = "none", headers = {headers} }}')) == ["steps[0].connect.headers"]
    scenarios, mistakes = parsed(
        '[[scenario]]\nname = "x"\nsteps = [{ connect = "none", headers = { access_token = "t" } }]'
    )
    assert (len(scenarios), mistakes) == (1, [])


@pytest.mark.parametrize("where", ['part = "orders"', 'part = "starting"', "boot = { hasten = 4 }"])
def test_a_second_time_is_not_spoken_of_where_nobody_comes_back(where: str) -> None:
    """It would have no effect; to say what goes without saying does no harm."""
    text = '[[scenario]]\nname = "x"\nsteps = [{ connect = "none" }]\nsecond = "%s"\n'
    _, mistakes = parsed(text % "same" + where)
    assert keys(mistakes) == ["second"]
    assert parsed(text % "differs" + where)[1] == []
    (scenario,), _ = parsed(text % "same")
    assert scenario.second == "same"


def test_a_second_time_has_three_ways() -> None:
    _, mistakes = parsed('[[scenario]]\nname = "x"\nsteps = [{ connect = "none" }]\nsecond = "often"')
    assert keys(mistakes) == ["second"]
