"""What of a scenario takes a WebSocket is a mistake beside long polling, before anything is booted."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.backend import load_backend
from envparity.config.scenario_needs import unmet_by_environments
from envparity.errors import ConfigurationError
from envparity.model.deployment import Deployed
from envparity.model.environment import Environment
from envparity.model.reach import need
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect, Expect
from envparity.probe.choice import objection
from tests.envparity.launching import BACKEND as LAUNCHED

BACKEND = """
name = "chat"
websocket_path = "/chat"
[process]
command = ["chat"]
[tokens]
key_setting = "KEY"
issuer_setting = "ISSUER"
audience_setting = "AUDIENCE"
carriers = [{{ name = "offered", subprotocol = "jwt.{{token}}" }}, {{ name = "asked", query = "token" }}]
[frames]
codec = "{codec}"
[[scenario]]
name = "polled"
steps = [{{ connect = "valid", {connect} }}{more}]
"""


def mistakes(folder: Path, connect: str, codec: str = "engine-io", more: str = "") -> list[str]:
    """The keys that are wrong."""
    file = folder / "backend.toml"
    text = BACKEND.format(codec=codec, connect=f'transport = "polling", {connect}', more=more)
    file.write_text(text, encoding="utf-8")
    try:
        backend = load_backend(file)
    except ConfigurationError as error:
        return [mistake.key for mistake in error.mistakes]
    return [mistake.key for mistake in unmet_by_environments(backend, {})]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("subprotocol", '"v1"'),
        ("offer", '["v1"]'),
        ("compression", "false"),
    ],
)
def test_what_only_an_upgrade_can_say(option: str, said: str, tmp_path: Path) -> None:
    """There is no handshake of a WebSocket that could say it."""
    found = mistakes(tmp_path, f'carrier = "asked", {option} = {said}')
    assert found == [f"scenario[0].steps[0].connect.{option}"]


def test_what_the_backend_has_not(tmp_path: Path) -> None:
    """A codec that cannot poll, and a token that is carried by an upgrade."""
    key = "scenario polled: steps[0].transport"
    assert mistakes(tmp_path, 'carrier = "asked"') == []
    assert mistakes(tmp_path, 'carrier = "asked"', codec="json") == [key]
    assert mistakes(tmp_path, 'carrier = "offered"') == [key]
    assert mistakes(tmp_path, "path = '/'") == [key]


def test_frames_of_a_websocket_are_none_of_it(tmp_path: Path) -> None:
    """Below a session there is no connection to write to; a WebSocket that is opened in its place has one."""
    unread = ', { stop_reading = "a" }, { read_on = "a" }'
    expected = ["scenario polled: steps[1].stop_reading", "scenario polled: steps[2].read_on"]
    assert mistakes(tmp_path, 'carrier = "asked"', more=unread) == expected
    wire = ', { send_wire = "8100" }'
    assert mistakes(tmp_path, 'carrier = "asked"', more=wire) == ["scenario polled: steps[1].send_wire"]
    assert mistakes(tmp_path, 'carrier = "asked"', more=f', {{ connect = "valid" }}{wire}') == []


def test_where_one_may_only_look_it_is_left_out() -> None:
    """Each of its requests takes a connection; the same scenario by a WebSocket is played."""
    polled, others = (
        Scenario("s", steps=(Connect("valid", transport=transport), Expect(("welcome",)), Close(1000)))
        for transport in ("polling", "websocket")
    )
    deployed = Deployed("wss://example.org/ws")
    assert "long polling" in str(need(polled, LAUNCHED, Environment("live"), deployed))
    assert "long polling" not in str(need(others, LAUNCHED, Environment("live"), deployed))
    assert "long polling" in objection(polled, LAUNCHED, {})
    assert objection(others, LAUNCHED, {}) == ""
