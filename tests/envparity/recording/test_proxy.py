"""The proxy by itself: what it passes on, where it listens, how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request, Response, WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from envparity.errors import LaunchError
from envparity.recording.events import HttpExchange, MessageReceived, MessageSent, WebSocketClosed
from envparity.recording.proxy import StopCondition, record
from tests.envparity.recording.conversing import at, recorded, visit
from tests.envparity.recording.rooms import PASSWORD, Rooms, app_of, serving
from tests.servers import free_port

MEBIBYTE = 1024 * 1024
DEADLINE_S = 300.0


def echoing() -> FastAPI:
    """It answers requests with what they were, and messages with themselves, and closes when it is told to."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
    async def answer(request: Request, path: str) -> Response:
        body = await request.body()
        return Response(body or path.encode(), 200, {"X-Method": request.method}, "application/octet-stream")

    @app.websocket("/echo")
    async def echo(socket: WebSocket) -> None:
        await socket.accept("v2" if "v2" in socket.scope["subprotocols"] else None)
        while True:
            message = await socket.receive()
            if message.get("text") == "leave":
                await socket.close(4004, "as you say")
                return
            if message["type"] == "websocket.disconnect":
                return
            if message.get("bytes") is not None:
                await socket.send_bytes(message["bytes"])
            else:
                await socket.send_text(message["text"])

    return app


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where it is."""
    with serving(echoing()) as there:
        yield there


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_messages_pass_untouched(port: int, compression: str | None) -> None:
    """Long ones, in pieces, bytes, compressed or not; with the subprotocol, and the backend's own close."""
    sent: list[str | bytes] = ["a" * MEBIBYTE, bytes(range(256)) * 400, "", "ö🫖"]

    async def client(authority: str) -> None:
        url, v2 = f"ws://{authority}/echo", Subprotocol("v2")
        async with connect(url, subprotocols=[v2], compression=compression, proxy=None, max_size=None) as socket:
            assert socket.subprotocol == v2
            for message in sent:
                await socket.send(message)
                assert await socket.recv() == message
            await socket.send([b"in ", b"pieces"])
            assert await socket.recv() == b"in pieces"
            await socket.send("leave")
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4004, "as you say")

    recording = await recorded(port, client, StopCondition(DEADLINE_S, once=True))
    first = recording.events
    assert [event.message for event in first if isinstance(event, MessageSent)] == [*sent, b"in pieces", "leave"]
    assert [event.message for event in first if isinstance(event, MessageReceived)] == [*sent, b"in pieces"]
    assert [(opened.by, opened.code, opened.reason) for opened in first if isinstance(opened, WebSocketClosed)] == [
        ("server", 4004, "as you say")
    ]


async def test_requests_pass_untouched(port: int) -> None:
    """Several over one connection, with and without a body; one that is long is passed on, and not kept."""
    long = os.urandom(3 * MEBIBYTE)

    async def client(authority: str) -> None:
        async with httpx.AsyncClient(base_url=f"http://{authority}") as http:
            assert (await http.get("/a?b=c")).text == "a"
            assert (await http.post("/p", json={"x": 1})).json() == {"x": 1}
            assert (await http.post("/long", content=long)).content == long
            assert (await http.delete("/d")).headers["x-method"] == "DELETE"
        async with connect(f"ws://{authority}/echo", proxy=None) as socket:
            await socket.send("over")

    recording = await recorded(port, client)
    exchanges = [event for event in recording.events if isinstance(event, HttpExchange)]
    assert [event.request for event in exchanges] == ["GET /a?b=c", "POST /p", "POST /long", "DELETE /d"]
    assert [event.body if event.body is None else event.body[:3] for event in exchanges] == ["", '{"x', None, ""]


async def test_what_is_no_http_passes_too() -> None:
    """It is not recorded, and that is said."""

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readexactly(5)).upper())
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    there: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    upstream = at(server.sockets[0].getsockname()[1])
    recording = asyncio.create_task(record(upstream, ("127.0.0.1", 0), StopCondition(DEADLINE_S), there.set_result))
    reader, writer = await asyncio.open_connection("127.0.0.1", await there)
    writer.write(b"\0\1abc")
    assert await reader.read() == b"\0\1ABC"
    writer.close()
    await writer.wait_closed()
    os.kill(os.getpid(), signal.SIGTERM)
    assert [len((await recording).events), len((await recording).notes)] == [0, 1]
    server.close()


async def test_a_port_that_somebody_has_is_the_machines_matter(port: int) -> None:
    """A backend that is not there, too."""
    with pytest.raises(LaunchError):
        await record(at(port), ("127.0.0.1", port), StopCondition(DEADLINE_S), lambda _: None)
    with pytest.raises(LaunchError):
        await record(at(free_port()), ("127.0.0.1", 0), StopCondition(DEADLINE_S), lambda _: None)


async def test_it_ends_when_its_time_is_over(port: int) -> None:
    """Although nobody came."""
    recording = await record(at(port), ("127.0.0.1", 0), StopCondition(0.1), lambda _: None)
    assert recording.events == []


async def test_whoever_is_connected_is_let_go_when_it_ends(port: int) -> None:
    """And is no client that has closed: the scenario closes for it."""

    async def client(authority: str) -> None:
        async with connect(f"ws://{authority}/echo", proxy=None) as socket:
            await socket.send("still here")
            await socket.recv()
            os.kill(os.getpid(), signal.SIGTERM)
            await socket.wait_closed()

    recording = await recorded(port, client, StopCondition(DEADLINE_S))
    assert [type(event).__name__ for event in recording.events] == ["WebSocketOpened", "MessageSent", "MessageReceived"]


async def test_ctrl_c_ends_the_recording_and_the_scenario_is_written(tmp_path: Path) -> None:
    """By the command line, as a process: it listens on 127.0.0.1 alone, and its output is a scenario."""
    with serving(app_of(Rooms())) as port:
        command = [sys.executable, "-m", "envparity", "record", "--upstream", f"http://127.0.0.1:{port}"]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=pipe, stderr=pipe)
        assert process.stderr is not None
        async with asyncio.timeout(DEADLINE_S):
            said = (await process.stderr.readline()).decode()
            found = re.search(r"http://(127\.0\.0\.1:\d+) on", said)
            assert found, said
            await visit(found[1])
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert b"[[scenario]]" in out
    assert PASSWORD.encode() not in out + err
    assert json.dumps(PASSWORD) not in out.decode()
