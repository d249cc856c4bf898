"""The proxy over real sockets: what it forwards, what its toxics do, and what it leaves behind (nothing)."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envparity.launch.proxy import Bandwidth, Latency, LimitData, Proxy, ResetPeer, Slicer, Timeout, Toxic
from envparity.launch.toxics import Direction

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
DEADLINE_S = 10.0


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[tuple[str, int]]:
    """A TCP server of that handler, which closes each connection when the handler returns."""
    done: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        done.add(task)
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[:2]
    finally:
        server.close()
        for task in done:
            task.cancel()
        await asyncio.gather(*done, return_exceptions=True)
        await server.wait_closed()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back whatever comes, and end when the client has ended."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def answer_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the client has half-closed; then the length and the hash of what came."""
    data = await reader.read()
    writer.write(f"{len(data)} {hashlib.sha256(data).hexdigest()}".encode())
    await writer.drain()


async def mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Take everything, answer nothing."""
    await reader.read()


@asynccontextmanager
async def client(proxy: Proxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to the proxy, closed at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def exchanged(proxy: Proxy, data: bytes) -> bytes:
    """What an echo server sends back through the proxy."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.write_eof()

    async with asyncio.timeout(DEADLINE_S), client(proxy) as (reader, writer):
        _, back = await asyncio.gather(write(writer), reader.read())
    return back


async def round_trip_s(proxy: Proxy, data: bytes = b"x") -> float:
    """Seconds until an echo server's answer is there in full."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(DEADLINE_S), client(proxy) as (reader, writer):
        began = loop.time()
        writer.write(data)
        await reader.readexactly(len(data))
        return loop.time() - began


async def until(what: str, condition: Callable[[], bool]) -> None:
    """Let the loop run until that is so."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():  # noqa: ASYNC110  what is awaited raises no event
                await asyncio.sleep(0.001)
    except TimeoutError:
        pytest.fail(f"waited {DEADLINE_S} s for {what}")


async def test_bytes_pass_unchanged_in_both_directions() -> None:
    """A few megabytes come back as they were sent."""
    data = os.urandom(6_000_000)
    async with serving(echo) as address, Proxy("127.0.0.1", address, name="echo") as proxy:
        assert await exchanged(proxy, data) == data


async def test_a_half_closed_client_still_gets_its_answer() -> None:
    """The end of what the client sends reaches the server, and the other direction stays open."""
    data = os.urandom(300_000)
    async with serving(answer_at_the_end) as address, Proxy("127.0.0.1", address) as proxy:
        assert await exchanged(proxy, data) == f"{len(data)} {hashlib.sha256(data).hexdigest()}".encode()


async def test_many_connections_at_once_do_not_mix() -> None:
    """A hundred clients each get back their own bytes, and nobody is connected afterwards."""
    payloads = [os.urandom(5000) for _ in range(100)]
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        assert await asyncio.gather(*(exchanged(proxy, data) for data in payloads)) == payloads
        await until("every connection to end", lambda: proxy.open_connections == 0)


async def test_the_most_connections_at_the_same_time_are_remembered() -> None:
    """Not those that came one after the other, and whatever is open now."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        for _ in range(3):
            await exchanged(proxy, b"alone")
            await until("it to end", lambda: proxy.open_connections == 0)
        assert proxy.most_connections == 1
        async with client(proxy), client(proxy):
            await until("both to be there", lambda: proxy.open_connections == 2)
        await until("both to end", lambda: proxy.open_connections == 0)
        assert proxy.most_connections == 2


async def test_down_resets_open_connections_and_refuses_new_ones() -> None:
    """While it is down a client sees ECONNRESET on the old connection and ECONNREFUSED on a new one."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy, client(proxy) as (reader, writer):
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        await proxy.down()
        assert proxy.open_connections == 0
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", proxy.port)


async def test_up_listens_on_the_same_port_again() -> None:
    """Down and up again, several times over: the port stays, and nobody else can take it in between."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        port = proxy.port
        for _ in range(3):
            await proxy.down()
            for reusing in (0, 1):  # servers and container engines say that they share; they must not get it either
                with socket.socket() as other:
                    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reusing)
                    with pytest.raises(OSError, match="in use"):
                        other.bind(("127.0.0.1", port))
            await proxy.up()
            assert proxy.port == port
            assert await exchanged(proxy, b"again") == b"again"


async def test_down_resets_a_connection_that_was_accepted_and_not_yet_served() -> None:
    """Going down in the very moment of a connection resets it and leaves no socket open."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as opened:
            assert proxy._port.listener is not None
            proxy._port.accept(proxy._port.listener)
            assert proxy.open_connections == 1
            await proxy.down()
            opened.settimeout(DEADLINE_S)
            with pytest.raises(ConnectionResetError):
                opened.recv(1)


