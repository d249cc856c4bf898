"""The image of the ingress, started for real before replicas."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Mapping

import pytest
import websockets
from docker.models.containers import Container

from tests.envparity.launch.images.starting import READY_S, Servers, eventually

pytestmark = pytest.mark.docker
ECHO = """
import asyncio, json, signal, websockets
async def handle(ws):
    await ws.send(json.dumps([[k, v] for k, v in ws.request.headers.raw_items()]))
    async for frame in ws:
        await ws.send(frame)
async def main():
    stop = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set_result, None)
    async with websockets.serve(handle, "0.0.0.0", 8000, max_size=None):
        await stop
asyncio.run(main())
"""


@pytest.fixture
def ingress(servers: Servers, certificate: dict[str, bytes]) -> tuple[Container, list[Container]]:
    """An ingress with short limits, and two replicas behind it that are not up yet."""
    network = servers.network()
    replicas = [
        servers.engine.containers.create(
            servers.references["backend"],
            ["python3", "-c", ECHO],
            name=f"{network.name}-{index}",
            network=network.name,
            read_only=True,
            tmpfs={"/tmp": ""},  # noqa: S108 - a path in the container
        )
        for index in range(2)
    ]
    for replica in replicas:
        servers.stack.callback(replica.remove, force=True)
    server = servers.start(
        "ingress",
        {
            "INGRESS_UPSTREAMS": ",".join(f"{replica.name}:8000" for replica in replicas),
            "INGRESS_IDLE_TIMEOUT_S": "2",
            "INGRESS_MAX_HEADER_BYTES": "4096",
        },
        certificate,
        str(network.name),
    )
    return server, replicas


async def test_ingress_reaches_replicas_that_come_late_go_and_come_back(
    servers: Servers, ingress: tuple[Container, list[Container]], trust: ssl.SSLContext
) -> None:
    """It starts without them, takes turns between those that are up, and finds one again that was away."""
    server, replicas = ingress
    url = f"wss://localhost:{servers.port(server, 8443)}/ws"

    async def answering() -> str:
        async with websockets.connect(url, ssl=trust, proxy=None) as ws:
            await ws.recv()
            assert ws.response is not None
            return ws.response.headers["X-Envparity-Upstream"]

    async def refused() -> str:
        try:
            return await answering()
        except websockets.InvalidStatus as error:
            return str(error.response.status_code)

    async def answered_by(count: int) -> set[str]:
        seen = {await answering() for _ in range(4)}
        if len(seen) != count:
            raise EOFError(f"expected {count} replicas to take turns, got {seen}")
        return seen

    assert await eventually("the ingress's own answer", refused, server) == "502"
    for replica in replicas:
        replica.start()
    both = await eventually("both replicas", lambda: answered_by(2), server, (websockets.InvalidStatus,))
    replicas[0].stop(timeout=5)
    left = await eventually("the one that is left", lambda: answered_by(1), server)
    assert left < both
    replicas[0].start()
    await eventually("both replicas again", lambda: answered_by(2), server)


async def test_ingress_says_who_the_client_is_and_ends_what_is_idle_or_too_big(
    servers: Servers, ingress: tuple[Container, list[Container]], trust: ssl.SSLContext
) -> None:
    """X-Forwarded-* are its own whatever the client claims; silence and long headers meet the limits."""
    server, replicas = ingress
    replicas[1].start()
    port = servers.port(server, 8443)
    url = f"wss://localhost:{port}/ws"
    lies = {f"X-Forwarded-{name}": "evil" for name in ("For", "Proto", "Host", "Port")} | {
        "X-Real-IP": "evil",
        "Forwarded": "for=evil",
    }

    async def connect(headers: Mapping[str, str]) -> websockets.ClientConnection:
        return await websockets.connect(url, ssl=trust, proxy=None, additional_headers=headers, ping_interval=None)

    ws = await eventually("the handshake", lambda: connect(lies), server, (websockets.InvalidStatus,))
    received = json.loads(await ws.recv())
    names = [name.lower() for name, _ in received]
    headers = {name.lower(): value for name, value in received}
    assert "evil" not in json.dumps(received)
    assert sorted(set(names)) == sorted(names), "each header once"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-host"] == headers["host"] == f"localhost:{port}"
    assert headers["x-forwarded-port"] == str(port)
    await ws.send("x" * 100_000)
    assert await ws.recv() == "x" * 100_000
    quiet_since = time.monotonic()
    with pytest.raises(websockets.ConnectionClosedError):
        await asyncio.wait_for(ws.recv(), READY_S)
    assert 1.5 < time.monotonic() - quiet_since < 6.0
    with pytest.raises(websockets.InvalidStatus, match="400"):
        await connect({"X-Long": "x" * 6000})
    server.stop(timeout=10)
    lines = [json.loads(line) for line in server.logs(stderr=False).decode().splitlines()]
    assert {"101", "400"} <= {line["status"] for line in lines}
