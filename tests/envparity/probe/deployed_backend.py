"""A deployed backend for the tests: a real server in this process, which does what a test wants it to."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from websockets.asyncio.server import ServerConnection, serve

from envparity.auth.jwt_shared_key import SharedKeyJwt
from envparity.model.backend import Backend, Carrier, ImageSource, Phases, Tokens
from envparity.model.deployed.target import Target
from envparity.model.deployment import Credential, Deployed
from envparity.model.environment import Environment
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect, Expect, Send
from envparity.probe.log import TextLog
from envparity.probe.metrics import Metrics
from envparity.probe.outcome import ProbeOutcome
from envparity.probe.probing import Probe, ProbePlan
from tests.self_signed import self_signed

SHORT_S = 0.2  # for what is waited for in vain
PATIENT_S = 20.0  # for everything else: a loaded machine is no failure
KEY = "0123456789abcdef0123456789abcdef"
USER = "probe-user"
TOKENS = Tokens(
    SharedKeyJwt("KEY", "ISS", "AUD"), carriers=(Carrier("header", header="Authorization: Bearer {token}"),)
)
STEPS = (
    Connect("valid"),
    Expect(("welcome",), fields={"user_id": "{user}"}),
    Send({"type": "user_message", "message_id": "{uuid:m1}"}),
    Expect(("started", "completed"), each={"message_id": "{uuid:m1}"}),
    Close(1000),
)
SCENARIO = Scenario("conversation", steps=STEPS)

Handler = Callable[[ServerConnection], Awaitable[None]]
Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def backend(**phases: float) -> Backend:
    deadlines = dict.fromkeys(("connect_s", "authenticate_s", "message_s", "close_s"), PATIENT_S) | phases
    return Backend(
        "b",
        Path("b.toml"),
        ImageSource(name="b"),
        subprotocols=("v1",),
        tokens=TOKENS,
        ignored_frames=("heartbeat",),
        phases=Phases(**deadlines),
        scenarios=(SCENARIO,),
    )


def impatient(*phases: str) -> Backend:
    """A backend of which these phases have little time."""
    return backend(**dict.fromkeys((f"{phase}_s" for phase in phases), SHORT_S))


def plan(port: int, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, **changes: Any) -> ProbePlan:
    target = Target("wss" if tls else "ws", host, port, "")
    deployed = Deployed(str(target), secret=Credential(variable="KEY"), user=USER)
    environment = Environment("staging", deployed=deployed)
    settings = {"ISS": "i", "AUD": "a"}
    given: dict[str, Any] = {"environment": environment, "backend": backend(), "scenario": SCENARIO}
    return ProbePlan(**{**given, "target": target, "settings": settings, "tls": tls, **changes})


class Probed:
    """A probe of that plan, its metrics and the lines that it wrote."""

    def __init__(self, plan: ProbePlan) -> None:
        from envparity.model.deployed.identity import Credentials

        self.lines: list[str] = []
        self.metrics = Metrics("staging")
        log = TextLog("staging", self.lines.append, lambda: 0.0)
        self.probe = Probe(plan, self.metrics, log, Credentials(plan.environment, TOKENS.scheme, {"KEY": KEY}))

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"envparity_probe_{name}", {"environment": "staging", **labels})


async def probed(port: int, **changes: Any) -> ProbeOutcome:
    """The outcome of one run against that port of 127.0.0.1."""
    return await Probed(plan(port, **changes)).probe.once()


async def healthy(connection: ServerConnection) -> None:
    """Does what the scenario expects."""
    await connection.send(json.dumps({"type": "welcome", "user_id": USER}))
    async for frame in connection:
        for kind in ("started", "completed"):
            await connection.send(json.dumps({"type": kind, "message_id": json.loads(frame)["message_id"]}))


@asynccontextmanager
async def serving(handler: Handler, **options: Any) -> AsyncIterator[int]:
    """A WebSocket server on a port of 127.0.0.1."""
    options = {"subprotocols": ["v1"], "close_timeout": 0.1, **options}
    async with serve(handler, "127.0.0.1", 0, **options) as server:
        yield next(iter(server.sockets)).getsockname()[1]


@asynccontextmanager
async def listening(handler: Raw, **options: Any) -> AsyncIterator[int]:
    """A TCP server on a port of 127.0.0.1; what its handler waits for ends with it."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def tls_pair(folder: Path, host: str = "127.0.0.1") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for that address, and a client's that trusts it."""
    key, certificate = self_signed(
        "test",
        (x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), False),
        (x509.BasicConstraints(ca=True, path_length=None), True),
    )
    pem = folder / "pair.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))