async def test_without_an_upstream_the_port_is_held_and_refuses() -> None:
    """The port is known before there is a server; clients are refused until it is set, and again without it."""
    async with serving(echo) as address, Proxy("127.0.0.1", name="late") as proxy:
        assert proxy.port
        with pytest.raises(ConnectionRefusedError):
            await exchanged(proxy, b"early")
        proxy.upstream = address
        assert await exchanged(proxy, b"there") == b"there"
        proxy.upstream = None
        with pytest.raises(ConnectionRefusedError):
            await exchanged(proxy, b"gone")


async def test_down_before_there_is_an_upstream_stays_down() -> None:
    """Setting the upstream of a proxy that is down does not open it."""
    async with serving(echo) as address, Proxy("127.0.0.1") as proxy:
        await proxy.down()
        proxy.upstream = address
        with pytest.raises(ConnectionRefusedError):
            await exchanged(proxy, b"early")
        await proxy.up()
        assert await exchanged(proxy, b"there") == b"there"


async def test_an_upstream_that_refuses_resets_the_client() -> None:
    """The server behind the proxy is gone: the client is reset, and the proxy goes on."""
    async with serving(echo) as address:
        pass
    async with Proxy("127.0.0.1", address) as proxy:
        with pytest.raises(ConnectionResetError):
            await exchanged(proxy, b"anybody?")
        async with serving(echo) as back:
            proxy.upstream = back
            assert await exchanged(proxy, b"there") == b"there"


async def test_a_reset_by_the_server_reaches_the_client_as_a_reset() -> None:
    """ECONNRESET on one side is ECONNRESET on the other, not an orderly end."""

    async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    async with serving(resetting) as address, Proxy("127.0.0.1", address) as proxy, client(proxy) as (reader, writer):
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        writer.write(b"xy" * 100_000)
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_latency_is_added_to_a_round_trip_until_it_is_removed() -> None:
    """80 ms downstream make a round trip of at least 80 ms; a minute that is taken away again costs nothing."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        name = proxy.add(Latency(latency_ms=80))
        assert await round_trip_s(proxy) >= 0.08
        proxy.remove(name)
        proxy.remove(proxy.add(Latency(latency_ms=60_000)))
        assert await round_trip_s(proxy) < DEADLINE_S


async def test_latency_both_ways_adds_up() -> None:
    """Each direction has its own delay."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        proxy.add(Latency(latency_ms=60))
        proxy.add(Latency(latency_ms=60, direction="upstream"))
        assert await round_trip_s(proxy) >= 0.12


@pytest.mark.parametrize("late", ["upstream", "downstream"])
async def test_latency_in_one_direction_leaves_the_other_alone(late: Direction) -> None:
    """With a minute of latency one way, what goes the other way is there at once."""
    heard = asyncio.Event()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"welcome")
        await reader.read(1)
        heard.set()

    async with serving(greet) as address, Proxy("127.0.0.1", address) as proxy:
        proxy.add(Latency(latency_ms=60_000, direction=late))
        async with asyncio.timeout(DEADLINE_S), client(proxy) as (reader, writer):
            writer.write(b"x")
            if late == "upstream":
                assert await reader.read(7) == b"welcome"
                assert not heard.is_set()
            else:
                await heard.wait()
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await reader.read(7)


async def test_latency_delays_and_does_not_slow() -> None:
    """Fifty chunks, each sent after the one before, arrive late by 200 ms, and not by fifty times that."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        proxy.add(Latency(latency_ms=200))
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(DEADLINE_S), client(proxy) as (reader, writer):
            began = loop.time()
            for number in range(50):
                writer.write(bytes([number]) * 1000)
                await writer.drain()
                await asyncio.sleep(0.001)
            assert await reader.readexactly(50_000)
            assert 0.2 <= loop.time() - began < 5


async def test_a_toxic_takes_hold_of_open_connections() -> None:
    """What is added later slows a connection that was there before."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy, client(proxy) as (reader, writer):
        loop = asyncio.get_running_loop()
        for latency_s in (0.0, 0.1):
            if latency_s:
                proxy.add(Latency(latency_ms=latency_s * 1000))
            began = loop.time()
            writer.write(b"x")
            await reader.readexactly(1)
            assert loop.time() - began >= latency_s


