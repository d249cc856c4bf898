"""A client of the rooms, and the recording of what it says: what tests of recordings share."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import httpx
from websockets.asyncio.client import connect
from websockets.typing import Origin

from envparity.launch.port import Endpoint
from envparity.model.backend import Backend
from envparity.recording.events import Recording
from envparity.recording.proving import Proven, Trial, prove
from envparity.recording.proxy import StopCondition, record
from envparity.recording.toml_text import scenario_text
from envparity.recording.trial import trial_of
from tests.envparity.recording.rooms import PASSWORD

Client = Callable[[str], Awaitable[None]]

BACKEND = """name = "rooms"
{keys}
[process]
command = ["true"]
{tables}
"""


def at(port: int) -> Endpoint:
    """The backend at that port of this machine."""
    return Endpoint(("127.0.0.1", port), f"127.0.0.1:{port}", None)


async def visit(authority: str) -> None:
    """Make a room, enter it, say who one is and something, and leave."""
    async with httpx.AsyncClient(base_url=f"http://{authority}", headers={"X-Pass": PASSWORD}) as client:
        room = (await client.post("/api/rooms", json={"topic": "tea"})).json()
    url, origin = f"ws://{authority}/rooms/{room['id']}?lang=en", f"http://{authority}"
    async with connect(url, origin=Origin(origin), proxy=None) as socket:
        welcome = json.loads(await socket.recv())
        await socket.send(json.dumps({"type": "join", "session": welcome["session"], "username": "ada"}))
        await socket.recv()
        said = {"type": "say", "id": str(uuid.uuid4()), "text": "Milk first", "tag": "{oat}", "mood": None}
        await socket.send(json.dumps(said))
        await socket.recv()
    assert socket.close_code == 1000  # the backend's echo has come through


ONE_CONNECTION: Final = StopCondition(60, once=True)


async def recorded(port: int, client: Client, until: StopCondition = ONE_CONNECTION) -> Recording:
    """What goes over when that client talks to the backend at that port."""
    loop = asyncio.get_running_loop()
    there: asyncio.Future[int] = loop.create_future()
    recording = asyncio.create_task(record(at(port), ("127.0.0.1", 0), until, there.set_result))
    recording.add_done_callback(lambda _: there.cancel())
    await client(f"127.0.0.1:{await there}")
    return await recording


async def proven(
    recording: Recording, port: int, backend: Backend | None = None, settings: dict[str, str] | None = None
) -> tuple[Trial, Proven]:
    """What of that recording holds on the backend at that port."""
    trial = trial_of(recording, backend, at(port), "recorded", settings or {})
    return trial, await prove(trial)


def written(trial: Trial, held: Proven, *, with_file: bool = False) -> str:
    """What is written of it."""
    return scenario_text(held, trial.backend, None if with_file else trial.speech, "a test")


def backend_file(folder: Path, text: str) -> Path:
    """A backend file with that scenario, in which the proposed keys stand where the comments say."""
    proposed = [line.removeprefix("#   ") for line in text.splitlines() if line.startswith("#   ") and " = " in line]
    codec = [line for line in proposed if line.startswith(("codec", "type"))]
    keys = "\n".join(line for line in proposed if line not in codec)
    tables = "\n".join(["[frames]", *codec]) if codec else ""
    file = folder / "backend.toml"
    file.write_text(BACKEND.format(keys=keys, tables=tables) + "\n" + text, encoding="utf-8")
    return file


def steps_of(held: Proven) -> list[dict[str, Any]]:
    """The steps as they are written."""
    steps: list[dict[str, Any]] = held.table["steps"]
    return steps
