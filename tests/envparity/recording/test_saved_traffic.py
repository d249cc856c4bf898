"""Recordings that come from a file: a browser's HAR, and a line of JSON for each message."""

from __future__ import annotations

import base64
import json
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from envparity.faces.cli.app import app
from envparity.recording.events import Event, HttpExchange, MessageSent, Recording, WebSocketClosed, WebSocketOpened
from envparity.recording.saved_traffic import read_har, read_transcript
from tests.envparity.recording.conversing import recorded, visit
from tests.envparity.recording.rooms import PASSWORD, Rooms, app_of, serving
from tests.servers import free_port

BEGAN = 1_800_000_000.0


@pytest.fixture
def port() -> Iterator[int]:
    """A backend of rooms."""
    with serving(app_of(Rooms())) as there:
        yield there


@pytest.fixture
async def recording(port: int) -> Recording:
    """A visit of its rooms."""
    return await recorded(port, visit)


def har_of(recording: Recording) -> dict[str, Any]:
    """The same as a HAR file, as Chromium writes one, with a request to somebody else."""
    entries: dict[str, dict[str, Any]] = {}
    for number, event in enumerate(recording.events):
        if isinstance(event, HttpExchange):
            entries[str(number)] = entry_of(
                event.at_s, event.method, f"http://127.0.0.1:1{event.target}", event.headers
            )
            entries[str(number)]["time"] = event.took_s * 1000
            entries[str(number)]["request"]["postData"] = {"mimeType": "application/json", "text": event.body}
            entries[str(number)]["response"] |= {"status": event.status, "content": {"text": event.answer}}
        elif isinstance(event, WebSocketOpened):
            made = entry_of(event.at_s, "GET", f"ws://127.0.0.1:1{event.target}", event.headers)
            entries[event.connection] = made | {"_webSocketMessages": []}
            made["response"]["status"] = 101
        elif not isinstance(event, WebSocketClosed):
            kind = "send" if isinstance(event, MessageSent) else "receive"
            message = {"type": kind, "time": BEGAN + event.at_s, "opcode": 1, "data": event.message}
            entries[event.connection]["_webSocketMessages"].append(message)
    entries["other"] = entry_of(0.1, "GET", "https://cdn.example/app.js", ())
    return {"log": {"version": "1.2", "entries": list(entries.values())}}


