"""A backend behind TLS: who it is is checked, it is asked for by its own name, and what is recorded holds there."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from fastapi import FastAPI, WebSocket
from websockets.asyncio.client import connect
from websockets.typing import Origin

from envparity.faces.cli.app import app
from envparity.launch.certificates import CertificateAuthority
from envparity.launch.port import Endpoint
from envparity.model.deployed.tls import client_context
from envparity.recording.heads import Heads
from envparity.recording.proxy import StopCondition, record
from tests.envparity.recording.conversing import visit
from tests.envparity.recording.rooms import PASSWORD, Rooms, app_of, serving

DEADLINE_S = 300.0
ASKED = b"GET /a HTTP/1.1\r\nHost: 127.0.0.1:1\r\nOrigin: http://127.0.0.1:1\r\nReferer: http://127.0.0.1:1/b\r\n"
PASSED = b"GET /a HTTP/1.1\r\nHost: api.example\r\nOrigin: https://api.example\r\nReferer: https://api.example/b\r\n"


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the certificate of an authority, and a server's for localhost with its key."""
    folder, authority = tmp_path_factory.mktemp("ca"), CertificateAuthority("a team")
    issued = authority.issue(["localhost"])
    (folder / "ca.crt").write_bytes(authority.certificate_pem)
    (folder / "server.crt").write_bytes(issued.certificate_pem)
    (folder / "server.key").write_bytes(issued.key_pem)
    return folder


def headers_of() -> FastAPI:
    """It says by what name it was asked, and from where."""
    told = FastAPI()

    @told.websocket("/")
    async def tell(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(f"{socket.headers['host']} {socket.headers['origin']}")
        await socket.close()

    return told


@contextmanager
def behind_tls(backend: FastAPI, ca: Path) -> Iterator[int]:
    """That backend behind TLS; gives its port."""
    with serving(backend, ssl_certfile=str(ca / "server.crt"), ssl_keyfile=str(ca / "server.key")) as there:
        yield there


@pytest.fixture
def port(ca: Path) -> Iterator[int]:
    """Where the rooms are, behind TLS."""
    with behind_tls(app_of(Rooms()), ca) as there:
        yield there


@pytest.mark.parametrize("scheme", ["https", "wss"])
async def test_what_was_recorded_behind_tls_holds_there(scheme: str, port: int, ca: Path, tmp_path: Path) -> None:
    """By the command line; the client itself speaks plain HTTP with the proxy, and is of its origin."""
    command = [sys.executable, "-m", "envparity", "record", "--upstream", f"{scheme}://localhost:{port}"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, "--ca", str(ca / "ca.crt"), cwd=tmp_path, stdout=pipe, stderr=pipe
    )
    assert process.stderr is not None
    async with asyncio.timeout(DEADLINE_S):
        found = re.search(r"http://(127\.0\.0\.1:\d+) on", (await process.stderr.readline()).decode())
        assert found
        await visit(found[1])
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert b"clean" not in out
    assert (b'origin = "allowed"' in out, PASSWORD.encode() in out + err) == (True, False)


async def test_the_backend_is_asked_by_its_own_name(ca: Path) -> None:
    """As its page asks it, whatever the client calls it."""
    there: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    with behind_tls(headers_of(), ca) as port:
        upstream = Endpoint(("localhost", port), f"localhost:{port}", client_context(str(ca / "ca.crt")))
        until = StopCondition(60, once=True)
        recording = asyncio.create_task(record(upstream, ("127.0.0.1", 0), until, there.set_result))
        authority = f"127.0.0.1:{await there}"
        async with connect(f"ws://{authority}/", origin=Origin(f"http://{authority}"), proxy=None) as socket:
            assert await socket.recv() == f"localhost:{port} https://localhost:{port}"
        assert (await recording).connections == ("a",)


def test_who_cannot_be_checked_is_refused(port: int) -> None:
    """With what its certificate is, and what to do; no way is given to go on without a check."""
    result = CliRunner().invoke(app, ["record", "--upstream", f"https://localhost:{port}"], prog_name="envparity")
    said = [part in result.output for part in ("certificate for localhost, issued by a team", "--ca")]
    assert (result.exit_code, said) == (3, [True, True])


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("--upstream", "http://127.0.0.1:1", "--ca", "ca.crt"), "--ca"),
        (("--upstream", "https://localhost:1", "--ca", "not-there.crt"), "--ca"),
        (("--upstream", "https://localhost:1", "--ca", "server.key"), "--ca"),
        (("--upstream", "https://localhost:1/path"), "--upstream"),
    ],
)
def test_what_is_wrong_is_exit_code_2(
    words: tuple[str, ...], key: str, ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Certificates for what is not encrypted, files that have none, a path."""
    monkeypatch.chdir(ca)
    result = CliRunner().invoke(app, ["record", *words], prog_name="envparity")
    assert (result.exit_code, key in result.output) == (2, True)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_heads_are_rewritten_and_nothing_else(size: int) -> None:
    """However the bytes come: bodies by their length and in chunks, several requests, an upgrade and all after it."""
    other = b"Origin: http://other\r\nX-Host: 127.0.0.1:1"
    bodies = [
        (b"\r\n", b""),
        (b"Content-Length: 18\r\n\r\n", b"Host: a\r\n\r\nHost: "),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"a;x=y\r\nHost: a\r\n\r\n\r\n0\r\nTrailer: Host\r\n\r\n"),
        (other + b"\r\nUpgrade: websocket\r\n\r\n", b"\x81\x00GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n"),
    ]
    asked = b"".join(ASKED + end + body for end, body in bodies)
    heads = Heads("api.example", "https://api.example")
    passed = b"".join(heads.taken(asked[place : place + size]) for place in range(0, len(asked), size))
    assert passed == b"".join(PASSED + end + body for end, body in bodies)


def test_what_is_no_http_passes_at_once() -> None:
    """It waits for nothing."""
    assert Heads("a", "https://a").taken(b"\0\1abc") == b"\0\1abc"
