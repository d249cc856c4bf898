"""`envparity record` on a notebook server: the scenario is clean twice, and red on a fault."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin

from envparity.config.backend import load_backend
from envparity.conversation.driver import play
from envparity.launch.port import Endpoint
from envparity.model.backend import Backend
from envparity.observe.transcript import Transcript
from envparity.recording.upstream import Upstream
from tests.docs.pages import TREE
from tests.servers import free_port

pytestmark = pytest.mark.processes

EXAMPLE = TREE / "docs" / "examples" / "jupyter"
TOKEN = "of-one-test-alone-4711"
DEADLINE_S = 300.0


@contextlib.contextmanager
def notebooks(folder: Path) -> Iterator[int]:
    """A notebook server on a port of 127.0.0.1."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "jupyter_server", "--ip=127.0.0.1", f"--port={port}", "--no-browser"]
    variables = os.environ | {"JUPYTER_TOKEN": TOKEN, "HOME": str(folder), "IPYTHONDIR": str(folder)}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([*command, "--allow-root"], cwd=folder, env=variables, stdout=log, stderr=log) as server,
    ):
        try:
            until_answered(f"http://127.0.0.1:{port}/api", server)
            yield port
        finally:
            server.terminate()


def until_answered(url: str, server: subprocess.Popen[bytes]) -> None:
    """Ask until it answers 200, as long as it lives."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=DEADLINE_S).status_code == httpx.codes.OK:
                return
        time.sleep(0.1)
    pytest.fail("no notebook server")


async def compute(authority: str) -> None:
    """Start a kernel, have it print, and end it, as a notebook does."""
    session, headers = str(uuid.uuid4()), {"Authorization": f"token {TOKEN}"}
    async with httpx.AsyncClient(base_url=f"http://{authority}", headers=headers, timeout=DEADLINE_S) as client:
        kernel = (await client.post("/api/kernels", json={"name": "python3"})).json()["id"]
        url = f"ws://{authority}/api/kernels/{kernel}/channels?token={TOKEN}"
        async with connect(url, origin=Origin(f"http://{authority}"), proxy=None) as socket:
            header = {"msg_id": str(uuid.uuid4()), "msg_type": "execute_request", "session": session}
            content = {"code": "print(6 * 7)", "silent": False, "store_history": False, "user_expressions": {}}
            request = {
                "header": header | {"username": "guest", "version": "5.3", "date": "2026-01-01T00:00:00Z"},
                "parent_header": {},
                "metadata": {},
                "buffers": [],
                "channel": "shell",
                "content": content | {"allow_stdin": False},
            }
            await socket.send(json.dumps(request))
            while json.loads(await socket.recv())["header"]["msg_type"] != "stream":
                pass
        await client.delete(f"/api/kernels/{kernel}")


def played(backend: Backend, port: int) -> Transcript:
    """How what was recorded goes on the server at that port."""
    scenario = next(scenario for scenario in backend.scenarios if scenario.name == "recorded")
    endpoint = Endpoint(("127.0.0.1", port), f"127.0.0.1:{port}", None)
    upstream = Upstream(endpoint=endpoint, settings={"JUPYTER_TOKEN": TOKEN})
    return asyncio.run(play(scenario, upstream, backend, None))


def test_what_a_notebook_says_becomes_a_scenario(tmp_path: Path) -> None:
    """With the codec and the ignored frames of the example's file; the token is the setting that it is."""
    shutil.copytree(EXAMPLE, tmp_path / "jupyter")
    file, out, settings = tmp_path / "jupyter" / "backend.toml", tmp_path / "recorded.toml", tmp_path / "server.env"
    settings.write_text(f"JUPYTER_TOKEN={TOKEN}\n", encoding="utf-8")
    with notebooks(tmp_path / "server") as port:
        command = [sys.executable, "-m", "envparity", "record", "--upstream", f"http://127.0.0.1:{port}"]
        command += ["--backend", str(file), "--settings", str(settings), "--out", str(out)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as recording:
            assert recording.stderr is not None
            found = re.search(r"http://(127\.0\.0\.1:\d+) on", recording.stderr.readline())
            assert found
            asyncio.run(compute(found[1]))
            recording.send_signal(signal.SIGINT)
            said = recording.communicate(timeout=DEADLINE_S)[1]
        assert recording.returncode == 0, said
        text = out.read_text(encoding="utf-8")
        assert TOKEN not in text + said
        assert "token {setting:JUPYTER_TOKEN}" in text
        with file.open("a", encoding="utf-8") as appended:
            appended.write("\n" + text)
        backend = load_backend(file)
        assert [played(backend, port).departure for _ in range(2)] == [None, None]
    startup = tmp_path / "other" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("from functools import partial\nprint = partial(print, end='')\n", encoding="utf-8")
    with notebooks(tmp_path / "other") as port:
        departure = played(backend, port).departure
    assert departure is not None
    assert (departure.kind, departure.expected.split()[0]) == ("frame", "stream")
