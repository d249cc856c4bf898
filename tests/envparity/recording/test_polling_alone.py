"""`envparity record` of clients that never go over to a WebSocket: a session of long polling, or its requests."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse

from envparity.config.backend import load_backend
from envparity.conversation.contract.of_backend import contract_of
from envparity.conversation.driver import play
from envparity.faces.cli.app import app as program
from envparity.frames.codec import Posted
from envparity.frames.engine_io import EngineIo
from envparity.observe.plays import is_broken
from envparity.observe.transcript import Transcript
from envparity.recording.events import HttpExchange, Recording
from envparity.recording.proving import prove
from envparity.recording.proxy import RecordingProxy, StopCondition
from envparity.recording.proxy import record as record_until
from envparity.recording.saved_traffic import read_har
from envparity.recording.speech import likely_speech
from envparity.recording.trial import are_sessions_over, trial_of
from envparity.recording.turns import turns
from envparity.recording.upstream import Upstream
from tests.envparity.recording.conversing import at, backend_file, proven, steps_of, written
from tests.envparity.recording.rooms import serving
from tests.envparity.recording.test_saved_traffic import har_of

TOKEN = "open-sesame-4711"
DEADLINE_S = 300.0
POLLING = {"EIO": "4", "transport": "polling"}


async def left(request: Request) -> None:
    """Wait until the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


