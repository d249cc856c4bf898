"""What is recorded of the reference backend, however the token comes: a scenario by its own file, without the token."""

from __future__ import annotations

import base64
import json
import uuid

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from envparity.config.backend import load_backend
from envparity.recording.proving import played
from tests.envparity.recording.conversing import Client, proven, recorded, steps_of, written
from tests.netra_backend.running import REPOSITORY, BackendProcess, token

FILE = REPOSITORY / "netra_backend" / "backend.toml"


def asking(user: str, by: str) -> tuple[str, Client]:
    """A client that asks, reads back and leaves; and its token, which comes as `by` says."""
    good = token(user)
    offered = [Subprotocol("netra.v1")]
    if by == "subprotocol":
        offered.append(Subprotocol("jwt." + base64.urlsafe_b64encode(good.encode()).decode().rstrip("=")))
    headers = {"Authorization": f"Bearer {good}"} if by == "header" else {}

    async def ask(authority: str) -> None:
        url, origin = f"ws://{authority}/ws", Origin("https://app.example")
        async with connect(url, additional_headers=headers, origin=origin, subprotocols=offered, proxy=None) as socket:
            if by == "first_frame":
                await socket.send(json.dumps({"type": "authenticate", "token": good}))
            await socket.recv()
            question = {"type": "user_message", "message_id": str(uuid.uuid4()), "text": "what is the price of this"}
            await socket.send(json.dumps(question))
            events = [json.loads(await socket.recv()) for _ in range(5)]
            await socket.send(json.dumps({"type": "history", "thread_id": events[0]["thread_id"]}))
            await socket.recv()

    return good, ask


@pytest.mark.parametrize("with_key", [True, False])
@pytest.mark.parametrize("by", ["header", "subprotocol", "first_frame"])
async def test_a_token_is_what_the_file_makes_of_it(
    backend: BackendProcess, settings: dict[str, str], by: str, with_key: bool
) -> None:
    """By its carrier; whom it names is the user. Without the key it is shown once more, and yet written nowhere."""
    user = f"google-oauth2|{uuid.uuid4().hex}"
    good, client = asking(user, by)
    known = settings if with_key else {}
    trial, held = await proven(await recorded(backend.port, client), backend.port, load_backend(FILE), known)
    steps, text = steps_of(held), written(trial, held, with_file=True)
    usual = trial.backend.tokens is not None and trial.backend.tokens.carriers[0].name == by
    assert steps[0] == {"connect": "valid", **({} if usual else {"carrier": by}), "origin": steps[0]["origin"]}
    assert steps[1]["fields"]["user_id"] == "{user}"
    assert [next(iter(step.values())) for step in steps[3:8]] == [
        *("agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed")
    ]
    assert steps[8] == {"send": {"type": "history", "thread_id": "{thread_id}"}}
    assert [secret in text for secret in (good, user, settings["JWT_SECRET"])] == [False, False, False]
    assert (held.volatile, held.settings) == ((), {})
    assert (await played(trial, held)).departure is None


async def test_without_a_file_a_token_is_a_setting(backend: BackendProcess) -> None:
    """Of a name that says what it is; its value is in no output."""
    good, client = asking(f"google-oauth2|{uuid.uuid4().hex}", "header")
    trial, held = await proven(await recorded(backend.port, client), backend.port)
    assert steps_of(held)[0]["headers"] == {"Authorization": "Bearer {setting:AUTHORIZATION}"}
    assert (list(held.settings), good in written(trial, held)) == (["AUTHORIZATION"], False)
