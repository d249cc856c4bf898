"""Two replicas that remember what they were asked, and ingresses before them.

Of three kinds: "python", "nginx" in its image, and "installed", the nginx of this machine.
"""

from __future__ import annotations

import asyncio
import io
import ssl
import tarfile
import tempfile
import threading
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import docker
from docker.models.containers import Container
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.server import ServerProtocol

from envparity.config.own_nginx import filled
from envparity.launch.certificates import CertificateAuthority
from envparity.launch.images.builder import ImageBuilder
from envparity.launch.images.folder import default_docker_folder
from envparity.launch.ingress_variables import ingress_variables
from envparity.launch.process.ingress.opening import open_ingress
from envparity.launch.process.ingress.plan import Address, IngressKind, IngressPlan
from envparity.model.environment import Ingress
from tests.envparity.launch.image_users import user_of_image

T = TypeVar("T")
HOST = "api.example"
MAX_HEADER_BYTES, MAX_BODY_BYTES = 4096, 1000
DEADLINE_S = 60.0
OWN = "/etc/envparity/tls/own.conf"


class Replica:
    """A backend on a port that it keeps: echoes WebSockets, and answers by the path that is asked for."""

    ANSWERS: Mapping[str, bytes] = {
        "/": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "/headers": b"HTTP/1.1 418 A Teapot\r\nServer: mine\r\nDate: never\r\nset-cookie: a\r\nX-Empty: \r\n"
        b"set-cookie: b\r\nx-envparity-upstream: a lie\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
        "/until-closed": b"HTTP/1.0 200 OK\r\n\r\nall of it",
        "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf",
        "/502": b"HTTP/1.1 502 Mine\r\nContent-Length: 4\r\n\r\nmine",
        "/hangs-up": b"",
    }

    def __init__(self, host: str) -> None:
        self.host, self.port = host, 0
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self._server: asyncio.Server | None = None

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            path = head.split()[1].decode("latin-1")
            if b"\r\nUpgrade: " in head:
                await self._echo(path, head, reader, writer)
            elif path == "/slow":
                await reader.read()
            else:
                if b"\r\nContent-Length: " in head:
                    length = int(head.split(b"\r\nContent-Length: ")[1].split()[0])
                    self.bodies.append(await reader.readexactly(length))
                writer.write(self.ANSWERS[path])
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _echo(self, path: str, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = ServerProtocol(max_size=None)
        protocol.receive_data(head)
        request = protocol.events_received()[0]
        assert isinstance(request, Request)
        response = protocol.accept(request)
        protocol.send_response(response)
        if path == "/ws-early":  # in one segment with the 101
            protocol.send_text(b"early")
        writer.writelines(protocol.data_to_send())
        while data := await reader.read(65536):
            protocol.receive_data(data)
            for event in protocol.events_received():
                assert isinstance(event, Frame)
                if event.data == b"hang up":
                    writer.write(b"last words")
                    return
                if event.opcode.name == "TEXT":
                    protocol.send_text(bytes(event.data))
                elif event.opcode.name == "BINARY":
                    protocol.send_binary(bytes(event.data))
            writer.writelines(protocol.data_to_send())
            await writer.drain()
            if protocol.close_expected():
                return
        self.bodies.append(b"the client has left")


@dataclass
class Bench:
    """An ingress of one kind before two replicas; a loop of its own in a thread, so that tests are clients only."""

    kind: str
    authority: CertificateAuthority
    exits: ExitStack
    idle_s: float
    header_s: float
    network: str = ""
    replicas: list[Replica] = field(default_factory=list)
    kept: dict[str, Opened] = field(default_factory=dict)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    @property
    def trust(self) -> ssl.SSLContext:
        return self.authority.client_context()

    def start(self) -> None:
        """Until `exits` is closed there is a loop, and two replicas that are up."""
        thread = threading.Thread(target=self.loop.run_forever)
        thread.start()
        self.exits.callback(self.loop.close)
        self.exits.callback(thread.join)
        self.exits.callback(lambda: self.loop.call_soon_threadsafe(self.loop.stop))
        self.replicas = [Replica(self._replica_host()) for _ in range(2)]
        for replica in self.replicas:
            self.run(replica.up())
            self.exits.callback(self._down, replica)

    def _down(self, replica: Replica) -> None:
        self.run(replica.down())

    def _replica_host(self) -> str:
        """Where the ingress reaches this machine: for a container, the host's address in a network of its own."""
        if self.kind != "nginx":
            return "127.0.0.1"
        engine = docker.from_env()
        self.exits.callback(engine.close)
        network = engine.networks.create(f"envparity-test-{uuid.uuid4().hex[:8]}", driver="bridge")
        self.exits.callback(network.remove)
        network.reload()
        self.network = str(network.name)
        address = network.attrs["IPAM"]["Config"][0]
        return str(address.get("Gateway") or address["Subnet"].split("/")[0].rsplit(".", 1)[0] + ".1")

    def open(self, *, tls: bool = True, patient: bool = False, **more: Any) -> Opened:
        """Another ingress before the same replicas, open until the bench is left; a patient one waits for ever.

        `more` are other fields of the ingress.
        """
        idle_s, header_s = (3600.0, 3600.0) if patient else (self.idle_s, self.header_s)
        ingress = Ingress("nginx", tls, HOST, idle_s, MAX_BODY_BYTES, MAX_HEADER_BYTES, **more)
        issued, watched = self.authority.issue([HOST]), ("authorization", "access_token")
        plan = IngressPlan(ingress, issued, header_timeout_s=header_s, shutdown_timeout_s=2, watched=watched)
        upstreams = [(replica.host, replica.port) for replica in self.replicas]
        if self.kind != "nginx":
            kind: IngressKind = "python" if self.kind == "python" else "nginx"
            folder = Path(self.exits.enter_context(tempfile.TemporaryDirectory()))
            folder.chmod(0o711)  # as root, an installed nginx is nobody
            return self._opened(open_ingress(plan, upstreams, folder, kind=kind))
        opened = _in_container(plan, upstreams, self.network, self.exits)
        self.run(_until_it_answers(opened.address))
        return opened

    def _opened(self, opening: AbstractAsyncContextManager[Any]) -> Opened:
        running = self.run(opening.__aenter__())
        self.exits.callback(lambda: self.run(opening.__aexit__(None, None, None)))
        return Opened(running.address, lambda: self.run(running.stop()))


@dataclass(frozen=True)
class Opened:
    """An ingress that accepts connections; `stop` stops it gracefully, and returns when it has."""

    address: Address
    stop: Any


def _in_container(plan: IngressPlan, upstreams: list[Address], network: str, exits: ExitStack) -> Opened:
    engine = docker.from_env()
    exits.callback(engine.close)
    reference = ImageBuilder(engine, default_docker_folder(), lambda _line: None).ensure(["ingress"])["ingress"]
    port = 8443 if plan.ingress.tls else 8080
    container = engine.containers.create(
        reference,
        environment={
            **ingress_variables(plan.ingress, [f"{host}:{port}" for host, port in upstreams], plan.watched, OWN),
            "INGRESS_HEADER_TIMEOUT_S": f"{plan.header_timeout_s:g}",
            "INGRESS_SHUTDOWN_TIMEOUT_S": f"{plan.shutdown_timeout_s:g}",
        },
        ports={f"{port}/tcp": ("127.0.0.1", 0)},
        network=network,
        name=f"envparity-test-{uuid.uuid4().hex[:8]}",
    )
    exits.callback(container.remove, force=True)
    assert plan.certificate is not None
    files = {"server.crt": plan.certificate.certificate_pem, "server.key": plan.certificate.key_pem}
    files[OWN.rpartition("/")[2]] = filled(plan.ingress).encode()
    assert container.put_archive("/etc/envparity/tls", _tar(files))
    container.start()
    address = ("127.0.0.1", _published(container, port))
    return Opened(address, lambda: container.stop(timeout=10))


def _published(container: Container, port: int) -> int:
    container.reload()
    bindings = container.ports[f"{port}/tcp"]
    assert bindings
    return int(bindings[0]["HostPort"])


async def _until_it_answers(address: Address) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                reader, writer = await asyncio.open_connection(*address)
                writer.write(b"x\r\n\r\n")
                answered = await reader.read(1)
                writer.close()
                if answered:
                    return
            except ConnectionError:
                pass
            await asyncio.sleep(0.02)


def _tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.uid = len(content), 0o400, user_of_image("ingress")
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def bench_of(kind: str) -> Bench:
    """A bench with the shortest waits of that kind: nginx counts in whole seconds."""
    short = kind == "python"
    return Bench(kind, CertificateAuthority(), ExitStack(), 0.4 if short else 1.0, 0.2 if short else 1.0)


def opened_iterator(bench: Bench) -> Iterator[Bench]:
    """For a fixture: the bench, entered and left."""
    with bench.exits:
        bench.start()
        yield bench


@asynccontextmanager
async def streams(
    address: Address, tls: ssl.SSLContext | None, server_hostname: str = HOST
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client's connection."""
    name = server_hostname if tls else None
    reader, writer = await asyncio.open_connection(*address, ssl=tls, server_hostname=name)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
