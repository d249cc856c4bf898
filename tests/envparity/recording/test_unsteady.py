"""A backend that does not say everything in the same order, nor everything each time: what holds is written."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from websockets.asyncio.client import connect

from envparity.recording.proving import DoesNotHold, played
from tests.envparity.recording.conversing import proven, recorded, steps_of, written
from tests.envparity.recording.rooms import serving


def unsteady() -> FastAPI:
    """At `/turns` two answers come in another order each time, at `/ticks` a tick before the answer every other time,
    at `/users` only who is called ada may speak, and at `/never` a connection is refused from the second on.
    """
    app, numbers = FastAPI(), itertools.count()

    @app.websocket("/{kind}")
    async def talk(socket: WebSocket, kind: str) -> None:
        number = next(numbers)
        if kind == "never" and number:
            await socket.close(1008)
            return
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                frame = await socket.receive_json()
                for answer in answers(kind, number, frame):
                    await socket.send_json(answer)

    return app


def answers(kind: str, number: int, frame: dict[str, str]) -> list[dict[str, object]]:
    """What is said in that connection to that frame."""
    done: dict[str, object] = {"type": "done", "what": frame["text"]}
    if kind == "turns":
        both = [{"type": "left", "side": "l"}, {"type": "right", "side": "r"}]
        return [*(both if number % 2 else reversed(both)), done]
    if kind == "ticks" and number % 2 == 0:
        return [{"type": "tick"}, {"type": "tick"}, done]
    if kind == "users" and frame["user"] != "ada":
        return [{"type": "error"}]
    return [done]


@pytest.fixture
def port() -> Iterator[int]:
    """Where it is."""
    with serving(unsteady()) as there:
        yield there


async def ask(authority: str, kind: str, count: int) -> None:
    """Say one thing, and hear so many."""
    async with connect(f"ws://{authority}/{kind}", proxy=None) as socket:
        await socket.send(json.dumps({"type": "say", "user": "ada", "text": "tea"}))
        for _ in range(count):
            await socket.recv()


async def test_an_order_that_differs_is_left_open(port: int) -> None:
    """What came right after one another comes in any order, with all that is known of each."""
    trial, held = await proven(await recorded(port, lambda there: ask(there, "turns", 3)), port)
    unordered = steps_of(held)[2]["expect_unordered"]
    assert {frame["side"]: frame["type"] for frame in unordered if "side" in frame} == {"l": "left", "r": "right"}
    assert [(await played(trial, held)).departure for _ in range(2)] == [None, None]


async def test_what_comes_when_it_likes_is_proposed_as_ignored(port: int) -> None:
    """With the line for the backend's file; what is left is expected."""
    trial, held = await proven(await recorded(port, lambda there: ask(there, "ticks", 3)), port)
    assert held.ignored == ("tick",)
    assert '#   ignored_frames = ["tick"]' in written(trial, held).splitlines()
    assert [next(iter(step)) for step in steps_of(held)] == ["connect", "send", "expect", "close"]


async def test_names_that_cannot_be_made_up_stay(port: int) -> None:
    """Where the backend knows its users."""
    _, held = await proven(await recorded(port, lambda there: ask(there, "users", 1)), port)
    assert steps_of(held)[1]["send"]["user"] == "ada"
    assert steps_of(held)[2] == {"expect": "done", "fields": {"what": "tea"}}


async def test_a_refusal_is_told(port: int) -> None:
    """It is no matter of order."""
    recording = await recorded(port, lambda there: ask(there, "never", 1))
    with pytest.raises(DoesNotHold, match="403"):
        await proven(recording, port)
