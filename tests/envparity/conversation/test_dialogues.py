"""Codecs that read a connection: what clients say by themselves is said, and every frame of a message is one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection

from envparity.conversation.driver import play
from envparity.conversation.machine import Conversation
from envparity.conversation.resolving import resolve_scenario
from envparity.frames.codec import Codec
from envparity.frames.engine_io import EngineIo
from envparity.frames.phoenix import Phoenix
from envparity.frames.signalr import SignalR
from envparity.judge.canonical import event_data
from envparity.model.backend import Backend, ImageSource, Phases
from envparity.model.deployed.target import Target
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect, Expect, ExpectClose, Flood, Send, SendSize, Silence, Step
from envparity.observe.transcript import Transcript
from envparity.probe.attempt import attempt
from envparity.probe.network import Network
from tests.envparity.conversation.one_server import Handler, serving

OPEN = '0{"sid":"s","pingInterval":100}'
"""What a server of Engine.IO says first."""

SILENCE_S = 0.2


def backend(codec: Codec) -> Backend:
    return Backend("b", Path("b.toml"), ImageSource(), codec=codec, phases=Phases(connect_s=9, message_s=9, close_s=9))


async def played(handler: Handler, codec: Codec, *steps: Step) -> Transcript:
    async with serving(handler, subprotocols=None) as stack:
        return await play(Scenario("one", "group", steps=steps), stack, backend(codec), None)


def said(transcript: Transcript) -> list[dict[str, Any]]:
    """The frames of a conversation that kept to its script, in both directions."""
    assert transcript.departure is None, transcript.departure
    return [event_data(event) for event in transcript.events[1:-1]]


async def engine(connection: ServerConnection) -> None:
    """Ping, and go on as soon as that is answered; send back all that comes then."""
    await connection.send(OPEN)
    assert await connection.recv() == "40"
    await connection.send("2")
    assert await connection.recv() == "3"
    await connection.send('40{"sid":"t"}')
    async for message in connection:
        await connection.send(message)


CONNECTED = (
    *(Connect("none"), Expect(("open",)), Send({"type": "connect"})),
    Expect(("connect",), capture={"sid": "data.sid"}),
)


async def test_a_ping_is_answered_and_is_no_frame() -> None:
    """Bytes that a frame holds come and go in messages of their own."""
    image = {"type": "event", "event": "image", "args": [{"$hex": "ff00"}]}
    transcript = await played(engine, EngineIo(), *CONNECTED, Send(image), Expect(("image",)), Close(1000))
    frames = said(transcript)
    assert [frame["type"] for frame in frames] == ["open", "connect", "connect", "event", "event"]
    assert frames[-2] == frames[-1] == image


async def test_what_belongs_to_a_flood_and_a_size() -> None:
    """Each of many frames with its bytes; a field inside of a frame is padded."""
    image, text = ({"type": "event", "event": name, "args": [{"$hex": "01"}]} for name in ("image", "text"))
    text["args"] = [{"body": ""}]
    steps = (Flood(image, 2), Expect(("image", "image")), SendSize(300, text, "args.0.body"), Expect(("text",)))
    frames = said(await played(engine, EngineIo(), *CONNECTED, *steps, Close(1000)))
    assert frames[-4:-2] == [image, image]
    assert len("4" + '2["text", ' + json.dumps(frames[-1]["args"][0]) + "]") == 300


async def test_pings_do_not_break_a_silence() -> None:
    """They belong to no conversation."""

    async def pinging(connection: ServerConnection) -> None:
        for _ in range(5):
            await connection.send("2")
            assert await connection.recv() == "3"
        await connection.send('42["over"]')
        await connection.wait_closed()

    said(await played(pinging, EngineIo(), Connect("none"), Expect(("over",)), Silence(SILENCE_S), Close(1000)))


async def test_heartbeats_are_sent_while_a_script_waits() -> None:
    """As often as the codec has it; what answers them is no frame."""
    beats: list[list[Any]] = []

    async def counting(connection: ServerConnection) -> None:
        async for message in connection:
            beats.append(json.loads(message))
            await connection.send(json.dumps([None, beats[-1][1], "phoenix", "phx_reply", {"status": "ok"}]))
            if len(beats) == 3:
                await connection.send('[null,null,"room","enough",{}]')

    frames = said(await played(counting, Phoenix(heartbeat_s=0.05), Connect("none"), Expect(("enough",)), Close(1000)))
    assert [frame["event"] for frame in frames] == ["enough"]
    assert beats[:3] == [[None, "heartbeat", "phoenix", "heartbeat", {}]] * 3


async def test_every_frame_of_a_message_waits_for_its_step() -> None:
    """In their order; and what is read before the other side is gone is read, though it cannot be answered."""

    async def several(connection: ServerConnection) -> None:
        await connection.send('{}\x1e{"type":1,"target":"A","arguments":[]}\x1e{"type":3,')
        await connection.send('"invocationId":"1"}\x1e{"type":7}\x1e')

    steps = (Connect("none"), Expect(("handshake", "A", "completion", "close")), ExpectClose(1000))
    assert len(said(await played(several, SignalR(), *steps))) == 4


async def test_a_new_connection_begins_anew() -> None:
    """Also under the name of one that left in the middle of a frame."""

    async def broken_off(connection: ServerConnection) -> None:
        await connection.send('{"type":1,"target":"whole","arguments":[]}\x1e{"type":1,')
        await connection.wait_closed()

    steps = (Connect("none"), Expect(("whole",)), Close(1000))
    transcript = await played(broken_off, SignalR(), *steps, *steps)
    assert transcript.departure is None


async def test_a_probe_says_it_too() -> None:
    """What is deployed is held a conversation with as clients hold it."""
    scenario = Scenario("one", "group", steps=(*CONNECTED, Close(1000)))
    script = resolve_scenario(scenario, backend(EngineIo()), {}, "http://localhost", now_s=0)
    async with serving(engine, subprotocols=None) as stack:
        network = Network(Target("ws", "127.0.0.1", stack.endpoint.address[1], ""), None)
        held = await attempt(Conversation(scenario, script), network, 9)
    assert len(said(held.transcript)) == 3
