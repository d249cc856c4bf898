"""Which replica or worker process a client comes to, and by TLS: again and again until it is the one."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from envparity.conversation.answer import UPSTREAM_HEADER
from envparity.faces.reading import handshakes
from envparity.launch.ingress_variables import REPLICA_HEADER
from envparity.launch.port import Endpoint
from envparity.launch.workers import Accepted, Workers
from envparity.model.step import (
    Close,
    Connect,
    Expect,
)
from tests.envparity.conversation.one_server import (
    OneServer,
    departed,
    kept,
    played,
    serving,
    silent,
    welcoming,
)


@asynccontextmanager
async def two_replicas(turns: list[str]) -> AsyncIterator[OneServer]:
    """An ingress that goes through `turns`, and says which it was."""

    def name(_connection: ServerConnection, _request: Request, response: Response) -> None:
        response.headers[UPSTREAM_HEADER] = turns.pop(0) if len(turns) > 1 else turns[0]

    async with serving(welcoming, replicas=2, process_response=name) as stack:
        yield stack


async def test_another_replica_is_tried_for_until_it_answers() -> None:
    """The ingress chooses; the client knocks until it chose another."""
    async with two_replicas(["0", "0", "0", "1"]) as stack:
        transcript = await played(
            stack,
            Connect("valid"),
            Connect("valid", on="b", other_replica_than="a"),
            Expect(("welcome",)),
            Expect(("welcome",), on="b"),
        )
    assert transcript.departure is None
    assert [handshake.replica for handshake in handshakes(transcript)] == [0, 1]


async def test_an_ingress_that_lets_choose_is_asked_for_another_replica() -> None:
    """The first attempt asks for the other one, and no more are made where it is given."""
    wished: list[str | None] = []

    def obey(_connection: ServerConnection, request: Request, response: Response) -> None:
        wished.append(request.headers.get(REPLICA_HEADER))
        response.headers[UPSTREAM_HEADER] = str(int(wished[-1] or 1) - 1)

    async with serving(welcoming, replicas=3, process_response=obey) as stack:
        stack.endpoint = replace(stack.endpoint, chooses_replica=True)
        second = Connect("valid", on="b", other_replica_than="a")
        kept(await played(stack, Connect("valid"), second, Expect(("welcome",)), Expect(("welcome",), on="b")))
    first, other = wished
    assert first is None
    assert other in {"2", "3"}


async def test_another_replica_that_never_answers_departs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the deadline of connecting and the patience for chance."""
    monkeypatch.setattr("envparity.conversation.opening._PATIENCE_S", 0.0)
    async with two_replicas(["0"]) as stack:
        departure = await departed(
            stack,
            Connect("valid"),
            Expect(("welcome",)),
            Connect("valid", on="b", other_replica_than="a"),
            connect_s=2.0,
        )
    assert departure.got == "no HTTP answer: no other replica answered"


async def test_another_replica_is_tried_for_longer_than_two_deadlines_of_connecting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of two replicas one is not met in five attempts once in thirty conversations.

    The pauses between its attempts are 7.6 s, and both deadlines together 6 s; each attempt has all of its own.
    """
    monkeypatch.setattr("envparity.conversation.opening._PATIENCE_S", 60.0)
    monkeypatch.setattr("envparity.conversation.opening.random.uniform", lambda _least, most: most)
    async with two_replicas(["0"] * 8 + ["1"]) as stack:
        steps = (Connect("valid"), Expect(("welcome",)), Connect("valid", on="b", other_replica_than="a"))
        transcript = await played(stack, *steps, Expect(("welcome",), on="b"), connect_s=3.0)
    assert [handshake.replica for handshake in handshakes(transcript)] == [0, 1]


async def test_where_there_is_one_replica_the_same_will_do() -> None:
    """Environments of different size play the same scenario."""
    async with serving(welcoming) as stack:
        second = Connect("valid", on="b", other_replica_than="a")
        kept(await played(stack, Connect("valid"), second, Expect(("welcome",)), Expect(("welcome",), on="b")))


class SeenServer(OneServer):
    """A stack of which can be seen which of its processes answers: each new connection the next of `turns`."""

    def __init__(self, endpoint: Endpoint, turns: list[int]) -> None:
        super().__init__(endpoint)
        self.turns, self.answering = turns, dict[Accepted, int]()

    async def workers(self, replica: int) -> Workers | None:
        assert replica == 0
        return Workers(frozenset(self.turns), dict(self.answering))


@asynccontextmanager
async def worker_processes(turns: list[int]) -> AsyncIterator[SeenServer]:
    """A server whose connections are answered by these processes, one after the other, the last from then on."""
    count = 0

    def answer(connection: ServerConnection, _request: Request, _response: Response) -> None:
        nonlocal count
        peer = connection.remote_address[1]
        seen.answering[Accepted(count, peer)] = turns[min(count, len(turns) - 1)]
        count += 1

    async with serving(welcoming, process_response=answer) as stack:
        seen = SeenServer(stack.endpoint, turns)
        yield seen


TWO_WORKERS = (
    Connect("valid"),
    Connect("valid", on="b", other_worker_than="a"),
    Expect(("welcome",)),
    Expect(("welcome",), on="b"),
)


@pytest.mark.parametrize(("turns", "connections"), [([7, 7, 7, 9], 4), ([7, 9], 2), ([7], 2)])
async def test_another_worker_process_is_tried_for_until_it_answers(turns: list[int], connections: int) -> None:
    """Where there is one alone, it will do."""
    async with worker_processes(turns) as stack:
        kept(await played(stack, *TWO_WORKERS))
        assert len(stack.answering) == connections


async def test_another_worker_process_that_never_answers_departs() -> None:
    """Another one listens, and is never chosen."""
    async with worker_processes([7, 7]) as stack:
        stack.turns = [7, 9]
        departure = await departed(stack, TWO_WORKERS[0], TWO_WORKERS[2], TWO_WORKERS[1], connect_s=2.0)
    assert departure.got == "no HTTP answer: no other worker process answered"


async def test_workers_that_nobody_can_see_depart() -> None:
    """A stack that does not show them."""
    async with serving(welcoming) as stack:
        departure = await departed(stack, *TWO_WORKERS, connect_s=2.0)
    assert departure.got == "no HTTP answer: which worker process answers cannot be seen"


async def test_tls_asks_for_the_host_while_connecting_to_the_address(tmp_path: Path) -> None:
    """SNI, certificate and Host header are the ingress's name; the address is where it happens to listen."""
    server_tls, client_tls = _certified(tmp_path, "api.example")
    names: list[str | None] = []
    server_tls.sni_callback = lambda _socket, name, _context: names.append(name)
    hosts: list[str] = []

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        hosts.append(connection.request.headers["Host"])
        await silent(connection)

    async with serving(handler, ssl=server_tls) as stack:
        stack.endpoint = Endpoint(stack.endpoint.address, "api.example", client_tls)
        kept(await played(stack, Connect("valid"), Close(1000), connect_s=5))
        assert (names, hosts) == (["api.example"], ["api.example"])
        stack.endpoint = Endpoint(stack.endpoint.address, "other.example", client_tls)
        departure = await departed(stack, Connect("valid"), connect_s=5)
    assert departure.kind == "handshake"
    assert "certificate" in departure.got.lower()


def _certified(folder: Path, host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server that is called `host`, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    client = ssl.create_default_context(cadata=certificate.public_bytes(serialization.Encoding.PEM).decode())
    return server, client
