"""`envparity record` of Socket.IO's clients that begin by long polling: what they do becomes a scenario that holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import socketio
from websockets.asyncio.client import connect

from envparity.config.backend import load_backend
from envparity.conversation.driver import play
from envparity.observe.transcript import Transcript
from envparity.recording.proxy import RecordingProxy
from envparity.recording.upstream import Upstream
from tests.envparity.recording.conversing import at, backend_file, proven, recorded, steps_of, written
from tests.envparity.recording.rooms import serving

pytestmark = pytest.mark.processes

DEADLINE_S = 300.0


class Chat:
    """A chat; `fault` changes what it says from then on."""

    def __init__(self) -> None:
        self.fault = ""
        self.server = socketio.AsyncServer(async_mode="asgi")
        self.server.on("connect", self.greet)
        self.server.on("say", self.say)
        self.app = socketio.ASGIApp(self.server)

    async def greet(self, sid: str, environ: object, auth: object) -> None:
        """Say hello."""
        await self.server.emit("hello", {"from": "the house", "rooms": 2 if self.fault != "polled" else 3}, to=sid)

    async def say(self, sid: str, text: str) -> None:
        """Have everybody hear it."""
        await self.server.emit("said", {"from": sid, "text": text if self.fault != "deaf" else ""})


async def of_the_library(authority: str) -> None:
    """As python-socketio does it: it goes over to a WebSocket before it says anything."""
    client, heard = socketio.AsyncClient(), asyncio.Event()
    client.on("said", lambda _: heard.set())
    async with asyncio.timeout(DEADLINE_S):
        await client.connect(f"http://{authority}")
        await client.emit("say", "Milk first")
        await heard.wait()
        await client.disconnect()


async def polling_alone(authority: str) -> None:
    """As python-socketio does it where it may do no more than poll."""
    client, heard = socketio.AsyncClient(), asyncio.Event()
    client.on("said", lambda _: heard.set())
    async with asyncio.timeout(DEADLINE_S):
        await client.connect(f"http://{authority}", transports=["polling"])
        await client.emit("say", "Milk first")
        await heard.wait()
        await client.disconnect()


async def of_a_page(authority: str) -> None:
    """As socket.io-client does it in a browser: it connects by long polling, polls on, and goes over meanwhile."""
    query = {"EIO": "4", "transport": "polling"}
    async with httpx.AsyncClient(base_url=f"http://{authority}/socket.io/", timeout=DEADLINE_S) as client:
        opened = (await client.get("", params=query)).text
        query["sid"] = opened.partition('"sid":"')[2].partition('"')[0]
        text = {"Content-Type": "text/plain;charset=UTF-8"}
        polled = asyncio.create_task(client.get("", params=query))
        await asyncio.sleep(0.05)  # the answer is awaited before there is any
        await client.post("", params=query, content="40", headers=text)
        assert "hello" in (await polled).text
        waits = asyncio.create_task(client.get("", params=query))
        await asyncio.sleep(0.05)
        url = f"ws://{authority}/socket.io/?EIO=4&transport=websocket&sid={query['sid']}"
        async with connect(url, proxy=None) as socket:
            await socket.send("2probe")
            assert await socket.recv() == "3probe"
            assert (await waits).text == "6"
            await socket.send("5")
            await socket.send('42["say","Milk first"]')
            while not str(await socket.recv()).startswith('42["said"'):
                pass


@pytest.mark.parametrize(
    ("client", "said", "faults"),
    [
        (of_the_library, ["http", "connect", "send", "expect", "send", "send", "expect", "expect"], ("deaf",)),
        (of_a_page, ["http", "http", "http", "connect", "send", "expect", "send"], ("deaf", "polled")),
    ],
)
async def test_a_client_that_begins_by_polling_is_recorded(
    client: Callable[[str], Awaitable[None]], said: list[str], faults: tuple[str, ...], tmp_path: Path
) -> None:
    """Clean at once with a session of its own, again by the file that is written, and red on a fault."""
    chat = Chat()
    with serving(chat.app) as port:
        trial, held = await proven(await recorded(port, client), port)
        steps = steps_of(held)
        assert [next(iter(step)) for step in steps] == [*said, "send", "expect", "close"]
        assert steps[0]["capture"] == {"sid": "/0/sid"}
        text = written(trial, held)
        backend = load_backend(backend_file(tmp_path, text))

        async def played() -> Transcript:
            upstream = Upstream(endpoint=at(port), settings={})
            return await play(backend.scenarios[0], upstream, backend, None)

        assert [(await played()).departure for _ in range(2)] == [None, None]
        for fault in faults:
            chat.fault = fault
            assert (await played()).departure is not None


async def test_a_client_that_polls_alone_is_recorded_as_a_session(tmp_path: Path) -> None:
    """Clean at once with a session of its own, again by the file that is written, and red on each fault."""
    chat = Chat()
    with serving(chat.app) as port:
        proxy = RecordingProxy(at(port))
        async with proxy.serving("127.0.0.1", 0) as there:
            await polling_alone(f"127.0.0.1:{there}")
        trial, held = await proven(proxy.recording, port)
        assert steps_of(held)[0]["transport"] == "polling"
        said = [next(iter(step)) for step in steps_of(held)]
        assert said == ["connect", "expect", "send", "expect", "expect", "send", "expect", "send", "close"]
        backend = load_backend(backend_file(tmp_path, written(trial, held)))

        async def played() -> Transcript:
            upstream = Upstream(endpoint=at(port), settings={})
            return await play(backend.scenarios[0], upstream, backend, None)

        assert [(await played()).departure for _ in range(2)] == [None, None]
        for chat.fault in ("deaf", "polled"):
            assert (await played()).departure is not None
