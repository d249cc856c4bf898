"""The images of PostgreSQL, Redis and the ingress, started for real: who is let in, and what a restart keeps."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import ssl
import struct
import tarfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import docker
import pytest
import redis.asyncio
import websockets
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from docker.models.containers import Container
from docker.models.networks import Network
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from envparity.launch.images.builder import ImageBuilder
from envparity.launch.images.folder import default_docker_folder
from tests.envparity.launch.image_users import user_of_image

pytestmark = pytest.mark.docker

T = TypeVar("T")
READY_S = 20.0
PASSWORD = 'it\'s a \\ "strange" one, 32 bytes and more: %s $HOME'
STARTUP_VERSION = 3 << 16
STARTUP = b"user\0netra\0database\0chat\0\0"
STARTING_UP = b"57P03"  # cannot_connect_now
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


async def eventually(
    what: str, attempt: Callable[[], Awaitable[T]], server: Container, refusals: tuple[type[Exception], ...] = ()
) -> T:
    """The first success of `attempt`, asked again every 20 ms while it is refused; else a failure with the log."""
    deadline = time.monotonic() + READY_S
    while True:
        try:
            return await attempt()
        except (OSError, EOFError, *refusals) as error:  # type: ignore[misc]  # mypy does not follow the star
            if time.monotonic() > deadline:
                pytest.fail(f"{what} not within {READY_S:g} s: {error!r}\n{server.logs().decode()}")
        await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def references(engine: docker.DockerClient) -> dict[str, str]:
    return ImageBuilder(engine, default_docker_folder(), lambda _line: None).ensure(
        ["postgres", "redis", "ingress", "backend"]
    )


@pytest.fixture(scope="module")
def certificate() -> dict[str, bytes]:
    """A self-signed certificate for localhost, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = signed.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"server.crt": pem, "server.key": private, "ca.crt": pem}


@pytest.fixture
def trust(certificate: dict[str, bytes]) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=certificate["ca.crt"].decode())


class Servers:
    """Starts containers of our images, unprivileged as a launcher would, and knows the ports that they were given."""

    def __init__(self, engine: docker.DockerClient, references: Mapping[str, str], stack: ExitStack) -> None:
        self.engine, self.references, self.stack = engine, references, stack

    def start(
        self,
        image: str,
        environment: Mapping[str, str],
        tls: Mapping[str, bytes] | None = None,
        network: str = "bridge",
    ) -> Container:
        container = self.engine.containers.create(
            self.references[image],
            environment=dict(environment),
            publish_all_ports=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            name=f"envparity-test-{uuid.uuid4().hex[:8]}",
            network=network,
        )
        self.stack.callback(container.remove, force=True)
        if tls is not None:
            assert container.put_archive("/etc/envparity/tls", self._tar(tls, user_of_image(image)))
        container.start()
        return container

    def network(self) -> Network:
        network = self.engine.networks.create(f"envparity-test-{uuid.uuid4().hex[:8]}")
        self.stack.callback(network.remove)
        return network

    @staticmethod
    def port(container: Container, inner: int) -> int:
        container.reload()
        bindings = container.ports[f"{inner}/tcp"]
        assert bindings
        return int(bindings[0]["HostPort"])

    @staticmethod
    def _tar(files: Mapping[str, bytes], uid: int) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode, member.uid, member.gid = len(content), 0o400, uid, uid
                tar.addfile(member, io.BytesIO(content))
        return buffer.getvalue()


@pytest.fixture
def servers(engine: docker.DockerClient, references: dict[str, str]) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(engine, references, stack)


POSTGRES = {
    "POSTGRES_USER": "netra",
    "POSTGRES_DB": "chat",
    "POSTGRES_PASSWORD": PASSWORD,
    "POSTGRES_MAX_CONNECTIONS": "12",
}


