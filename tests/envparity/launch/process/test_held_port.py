"""A port for a server that is yet to start: held, and nobody else's."""

from __future__ import annotations

import socket
from pathlib import Path

from envparity.launch.process.held_port import HeldPort


def test_no_port_is_held_twice_and_none_is_the_kernels_to_give() -> None:
    """Not one that whoever asks for any free port might be given before the server listens."""
    held = [HeldPort() for _ in range(100)]
    try:
        assert len({held_port.number for held_port in held}) == 100
        first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split())
        assert [held_port.number for held_port in held if first <= held_port.number <= last] == []
    finally:
        for held_port in held:
            held_port.release()


def test_a_server_listens_at_a_port_that_is_held() -> None:
    """As servers do: with SO_REUSEADDR, while it is held."""
    with HeldPort() as held, socket.create_server(("127.0.0.1", held.number)) as server:
        assert server.getsockname()[1] == held.number