async def test_timeout_lets_nothing_through_and_then_closes() -> None:
    """The client hears nothing, and after the timeout the connection ends in order."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        proxy.add(Timeout(timeout_ms=120))
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(DEADLINE_S), client(proxy) as (reader, writer):
            began = loop.time()
            writer.write(b"anybody?")
            assert await reader.read() == b""
            assert loop.time() - began >= 0.11


async def test_timeout_closes_an_idle_connection_too() -> None:
    """Nobody sends anything: the connection is closed all the same."""
    async with serving(mute) as address, Proxy("127.0.0.1", address) as proxy:
        proxy.add(Timeout(timeout_ms=30))
        async with asyncio.timeout(DEADLINE_S), client(proxy) as (reader, _writer):
            assert await reader.read() == b""


async def test_timeout_of_zero_holds_until_it_is_removed() -> None:
    """A stalled network that heals loses nothing."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy, client(proxy) as (reader, writer):
        name = proxy.add(Timeout())
        writer.write(b"are you there?")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.read(1)
        proxy.remove(name)
        async with asyncio.timeout(DEADLINE_S):
            assert await reader.readexactly(14) == b"are you there?"


async def test_reset_peer_resets_both_sides_after_its_time() -> None:
    """Instead of the first answer the client gets ECONNRESET, not earlier than it was asked for."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        proxy.add(ResetPeer(timeout_ms=60))
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(DEADLINE_S), client(proxy) as (reader, writer):
            began = loop.time()
            writer.write(b"hello")
            with pytest.raises(ConnectionResetError):
                await reader.read()
            assert loop.time() - began >= 0.06


@pytest.mark.parametrize("limit", [0, 1, 1000, 70_000])
async def test_limit_data_closes_after_that_many_bytes(limit: int) -> None:
    """Exactly that many bytes arrive, then the end, in order, although more is under way on both sides."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        proxy.add(LimitData(bytes=limit))
        assert len(await exchanged(proxy, os.urandom(100_000))) == limit


async def test_an_orderly_close_does_not_destroy_what_was_sent() -> None:
    """The client still reads all that it was sent, although the proxy had not read all that the client sent."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"welcome, and more")
        await reader.read()

    async with serving(greet) as address, Proxy("127.0.0.1", address) as proxy:
        proxy.add(Timeout(direction="upstream"))
        held = proxy.add(Timeout())
        proxy.add(LimitData(bytes=7))
        with socket.create_connection(("127.0.0.1", proxy.port)) as opened:
            opened.setblocking(False)
            full = 0
            while full < 20:  # until the proxy has stopped reading, and the system's buffers are full
                with suppress(BlockingIOError):
                    opened.send(bytes(65536))
                    full = -1
                full += 1
                await asyncio.sleep(0.005)
            proxy.remove(held)
            await until("the proxy to close the connection", lambda: proxy.open_connections == 0)
            assert opened.recv(100) == b"welcome"
            assert opened.recv(100) == b""


async def test_limit_data_lets_less_than_its_limit_pass() -> None:
    """Below the limit nothing happens."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        proxy.add(LimitData(bytes=10))
        assert await exchanged(proxy, b"nine char") == b"nine char"