async def postgres_connection(servers: Servers, server: Container, secure: ssl.SSLContext | bool) -> asyncpg.Connection:
    port = servers.port(server, 5432)

    async def speaking() -> None:
        # Asked first: a driver that is refused or reset while the server still starts leaves its transport open.
        reader, writer = await asyncio.open_connection("localhost", port)
        try:
            writer.write(struct.pack("!II", 8 + len(STARTUP), STARTUP_VERSION) + STARTUP)
            await writer.drain()
            answer = await reader.read(1024)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        if not answer or STARTING_UP in answer:
            raise ConnectionError(f"PostgreSQL does not take connections at port {port}")

    await eventually("PostgreSQL", speaking, server)
    return await asyncpg.connect(
        host="localhost", port=port, user="netra", database="chat", password=PASSWORD, ssl=secure, timeout=READY_S
    )


async def test_postgres_with_tls_required_lets_in_by_tls_and_password_only(
    servers: Servers, certificate: dict[str, bytes], trust: ssl.SSLContext
) -> None:
    """Verified TLS and the right password come in; plain TCP, a wrong password and the superuser do not."""
    server = servers.start("postgres", {**POSTGRES, "POSTGRES_TLS": "required"}, certificate)
    connection = await postgres_connection(servers, server, trust)
    try:
        assert await connection.fetchval("SHOW max_connections") == "12"
        assert await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True
        assert await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        await connection.execute("CREATE DATABASE another")
    finally:
        await connection.close()

    async def refused(user: str, password: str, secure: ssl.SSLContext | bool) -> None:
        port = servers.port(server, 5432)
        await asyncpg.connect(host="localhost", port=port, database="chat", user=user, password=password, ssl=secure)

    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="no encryption"):
        await refused("netra", PASSWORD, secure=False)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await refused("netra", "wrong", trust)
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await refused("postgres", PASSWORD, trust)
    assert PASSWORD not in server.logs().decode()


async def test_postgres_keeps_its_data_over_a_restart(servers: Servers) -> None:
    """What was committed before docker restart is there after it, and the password is still the same."""
    server = servers.start("postgres", POSTGRES)
    connection = await postgres_connection(servers, server, secure=False)
    await connection.execute("CREATE TABLE kept (what text); INSERT INTO kept VALUES ('this')")
    await connection.close()
    server.restart(timeout=10)
    connection = await postgres_connection(servers, server, secure=False)
    assert await connection.fetchval("SELECT what FROM kept") == "this"
    await connection.close()


def test_postgres_without_a_password_refuses_to_start(servers: Servers) -> None:
    """A missing password is said by name and ends the container; it never means "no password"."""
    server = servers.start("postgres", {})
    assert server.wait(timeout=READY_S)["StatusCode"] == 64
    assert "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE is required" in server.logs().decode()


def redis_client(servers: Servers, server: Container, **options: Any) -> redis.asyncio.Redis:
    return redis.asyncio.Redis(
        host="localhost", port=servers.port(server, 6379), retry=Retry(NoBackoff(), 0), **options
    )


async def test_redis_with_tls_required_lets_in_by_tls_and_password_only(
    servers: Servers, certificate: dict[str, bytes], tmp_path: Path
) -> None:
    """Verified TLS with the right password comes in, also after a restart; plain TCP and a wrong password do not."""
    password = 'a"strange\\one'
    authority = tmp_path / "ca.crt"
    authority.write_bytes(certificate["ca.crt"])
    environment = {"REDIS_PASSWORD": password, "REDIS_TLS": "required"}
    server = servers.start("redis", environment, certificate)
    for turn in ("start", "restart"):
        if turn == "restart":
            server.restart(timeout=10)
        async with redis_client(servers, server, ssl=True, ssl_ca_certs=str(authority), password=password) as client:
            assert await eventually(f"Redis after {turn}", client.ping, server, (redis.ConnectionError,))
        async with redis_client(servers, server, ssl=True, ssl_ca_certs=str(authority), password="wrong") as client:
            with pytest.raises(redis.AuthenticationError):
                await client.ping()
        async with redis_client(servers, server, password=password, socket_timeout=READY_S) as client:
            with pytest.raises(redis.ConnectionError):
                await client.ping()
    assert password not in str(server.top()) + server.logs().decode()


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
