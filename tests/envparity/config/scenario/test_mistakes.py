"""Everything that can be wrong with a scenario and its steps."""

from __future__ import annotations

import pytest

from envparity.errors import Mistake
from tests.envparity.config.scenario.parsing import keys, parsed


def wrong(steps: str) -> list[Mistake]:
    scenarios, mistakes = parsed(f'[[scenario]]\nname = "wrong"\nsteps = [{steps}]')
    assert scenarios == ()
    return mistakes


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
        ('{ connect = "valid", same_token_as = "z" }', "steps[0].connect"),
        ('{ connect = "valid" }, { connect = "expired", on = "b", same_token_as = "a" }', "steps[1].connect"),
        ('{ connect = "valid", user = "x" }, { connect = "valid", same_token_as = "a" }', "steps[1].connect.user"),
        ('{ revoke = "a" }', "steps[0].revoke"),
        ('{ connect = "none" }, { revoke = "a" }', "steps[1].revoke"),
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


@pytest.mark.parametrize("key", ["other_host", "silent_start"])
def test_no_scenario_asks_for_what_a_thorough_run_boots_by_itself(key: str) -> None:
    """It makes these boots where they mean something."""
    text = f'[[scenario]]\nname = "x"\nsteps = [{{ connect = "none" }}]\nboot = {{ {key} = ["postgres"] }}'
    assert keys(parsed(text)[1]) == [f"boot.{key}"]


def test_a_second_time_has_three_ways() -> None:
    _, mistakes = parsed('[[scenario]]\nname = "x"\nsteps = [{ connect = "none" }]\nsecond = "often"')
    assert keys(mistakes) == ["second"]


def test_answers_in_reverse_order_are_all_of_them() -> None:
    """So many of them have no order of their own."""
    mistakes = wrong('{ slow = "redis", by_s = 1, answers = 2, reverse = true }')
    assert "steps[0].slow.reverse" in keys(mistakes)
