"""A deployed backend on the loopback interface: real TLS, real handshakes, health over HTTP on the same port."""

from __future__ import annotations

import contextlib
import http
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from envparity.auth.jwt_shared_key import Revocation, SharedKeyJwt
from envparity.engine.events import Event
from envparity.engine.run import Run
from envparity.judge.finding import Verdict
from envparity.launch.attached.launcher import AttachedLauncher
from envparity.launch.certificates import CertificateAuthority, IssuedCertificate
from envparity.model.backend import Backend, Carrier, ImageSource, Phases, Tokens
from envparity.model.deployment import Credential, Deployed
from envparity.model.environment import Dependency, Environment
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect, Cut, Expect, ExpectClose, Send

KEY = "a key that nobody but staging has, as long as it takes"
CARRIER = Carrier("header", header="Authorization: Bearer {token}")
WELCOME = Expect(("welcome",), fields={"user": "{user}"})
TALK = (Connect("valid"), WELCOME, Send({"type": "ping"}), Expect(("pong",)), Close(1000))
EXPIRED = (Connect("expired"), ExpectClose(1008, "token_expired"))
CUT_OFF = (Connect("valid"), Cut("redis"), Close(1000))
BACKEND = Backend(
    "chat",
    Path("backend.toml"),
    ImageSource(name="chat:1"),
    messages_per_minute_setting="MESSAGES_PER_MINUTE",
    tokens=Tokens(SharedKeyJwt("KEY", "ISS", "AUD", revocation=Revocation("redis", ("SET", "{jti}", "1"))), (CARRIER,)),
    phases=Phases(boot_s=1, connect_s=0.5, authenticate_s=0.5, message_s=0.5, close_s=0.5),
    scenarios=(Scenario("talk", steps=TALK), Scenario("expired", steps=EXPIRED), Scenario("cut_off", steps=CUT_OFF)),
)
STAGING = Environment(
    "staging",
    settings={"ISS": "issuer", "AUD": "audience", "MESSAGES_PER_MINUTE": "100"},
    dependencies={"redis": Dependency("redis")},
)
REPORT: dict[str, Any] = {"status": "pass", "release": "1.4.2", "order": [], "steps": [], "checks": {}, "failures": []}


@dataclass
class FakeDeployed:
    """What runs there. `health` are its paths, a status and a body each; `refuses` is its answer to every upgrade.

    `lost_after` so many conversations it is gone; `floods` bytes are sent in each of `frames` to whoever pings.
    `rolled_out_after` so many requests its gateway reaches it; until then that says 502.
    """

    health: dict[str, tuple[int, Any]] = field(
        default_factory=lambda: {
            "/health/live": (200, {"status": "pass"}),
            "/health/ready": (200, {"status": "pass"}),
            "/health/startup": (200, REPORT),
        }
    )
    refuses: int = 0
    floods: int = 0
    frames: int = 1
    lost_after: int | None = None
    rolled_out_after: int = 0
    port: int = 0
    requests: list[str] = field(default_factory=list)
    open_now: int = 0
    most_at_once: int = 0
    conversations: int = 0
    tokens: list[str] = field(default_factory=list)
    _server: Any = None

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request.path)
        if len(self.requests) <= self.rolled_out_after:
            return connection.respond(http.HTTPStatus.BAD_GATEWAY, "nobody there")
        if request.path == "/ws" and not self.refuses:
            return None
        status, body = (self.refuses, "no") if request.path == "/ws" else self.health.get(request.path, (404, "none"))
        response = connection.respond(http.HTTPStatus(status), body if isinstance(body, str) else json.dumps(body))
        if not isinstance(body, str):
            del response.headers["Content-Type"]
            response.headers["Content-Type"] = "application/health+json"
        return response

    async def converse(self, connection: ServerConnection) -> None:
        self.conversations += 1
        if self.lost_after is not None and self.conversations > self.lost_after:
            self._server.close(close_connections=False)
            connection.transport.abort()
            return
        self.open_now += 1
        self.most_at_once = max(self.most_at_once, self.open_now)
        try:
            await self._talk(connection)
        finally:
            self.open_now -= 1

    async def _talk(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        token = connection.request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.tokens.append(token)
        try:
            claims = jwt.decode(token, KEY, algorithms=["HS256"], audience="audience", issuer="issuer")
        except jwt.ExpiredSignatureError:
            await connection.close(1008, "token_expired")
            return
        await connection.send(json.dumps({"type": "welcome", "user": claims["sub"]}))
        with contextlib.suppress(ConnectionClosed):
            async for _ in connection:
                for _ in range(self.frames):
                    filler = {"filler": "x" * self.floods} if self.floods else {}
                    await connection.send(json.dumps({"type": "pong"} | filler))

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeDeployed]:
        async with serve(
            self.converse, "127.0.0.1", 0, ssl=tls, process_request=self.answer, close_timeout=0.2, max_size=2**17
        ) as server:
            self._server = server
            self.port = server.sockets[0].getsockname()[1]
            yield self

    def project(self, *, tls: bool = False, host: str = "localhost", **deployed: Any) -> Project:
        """Staging, attached to this: with the key in the variable STAGING_KEY, unless a token is given."""
        if "token" not in deployed:
            deployed.setdefault("secret", Credential(variable="STAGING_KEY"))
        deployed.setdefault("max_connections_per_minute", 6000)
        target = Deployed(f"{'wss' if tls else 'ws'}://{host}:{self.port}/ws", **deployed)
        return Project(BACKEND, {"staging": STAGING}, attached={"staging": target})


def server_context(issued: IssuedCertificate, folder: Path) -> ssl.SSLContext:
    """What a server needs to present that certificate."""
    pem = folder / "server.pem"
    pem.write_bytes(issued.key_pem + issued.certificate_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def authority_file(authority: CertificateAuthority, folder: Path) -> str:
    """The authority's certificate as a file, for `ca`."""
    file = folder / "ca.pem"
    file.write_bytes(authority.certificate_pem)
    return str(file)


async def verdict_on(project: Project, events: list[Event] | None = None) -> Verdict:
    kept: list[Event] = [] if events is None else events
    run = Run(project, AttachedLauncher(project), kept.append)
    try:
        return await run.verdict()
    finally:
        await run.close()


def told(verdict: Verdict) -> list[tuple[str, str]]:
    return [(finding.code, finding.got) for finding in verdict.findings]