def entry_of(at_s: float, method: str, url: str, headers: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """One request, which nobody has answered yet."""
    given = [{"name": name, "value": value if name.lower() != "host" else "127.0.0.1:1"} for name, value in headers]
    given = [
        header if header["name"].lower() != "origin" else header | {"value": "http://127.0.0.1:1"} for header in given
    ]
    return {
        "startedDateTime": datetime.fromtimestamp(BEGAN + at_s, UTC).isoformat(),
        "time": 4.0,
        "request": {"method": method, "url": url, "headers": [{"name": ":method", "value": method}, *given]},
        "response": {"status": 200, "headers": [], "content": {}},
    }


def record_command(port: int, *options: str) -> Result:
    """`envparity record` with these options."""
    return CliRunner().invoke(app, ["record", "--upstream", f"http://127.0.0.1:{port}", *options])


def transcript_of(events: list[Event]) -> str:
    """A file with these."""
    return "\n".join(msgspec.json.encode(event).decode() for event in events) + "\n"


def test_a_har_file_and_a_transcript_give_the_scenario_that_the_proxy_gives(
    port: int, recording: Recording, tmp_path: Path
) -> None:
    """All three by the command line: the steps are the same, and the password is in no output."""
    (tmp_path / "page.har").write_text(json.dumps(har_of(recording)), encoding="utf-8")
    (tmp_path / "lines.ndjson").write_text(transcript_of(recording.events), encoding="utf-8")
    made = []
    for option, name in (("--har", "page.har"), ("--transcript", "lines.ndjson")):
        out = tmp_path / f"{name}.toml"
        result = record_command(port, option, str(tmp_path / name), "--out", str(out))
        assert result.exit_code == 0, result.output
        text = out.read_text(encoding="utf-8")
        assert PASSWORD not in text + result.output
        made.append(tomllib.loads(text)["scenario"][0]["steps"])
    assert made[0] == made[1]
    assert [next(iter(step)) for step in made[0]] == [
        *("http", "connect", "expect", "send", "expect", "send_text", "expect", "close")
    ]


def test_a_har_file_is_read_by_what_chromium_writes(recording: Recording, tmp_path: Path) -> None:
    """Messages in their order with their connection, bytes, no pseudo-headers; what is another host's is told."""
    har = har_of(recording)
    data = base64.b64encode(b"\0\1").decode()
    socket = next(entry for entry in har["log"]["entries"] if "_webSocketMessages" in entry)
    socket["_webSocketMessages"].append({"type": "send", "time": BEGAN + 60, "opcode": 2, "data": data})
    (tmp_path / "page.har").write_text(json.dumps(har), encoding="utf-8")
    read = read_har(tmp_path / "page.har")
    assert [type(event) for event in read.events[:-1]] == [type(event) for event in recording.events[:-1]]
    last = read.events[-1]
    assert isinstance(last, MessageSent)
    assert (last.message, len(read.notes)) == (b"\0\1", 1)
    assert not [name for event in read.events for name, _ in getattr(event, "headers", ()) if name.startswith(":")]


def test_lines_may_say_json_and_no_time(tmp_path: Path) -> None:
    """What somebody writes by hand is short, and in the order in which it stands."""
    lines = ['{"kind": "open", "target": "/ws"}', '{"kind": "sent", "json": {"type": "ping"}}', '{"kind": "close"}']
    (tmp_path / "lines").write_text("\n".join(lines), encoding="utf-8")
    read = read_transcript(tmp_path / "lines")
    assert read.events == [WebSocketOpened(target="/ws"), MessageSent(json={"type": "ping"}), WebSocketClosed()]
    sent = read.events[1]
    assert isinstance(sent, MessageSent)
    assert sent.message == '{"type":"ping"}'


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """With exit code 2, before anything is asked of anybody."""
    there = tmp_path / "there"
    there.write_text("", encoding="utf-8")
    options = ["--har", "a.har", "--transcript", "b", "--listen", "nowhere", "--name", "no name", "--out", str(there)]
    settings = str(tmp_path / "none.env")
    result = CliRunner().invoke(app, ["record", "--upstream", "127.0.0.1:80", "--settings", settings, *options])
    assert result.exit_code == 2
    for key in ("--upstream", "--transcript", "--listen", "--name", "--out", "--settings"):
        assert key in result.output


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:80/ws", "https://a.example/ws", "ftp://127.0.0.1:1", "nonsense", "http://"]
)
def test_what_is_no_address_of_a_backend_is_refused(url: str) -> None:
    """With exit code 2: a path, another scheme, no URL."""
    result = CliRunner().invoke(app, ["record", "--upstream", url])
    assert (result.exit_code, "--upstream" in result.output) == (2, True)


def test_a_backend_that_is_not_there_is_the_machines_matter() -> None:
    """With exit code 3, and nobody is listened to."""
    result = record_command(free_port())
    assert (result.exit_code, "passes" in result.output) == (3, False)


def test_a_file_is_not_played_where_no_backend_answers(tmp_path: Path) -> None:
    """With exit code 3, and nothing is written."""
    (tmp_path / "lines").write_text('{"kind": "open", "target": "/ws"}\n', encoding="utf-8")
    out = tmp_path / "out.toml"
    result = record_command(free_port(), "--transcript", str(tmp_path / "lines"), "--out", str(out))
    assert (result.exit_code, out.exists()) == (3, False)


def test_lines_that_are_none_are_told_by_their_numbers(tmp_path: Path) -> None:
    """All of them, with exit code 2."""
    (tmp_path / "lines").write_text('{"kind": "open"}\n{"kind": "nod"}\n\nnot JSON\n', encoding="utf-8")
    result = record_command(1, "--transcript", str(tmp_path / "lines"))
    assert result.exit_code == 2
    assert "lines:2" in result.output
    assert "lines:4" in result.output


def test_a_recording_without_a_websocket_is_none(tmp_path: Path) -> None:
    """With exit code 2, for both files."""
    (tmp_path / "lines").write_text('{"kind": "http", "request": "GET /"}\n', encoding="utf-8")
    (tmp_path / "har").write_text('{"log": {"entries": []}}', encoding="utf-8")
    assert record_command(1, "--transcript", str(tmp_path / "lines")).exit_code == 2
    assert record_command(1, "--har", str(tmp_path / "har")).exit_code == 2


def test_what_does_not_hold_is_told_and_not_written(port: int, tmp_path: Path) -> None:
    """Exit code 1: this backend has no such room."""
    lines = '{"kind": "open", "target": "/rooms/x"}\n{"kind": "received", "json": {"type": "welcome"}}\n'
    (tmp_path / "lines").write_text(lines, encoding="utf-8")
    out = tmp_path / "out.toml"
    result = record_command(port, "--transcript", str(tmp_path / "lines"), "--out", str(out))
    assert (result.exit_code, out.exists()) == (1, False)
    assert "403" in result.output
