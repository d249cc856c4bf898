"""The backend as a process of its own, and a client that checks every frame against the contract."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import yaml
from jsonschema import Draft202012Validator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

REPOSITORY = Path(__file__).parents[2]
SECRET = "made-up-secret-of-forty-bytes-for-tests!"
ISSUER = "https://issuer.example"
AUDIENCE = "netra"
COMMAND = (sys.executable, "-m", "netra_backend")
DEADLINE_S = 60.0  # of what happens in the end: a backend may start beside others
AGENT_EVENTS = ["agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed"]


def token(user_id: object = "user", **changed: Any) -> str:
    """A good token, but for what is changed; None takes a claim out."""
    claims: dict[str, Any] = {
        "sub": user_id,
        "jti": str(uuid.uuid4()),
        "iss": ISSUER,
        "aud": AUDIENCE,
        # Some are made when tests are collected, which on a busy machine is long before they run.
        "exp": int(time.time()) + 86_400,
    }
    key = changed.pop("key", SECRET)
    claims = {name: value for name, value in (claims | changed).items() if value is not None}
    return jwt.encode(claims, key, "HS256")


class BackendProcess:
    """`python -m netra_backend`, or what stands for it, with exactly these settings."""

    def __init__(self, settings: Mapping[str, str], log: Path, command: Sequence[str] = COMMAND) -> None:
        self._log = log
        self._command = command
        self._settings = {"PATH": os.environ["PATH"], "PORT": "0", **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> BackendProcess:
        """Start, and wait until it listens."""
        self.launch()
        return self.until_listening()

    def launch(self) -> None:
        """Start, and wait for nothing."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, cwd=REPOSITORY, env=self._settings, stdout=log, stderr=log)

    def until_listening(self) -> BackendProcess:
        """Wait until it listens."""
        listening = self._until(lambda: self.logged("listening"), "listening")
        self.port = listening[0]["port"]
        return self

    def until_started(self) -> dict[str, Any]:
        """Wait until the startup is over, and give its report."""
        seen: dict[str, Any] = self._until(
            lambda: report if (report := self.get("/health/startup")[1])["status"] != "starting" else None, "started"
        )
        return seen

    def until_waiting_for(self, dependency: str) -> None:
        """Wait until a step has said that it waits for this dependency."""
        self._until(
            lambda: any(step["waited_for"] == dependency for step in self.get("/health/startup")[1]["steps"]),
            f"waiting for {dependency}",
        )

    def until_ready(self, status: int) -> dict[str, Any]:
        """Wait until readiness has that status, and give its body."""
        seen: dict[str, Any] = self._until(
            lambda: answer[1] if (answer := self.get("/health/ready"))[0] == status else None, f"ready {status}"
        )
        return seen

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The log's lines with that event."""
        lines = self._log.read_text().splitlines()
        read = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [line for line in read if line["event"] == event]

    @property
    def log(self) -> str:
        """The whole log."""
        return self._log.read_text()

    def get(self, path: str) -> tuple[int, Any]:
        """The status and body of a GET; JSON is read."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=DEADLINE_S) as answer:
                status, body, kind = answer.status, answer.read().decode(), answer.headers["Content-Type"]
        except urllib.error.HTTPError as refused:
            with refused:
                status, body, kind = refused.code, refused.read().decode(), refused.headers["Content-Type"]
        return status, json.loads(body) if "json" in kind else body

    def metric(self, name: str, **labels: str) -> float:
        """The value of a metric, 0 where there is none yet."""
        wanted = name + (
            "{" + ",".join(f'{key}="{value}"' for key, value in sorted(labels.items())) + "}" if labels else ""
        )
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(wanted + " "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._running.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """The exit status, once there is one."""
        return self._running.wait(DEADLINE_S)

    def stop(self) -> None:
        """End it, whatever state it is in."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(DEADLINE_S)

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def _until(self, look: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + DEADLINE_S
        while not (seen := look()):
            assert self._running.poll() is None, f"ended with {self._running.poll()}: {self.log[-2000:]}"
            assert time.monotonic() < deadline, f"not {what} in time: {self.log[-2000:]}"
            time.sleep(0.02)
        return seen


def _contract() -> dict[str, dict[str, Draft202012Validator]]:
    document = yaml.safe_load((REPOSITORY / "netra_backend" / "asyncapi.yaml").read_text())
    held: dict[str, dict[str, Draft202012Validator]] = {}
    for name, operation in document["operations"].items():
        schemas = [
            document["components"]["messages"][message["$ref"].rpartition("/")[2]]["payload"]["schema"]
            for message in operation["messages"]
        ]
        held[name] = {schema["properties"]["type"]["const"]: Draft202012Validator(schema) for schema in schemas}
    return held


CONTRACT = _contract()


class Talk:
    """One connection of a client; what it hears must be in the contract."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, **frame: Any) -> None:
        """Send a frame."""
        await self.socket.send(json.dumps(frame))

    async def hear(self) -> dict[str, Any]:
        """The next frame."""
        async with asyncio.timeout(DEADLINE_S):
            frame: dict[str, Any] = json.loads(await self.socket.recv())
        CONTRACT["speak"][frame["type"]].validate(frame)
        return frame

    async def hear_close(self) -> tuple[int, str]:
        """The code and reason that the backend closes with, with nothing before it."""
        with pytest.raises(ConnectionClosed) as closed:
            await self.hear()
        frame = closed.value.rcvd
        assert frame is not None, "no close frame"
        return frame.code, frame.reason

    async def ask(self, text: str, message_id: str, thread_id: str | None = None) -> list[dict[str, Any]]:
        """Say something to the agent, and give its five events."""
        more = {} if thread_id is None else {"thread_id": thread_id}
        await self.say(type="user_message", message_id=message_id, text=text, **more)
        return [await self.hear() for _ in AGENT_EVENTS]


@asynccontextmanager
async def talk(
    backend: BackendProcess, bearer: str | None = None, *, welcomed: bool = True, **options: Any
) -> AsyncIterator[Talk]:
    """A connection; with `bearer` it is authenticated by the header, and the welcome has been heard."""
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    headers |= options.pop("headers", {})
    url = f"ws://127.0.0.1:{backend.port}/ws"
    async with connect(url, additional_headers=headers, proxy=None, **options) as socket:
        talking = Talk(socket)
        if bearer is not None and welcomed:
            assert (await talking.hear())["type"] == "connection_established"
        yield talking