class House:
    """Engine.IO by long polling alone, in answers of `most` packets each; `fault` changes what it says."""

    def __init__(self, most: int = 1) -> None:
        self.most, self.fault, self.first = most, "", ["2"]
        self.waiting: dict[str, asyncio.Queue[str]] = {}
        self.app = FastAPI()
        self.app.add_api_route("/socket.io/", self.poll, methods=["GET"])
        self.app.add_api_route("/socket.io/", self.post, methods=["POST"])

    async def poll(self, request: Request) -> PlainTextResponse:
        """The next packets, as soon as there are any."""
        session = request.query_params.get("sid")
        if session is None:
            session = uuid.uuid4().hex
            self.waiting[session] = asyncio.Queue()
            return PlainTextResponse("0" + json.dumps({"sid": session, "upgrades": [], "pingInterval": 25000}))
        if session not in self.waiting:
            return PlainTextResponse("unknown session", 400)
        first = asyncio.ensure_future(self.waiting[session].get())
        gone = asyncio.ensure_future(left(request))
        await asyncio.wait({first, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not first.done():
            first.cancel()
            return PlainTextResponse("", 499)
        packets = [first.result()]
        while len(packets) < self.most and not self.waiting[session].empty():
            packets.append(self.waiting[session].get_nowait())
        return PlainTextResponse("\x1e".join(packets))

    async def post(self, request: Request) -> PlainTextResponse:
        """Take packets, and have what is said to them wait."""
        session = request.query_params["sid"]
        for packet in (await request.body()).decode().split("\x1e"):
            if packet.startswith("40"):
                assert json.loads(packet[2:])["token"] == TOKEN
                self._say(session, *self.first, f'40{{"sid":"{uuid.uuid4().hex}"}}', '42["hello",{"rooms":2}]')
            elif packet.startswith("42"):
                text = json.loads(packet[2:])[1] if self.fault != "deaf" else ""
                self._say(session, f'42["said",{json.dumps(text)}]')
                self._say(session, *(['42["more"]'] if self.fault != "short" else []))
            elif packet == "1":
                self._say(session, "6")
                del self.waiting[session]
        return PlainTextResponse("ok")

    def _say(self, session: str, *packets: str) -> None:
        for packet in packets:
            self.waiting[session].put_nowait(packet)


async def talk(authority: str, text: str = "Milk first") -> None:
    """Connect, answer a ping that has come, say something, hear it, and leave while a poll waits."""
    async with httpx.AsyncClient(base_url=f"http://{authority}/socket.io/", timeout=DEADLINE_S) as client:
        query = POLLING | {"sid": json.loads((await client.get("", params=POLLING)).text[1:])["sid"]}

        async def heard(*packets: str) -> None:
            left = list(packets)
            while left:
                text = (await client.get("", params=query)).text
                left = [packet for packet in left if packet not in text]

        await client.post("", params=query, content=f'40{{"token":"{TOKEN}"}}')
        await heard("40", "hello")
        await client.post("", params=query, content="3")
        await client.post("", params=query, content=f'42["say","{text}"]')
        await heard("said", "more")
        polled = asyncio.create_task(client.get("", params=query))
        await client.post("", params=query, content="1")
        await polled


async def polled_at(port: int, text: str = "Milk first") -> Recording:
    """What goes over when that client talks to the house."""
    proxy = RecordingProxy(at(port))
    async with proxy.serving("127.0.0.1", 0) as there:
        await talk(f"127.0.0.1:{there}", text)
    return proxy.recording


@pytest.fixture(params=[1, 16])
def house(request: pytest.FixtureRequest) -> House:
    """One that gives each packet alone, and one that gives all it has at once."""
    return House(request.param)


@pytest.fixture
def port(house: House) -> Iterator[int]:
    """Where it listens."""
    with serving(house.app) as there:
        yield there


async def test_what_is_polled_becomes_a_session(house: House, port: int, tmp_path: Path) -> None:
    """However its answers are cut; clean at once, by the file that is written, and red on a fault."""
    trial, held = await proven(await polled_at(port), port)
    said = [next(iter(step)) for step in steps_of(held)]
    assert said == ["connect", "expect", "send", "expect", "expect", "send", "expect", "expect", "close"]
    assert steps_of(held)[0] == {"connect": "none", "transport": "polling", "query": {"EIO": "4"}}
    await clean_and_red(house, port, written(trial, held), tmp_path)


async def test_what_is_polled_becomes_requests(house: House, port: int, tmp_path: Path) -> None:
    """Where a codec holds no such sessions: in as many answers as the backend makes of it."""
    house.first = []
    recording = await polled_at(port)
    trial = trial_of(recording, None, at(port), "recorded", {})
    trial = replace(trial, turns=turns(recording, trial.speech))
    held = await prove(trial)
    steps = steps_of(held)
    polls, posts = ([step for step in steps if step["http"].startswith(method)] for method in ("GET", "POST"))
    assert len(polls) == (5 if house.most == 1 else 3)
    assert [post["body"][:2] for post in posts] == ["40", "42", "1"]
    assert not any("headers" in step for step in steps)
    assert {name: value for poll in polls[1:3] for name, value in poll["fields"].items() if "hello" in str(value)}
    await clean_and_red(house, port, written(trial, held), tmp_path)


async def clean_and_red(house: House, port: int, text: str, folder: Path) -> None:
    """The scenario that was written is clean twice, and red on a fault; no secret is in it."""
    assert TOKEN not in text
    backend = load_backend(backend_file(folder, text))

    async def played() -> Transcript:
        upstream = Upstream(endpoint=at(port), settings={"TOKEN": TOKEN})
        return await play(backend.scenarios[0], upstream, backend, None)

    assert [(await played()).departure for _ in range(2)] == [None, None]
    house.fault = "short"
    assert (await played()).departure is not None


async def test_what_does_not_come_again_is_no_matter_of_how_it_is_cut(house: House, port: int, tmp_path: Path) -> None:
    """A backend that says less than it did: the recording does not hold."""
    recording = await polled_at(port)
    house.fault = "short"
    result = await record(port, recording, tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")


async def test_a_browsers_file_may_have_polls_alone(house: House, port: int, tmp_path: Path) -> None:
    """Of the host that was polled, with the codec that they are of; its contract is one that is kept, and broken."""
    recording = await polled_at(port)
    contract = tmp_path / "asyncapi.yaml"
    result = await record(port, recording, tmp_path, "--contract", str(contract))
    assert result.exit_code == 0, result.output
    read = read_har(tmp_path / "page.har")
    assert [event.request for event in read.events if isinstance(event, HttpExchange)] == [
        event.request for event in recording.events if isinstance(event, HttpExchange)
    ]
    assert likely_speech(read).name == "engine-io"
    assert TOKEN not in contract.read_text(encoding="utf-8")
    file = backend_file(tmp_path, result.stdout)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("\n[process]", '\ncontract = "asyncapi.yaml"\n[process]'), encoding="utf-8")
    backend = load_backend(file)
    said = contract_of(backend)
    assert said is not None
    upstream = Upstream(endpoint=at(port), settings={"TOKEN": TOKEN})
    assert not is_broken(await play(backend.scenarios[0], upstream, backend, said))
    house.fault = "deaf"
    assert is_broken(await play(backend.scenarios[0], upstream, backend, said))


async def test_a_recording_that_is_to_end_once_ends_with_the_session(port: int) -> None:
    """When it has said goodbye, and not before; a session that is up keeps it going."""
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    until = StopCondition(DEADLINE_S, once=True, is_over=lambda recording: are_sessions_over(recording, None))
    recorded = asyncio.create_task(record_until(at(port), ("127.0.0.1", 0), until, listening.set_result))
    there = await listening
    async with asyncio.timeout(DEADLINE_S / 2):
        await talk(f"127.0.0.1:{there}")
        recording = await recorded
    assert are_sessions_over(recording, None)
    goodbye = next(event for event in recording.events if isinstance(event, HttpExchange) and event.body == "1")
    before = Recording([event for event in recording.events if event.at_s < goodbye.at_s])
    assert any(isinstance(event, HttpExchange) for event in before.events)
    assert not are_sessions_over(before, None)


async def record(port: int, recording: Recording, folder: Path, *options: str) -> Result:
    """`envparity record` of that recording, saved as a browser saves it."""
    file = folder / "page.har"
    file.write_text(json.dumps(har_of(recording)), encoding="utf-8")
    command = ["record", "--upstream", f"http://127.0.0.1:{port}", "--har", str(file), *options]
    return await asyncio.to_thread(CliRunner().invoke, program, command)


def test_what_a_client_says_by_itself_is_no_frame() -> None:
    """A pong; and a close ends the session that the query names."""
    codec, target = EngineIo(), "/socket.io/?EIO=4&transport=polling&sid=abc"
    assert codec.posted(target, "3") == Posted()
    assert codec.posted(target, "3\x1e1") == Posted(({"type": "close"},), ends=True)
    assert codec.posted("/socket.io/?EIO=4", "1") is None
    assert codec.session(target) == "abc"