async def test_slicer_hands_out_small_pieces() -> None:
    """Of what one side sends at once the first piece arrives, and the next one only after its delay."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy, client(proxy) as (reader, writer):
        proxy.add(Slicer(average_size=10, delay_us=60_000_000))
        writer.write(bytes(30))
        async with asyncio.timeout(DEADLINE_S):
            assert len(await reader.read(100)) == 10
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reader.read(100)


async def test_bandwidth_limits_the_rate() -> None:
    """20 kB at 100 kB/s take a fifth of a second at least."""
    async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
        proxy.add(Bandwidth(rate_kb=100))
        assert await round_trip_s(proxy, bytes(20_000)) >= 0.2


async def test_a_slow_reader_slows_the_sender_down() -> None:
    """The proxy holds back a few megabytes, and then stops reading."""
    sent = 0

    async def endless(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while True:
            writer.write(bytes(65536))
            await writer.drain()
            sent += 65536

    async with serving(endless) as address, Proxy("127.0.0.1", address) as proxy:
        proxy.add(Timeout())
        async with client(proxy):
            await until("the proxy to hold back what it may", lambda: sent >= 4_000_000)
            await asyncio.sleep(0.2)
            assert sent < 30_000_000


async def test_two_toxics_of_one_name_are_refused() -> None:
    """A toxic is removed by its name, so a name is given once."""
    async with Proxy("127.0.0.1") as proxy:
        assert proxy.add(Latency(latency_ms=1)) == "latency_downstream"
        assert proxy.add(Latency(latency_ms=1, name="more")) == "more"
        with pytest.raises(ValueError, match="latency_downstream already"):
            proxy.add(Latency(latency_ms=2))
        with pytest.raises(KeyError):
            proxy.remove("none")


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])  # noqa: S104  it is what must be refused
def test_every_interface_is_refused(address: str) -> None:
    """A proxy never listens on every interface."""
    with pytest.raises(ValueError, match="every interface"):
        Proxy(address)


async def test_ipv6_works_where_the_machine_has_it() -> None:
    """The listening side and the upstream may be IPv6."""
    if not socket.has_ipv6:
        return
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return
    async with serving(echo) as address, Proxy("::1", address) as proxy:
        reader, writer = await asyncio.open_connection("::1", proxy.port)
        writer.write(b"six")
        assert await reader.readexactly(3) == b"six"
        writer.close()


async def test_leaving_it_leaves_no_task_and_no_socket() -> None:
    """Left with connections open, held and half-closed, it leaves nothing: not a task, not a descriptor."""
    tasks = asyncio.all_tasks()
    descriptors = set(os.listdir("/proc/self/fd"))  # noqa: PTH208  names are all that is wanted
    async with serving(mute) as address:
        async with Proxy("127.0.0.1", address) as proxy:
            proxy.add(Latency(latency_ms=60_000))
            writers = [(await asyncio.open_connection("127.0.0.1", proxy.port))[1] for _ in range(5)]
            for writer in writers:
                writer.write(b"held")
            writers[0].write_eof()
            await until("five connections", lambda: proxy.open_connections == 5)
        for writer in writers:
            writer.close()
    await until("the clients' tasks to end", lambda: asyncio.all_tasks() == tasks)
    gc.collect()
    await until("every socket to be closed", lambda: set(os.listdir("/proc/self/fd")) == descriptors)  # noqa: PTH208


def toxics() -> st.SearchStrategy[list[Toxic]]:
    """Toxics that delay and cut up, but never lose anything; each at most once in either direction."""
    direction = st.sampled_from(["downstream", "upstream"])
    number = st.integers(0, 2**16)
    latency = st.builds(
        Latency, latency_ms=st.floats(0, 5), jitter_ms=st.floats(0, 5), seed=number, direction=direction
    )
    slicer = st.builds(
        Slicer, average_size=st.integers(50, 5000), size_variation=st.integers(0, 49), seed=number, direction=direction
    )
    bandwidth = st.builds(Bandwidth, rate_kb=st.floats(2_000, 10_000), direction=direction)
    roomy = st.builds(LimitData, bytes=st.integers(100_001, 200_000), direction=direction)
    return st.lists(latency | slicer | bandwidth | roomy, max_size=4, unique_by=lambda toxic: toxic.label)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(data=st.binary(max_size=20_000), repeated=st.integers(1, 5), bad=toxics())
def test_any_bytes_pass_unchanged_under_any_toxic_that_does_not_cut(
    data: bytes, repeated: int, bad: list[Toxic]
) -> None:
    """Whatever is sent arrives, in order and complete, in both directions."""

    async def run() -> bytes:
        async with serving(echo) as address, Proxy("127.0.0.1", address) as proxy:
            for toxic in bad:
                proxy.add(toxic)
            return await exchanged(proxy, data * repeated)

    assert asyncio.run(run()) == data * repeated


async def test_a_connection_is_closed_at_its_age_whatever_is_said_on_it() -> None:
    """In order, on both sides; the next one has a life of its own."""
    heard = asyncio.Event()

    async def echo_to_its_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await echo(reader, writer)
        heard.set()

    async with serving(echo_to_its_end) as upstream, Proxy("127.0.0.1", upstream, max_lifetime_s=0.3) as proxy:
        for _ in range(2):
            heard.clear()
            async with client(proxy) as (reader, writer), asyncio.timeout(DEADLINE_S):
                began = asyncio.get_running_loop().time()
                said = 0
                with suppress(ConnectionError, asyncio.IncompleteReadError):
                    while True:
                        writer.write(b"x")
                        await reader.readexactly(1)
                        said += 1
                        await asyncio.sleep(0.01)
                assert said > 0
                assert asyncio.get_running_loop().time() - began > 0.25
                await heard.wait()


async def test_who_is_silent_is_closed_at_that_age_too() -> None:
    """Nobody has to send anything for it."""
    async with (
        serving(mute) as upstream,
        Proxy("127.0.0.1", upstream, max_lifetime_s=0.05) as proxy,
        client(proxy) as (reader, _),
        asyncio.timeout(DEADLINE_S),
    ):
        assert await reader.read() == b""


async def test_a_client_can_keep_its_address() -> None:
    """What is behind sees it come from there, and not from the proxy."""

    async def tell_who_asks(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(str(writer.get_extra_info("peername")[0]).encode())

    async with serving(tell_who_asks) as upstream, Proxy("127.0.0.1", upstream, as_client=True) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, local_addr=("127.0.0.7", 0))
        async with asyncio.timeout(DEADLINE_S):
            assert await reader.read() == b"127.0.0.7"
        writer.close()
