"""Where the base image comes from when the engine lacks it: a registry, else Debian's packages, else a clear error.

The engine here speaks just enough of the Docker API over HTTP: the real one has its base, which others are using.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import docker
import pytest

from envparity.launch.images import base as image_base
from envparity.launch.images.base import ensure_base
from envparity.launch.images.log import ImageError


class BareEngine(ThreadingHTTPServer):
    """An engine without images. `registry` says what a pull does: "has it", "refuses" or "is silent"."""

    daemon_threads = True

    def __init__(self, registry: str) -> None:
        super().__init__(("127.0.0.1", 0), _Api)
        self.registry = registry
        self.layers: list[str] | None = None
        self.imported = b""
        self.closing = threading.Event()


class _Api(BaseHTTPRequestHandler):
    server: BareEngine

    def do_GET(self) -> None:
        if self.server.layers is None:
            self._answer(404, {"message": "No such image"})
        else:
            self._answer(200, {"Id": "sha256:1", "RootFS": {"Layers": self.server.layers}})

    def do_POST(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "fromSrc" in query:
            self.server.imported, self.server.layers = body, ["sha256:made"]
            self._answer(200, {"status": "sha256:made"})
        elif self.server.registry == "is silent":
            self.server.closing.wait(20)
        elif self.server.registry == "refuses":
            self._answer(500, {"message": "no such host"})
        else:
            self.server.layers = ["sha256:pulled"]
            self._answer(200, {"status": "Pull complete"})

    def _answer(self, status: int, document: dict[str, object]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Iterator[BareEngine]:
    with BareEngine(request.param) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join(10)


@pytest.fixture
def client(engine: BareEngine) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(f"tcp://127.0.0.1:{engine.server_address[1]}", version="1.41", timeout=20)
    yield client
    client.close()


@pytest.fixture
def bootstrap(tmp_path: Path) -> Path:
    """A bootstrap that is quick: it writes two words for a root file system."""
    script = tmp_path / "bootstrap.sh"
    script.write_text("printf 'root files'\n", encoding="utf-8")
    return script


@pytest.mark.parametrize("engine", ["has it"], indirect=True)
def test_a_registry_that_has_it_is_enough(client: docker.DockerClient, tmp_path: Path) -> None:
    """Pulled, it is not bootstrapped, and its layers are what names it; the next time nothing is said."""
    said: list[str] = []
    assert ensure_base(client, tmp_path / "not-there.sh", said.append) == "sha256:pulled"
    assert len(said) == 1
    assert "pulling, for at most" in said[0]
    assert ensure_base(client, tmp_path / "not-there.sh", said.append) == "sha256:pulled"
    assert len(said) == 1


@pytest.mark.parametrize("engine", ["refuses", "is silent"], indirect=True)
def test_without_a_registry_it_is_bootstrapped(
    engine: BareEngine, client: docker.DockerClient, bootstrap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registry that refuses, and one that never answers, end the same way; why is said."""
    monkeypatch.setattr(image_base, "_PULL_SILENCE_S", 0.2)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    said: list[str] = []
    assert ensure_base(client, bootstrap, said.append) == "sha256:made"
    assert engine.imported == b"root files"
    reason = {"refuses": "no such host", "is silent": "waited 0.2 s for the registry's next answer"}[engine.registry]
    assert reason in said[-1]


@pytest.mark.parametrize("engine", ["refuses"], indirect=True)
def test_without_mmdebstrap_the_error_says_what_to_install(
    client: docker.DockerClient, bootstrap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message: why no registry gave it, what is missing, the command."""
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(ImageError, match=r"no such host.*apt-get install mmdebstrap"):
        ensure_base(client, bootstrap, lambda _line: None)


@pytest.mark.parametrize("engine", ["refuses"], indirect=True)
def test_a_failed_bootstrap_shows_what_it_said(
    client: docker.DockerClient, bootstrap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exit status and the end of its messages, and nothing is imported."""
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    bootstrap.write_text("printf half; echo E: no space left >&2; exit 3\n", encoding="utf-8")
    with pytest.raises(ImageError, match="exit status 3") as failed:
        ensure_base(client, bootstrap, lambda _line: None)
    assert failed.value.log_tail == "E: no space left"
