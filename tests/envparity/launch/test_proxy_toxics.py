"""What toxics do to the connections of a proxy, over real sockets."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envparity.launch.proxy import Bandwidth, Latency, LimitData, Proxy, ResetPeer, Slicer, Timeout, Toxic
from envparity.launch.toxics import Direction
from tests.envparity.launch.proxied_peers import DEADLINE_S, client, echo, exchanged, mute, serving, until


async def round_trip_s(proxy: Proxy, data: bytes = b"x") -> float:
    """Seconds until an echo server's answer is there in full."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(DEADLINE_S), client(proxy) as (reader, writer):
        began = loop.time()
        writer.write(data)
        await reader.readexactly(len(data))
        return loop.time() - began


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
