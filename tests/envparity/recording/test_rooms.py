"""A page's conversation, recorded by the proxy: what goes over is untouched, and what is written holds."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from envparity.config.backend import load_backend
from envparity.faces.cli.app import app
from envparity.recording.contracted import prove_contract
from envparity.recording.events import HttpExchange, MessageReceived, MessageSent, WebSocketClosed, WebSocketOpened
from envparity.recording.proving import DoesNotHold, played
from tests.envparity.recording.conversing import backend_file, proven, recorded, steps_of, visit, written
from tests.envparity.recording.rooms import PASSWORD, Rooms, app_of, serving


@pytest.fixture
def rooms() -> Rooms:
    """What is wrong with the backend, if anything is."""
    return Rooms()


@pytest.fixture
def port(rooms: Rooms) -> Iterator[int]:
    """Where the backend is."""
    with serving(app_of(rooms)) as there:
        yield there


async def test_what_goes_over_is_recorded_as_it_was(port: int, rooms: Rooms) -> None:
    """Requests, handshakes, messages that were compressed, and the close, in their order."""
    recording = await recorded(port, visit)
    kinds = [type(event) for event in recording.events]
    assert kinds == [
        HttpExchange,
        WebSocketOpened,
        MessageReceived,
        MessageSent,
        MessageReceived,
        MessageSent,
        MessageReceived,
        WebSocketClosed,
    ]
    exchange, opened = recording.events[0], recording.events[1]
    assert isinstance(exchange, HttpExchange)
    assert (exchange.request, exchange.status, exchange.body) == ("POST /api/rooms", 201, '{"topic":"tea"}')
    assert isinstance(opened, WebSocketOpened)
    assert any(name.lower() == "sec-websocket-extensions" for name, _ in opened.headers)
    heard = [event.message for event in recording.events if isinstance(event, MessageSent)]
    assert [len(rooms.heard), "Milk first" in heard[1], recording.notes] == [2, True, []]
    closed = recording.events[-1]
    assert isinstance(closed, WebSocketClosed)
    assert (closed.by, closed.code) == ("client", 1000)


async def test_what_is_written_is_clean_twice_and_red_on_a_fault(port: int, rooms: Rooms, tmp_path: Path) -> None:
    """Ids, sessions and names are no longer those of the recording; a text that is another is seen."""
    trial, held = await proven(await recorded(port, visit), port)
    text = written(trial, held)
    loaded = load_backend(backend_file(tmp_path, text))
    assert [loaded.scenarios[0].steps, loaded.volatile] == [held.scenario.steps, ("visit",)]
    assert [(await played(trial, held)).departure for _ in range(2)] == [None, None]
    rooms.fault = "deaf"
    departure = (await played(trial, held)).departure
    assert departure is not None
    assert next(iter(steps_of(held)[departure.step])) == "expect"


async def test_values_are_known_for_what_they_are(port: int) -> None:
    """What the backend made is captured, what the client made is made anew, and a password is a setting."""
    trial, held = await proven(await recorded(port, visit), port)
    http, connect, welcome, join, joined, say, said, close = steps_of(held)
    assert http == {
        "http": "POST /api/rooms",
        "headers": {"X-Pass": "{setting:X_PASS}"},
        "json": {"topic": "tea"},
        "status": 201,
        "capture": {"id": "/id"},
        "fields": {"topic": "tea"},
    }
    assert connect == {"connect": "none", "path": "/rooms/{id}", "query": {"lang": "en"}, "origin": "allowed"}
    assert welcome["capture"] == {"session": "/session"}
    assert join["send"] == {"type": "join", "session": "{session}", "username": "{user}"}
    assert joined["fields"] == {"who": "{user}", "members.0": "{user}"}
    assert "{uuid:" in say["send_text"]
    assert "{oat}" not in say["send_text"]  # nobody takes it for a placeholder
    assert {"text": "Milk first", "session": "{session}"}.items() <= said["fields"].items()
    assert close == {"close": 1000}
    assert (list(held.settings), held.volatile, PASSWORD in written(trial, held)) == (["X_PASS"], ("visit",), False)


async def test_a_contract_is_inferred_that_the_scenario_keeps(port: int, tmp_path: Path) -> None:
    """`envparity check` takes it as the backend's; a frame without what all had breaks it."""
    trial, held = await proven(await recorded(port, visit), port)
    (tmp_path / "asyncapi.yaml").write_text(await prove_contract(trial, held), encoding="utf-8")
    file = backend_file(tmp_path, written(trial, held))
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("\n[process]", '\ncontract = "asyncapi.yaml"\n[process]'), encoding="utf-8")
    (tmp_path / "environments").mkdir()
    environment = 'name = "local"\nbaseline = true\n[settings]\nX_PASS = "for a test"\n'
    (tmp_path / "environments" / "local.toml").write_text(environment, encoding="utf-8")
    options = ["--backend", str(file), "--environments", str(tmp_path / "environments")]
    result = CliRunner().invoke(app, ["check", *options])
    assert result.exit_code == 0, result.output
    backend = load_backend(file)
    transcript = await played(trial, held, backend)
    assert transcript.departure is None
    assert not [event for event in transcript.events if getattr(event, "violations", ())]


async def test_what_goes_another_way_again_is_not_written(port: int, rooms: Rooms) -> None:
    """The backend says something that it had not said: that is told, with the step."""
    recording = await recorded(port, visit)
    rooms.fault = "chatty"
    with pytest.raises(DoesNotHold, match="advert"):
        await proven(recording, port)


async def test_the_text_is_toml_that_says_what_was_proven(port: int) -> None:
    """Comments and all: what is read back are the steps."""
    trial, held = await proven(await recorded(port, visit), port)
    assert tomllib.loads(written(trial, held))["scenario"] == [held.table]
