"""What a server of any image is told of other servers: as the backend is, where it runs."""

from __future__ import annotations

import asyncio
import urllib.request
from pathlib import Path

import pytest

from tests.envparity.dependencies.booting import booted, environment, reached
from tests.envparity.dependencies.peer import write_peer

TEXT = """
[settings]
SHARED_SECRET = { secret = 48 }

[dependencies.peer]
kind = "image"
image = "peer"
port = 8000
variables = { PORT = "{port}" }
settings = { SHARED_SECRET = { secret = 48 }, BUS_HOST = "{bus.host}", BUS_PORT = { from = "bus.port" } }
files = { "/srv/peer.pl" = "peer.pl" }
process = ["perl", "{folder}/peer.pl"]
ready = { http = "/health" }

[dependencies.bus]
kind = "nats"
"""


@pytest.mark.processes
async def test_it_is_started_with_what_it_takes_from_others(tmp_path: Path) -> None:
    """The bus answers it before it is ready, and the backend's secret of that name is its own."""
    write_peer(tmp_path)
    stands = environment(tmp_path, TEXT)
    async with booted("process", stands, tmp_path) as stack:
        server = reached(stack, "peer")

        def answer() -> str:
            with urllib.request.urlopen(f"http://{server.host}:{server.port}/", timeout=10) as said:
                return str(said.read().decode())

        assert await asyncio.to_thread(answer) == stack.settings["SHARED_SECRET"]
        assert "bus says INFO" in "\n".join((await stack.infrastructure_logs())["peer"])
