"""Who listens, as the kernel says it: every listening port, no connection, and no answer is no guess."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from envparity.launch import listening
from envparity.launch.listening import listens
from envparity.launch.listening_ports import listening_ports


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_port_is_listed_as_long_as_somebody_listens(family: socket.AddressFamily, host: str) -> None:
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        assert port in (listening_ports() or ())
        assert listens(port) is True
    assert port not in (listening_ports() or ())
    assert listens(port) is False


def test_a_port_that_is_bound_and_does_not_listen_is_not_listed() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        assert listens(held.getsockname()[1]) is False


def test_a_connection_is_no_listener() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()[:2]) as client,
    ):
        assert client.getsockname()[1] not in (listening_ports() or ())


def test_many_listeners_fill_more_than_one_answer() -> None:
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(600)]
    try:
        assert {server.getsockname()[1] for server in servers} <= (listening_ports() or frozenset())
    finally:
        for server in servers:
            server.close()


def test_a_network_of_its_own_is_asked_about_by_whoever_may_look_there() -> None:
    """Nothing of this one stands in the answer, and this thread stays where it is."""
    program = "import socket, sys; made = socket.create_server(('', 0)); print(made.getsockname()[1], flush=True)"
    program += "; sys.stdin.read()"
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    with (
        socket.create_server(("127.0.0.1", 0)) as ours,
        subprocess.Popen([*unshare, sys.executable, "-c", program], stdin=PIPE, stdout=PIPE) as there,
    ):
        assert there.stdin is not None
        assert there.stdout is not None
        port = int(there.stdout.readline())
        network = Path(f"/proc/{there.pid}/net")
        assert listening_ports(network.parent / "ns" / "net") == ({port} if os.geteuid() == 0 else None)
        assert listens(port, network) is True
        assert listens(ours.getsockname()[1], network) is False
        assert listens(ours.getsockname()[1]) is True
        there.stdin.close()


def test_a_network_that_is_gone_says_nothing(tmp_path: Path) -> None:
    assert listening_ports(tmp_path / "net") is None


def test_where_the_kernel_says_nothing_its_table_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(socket, "AF_NETLINK")
    assert listening_ports() is None
    monkeypatch.setattr(listening, "OWN_NETWORK", tmp_path)
    assert listens(80) is None
    (tmp_path / "tcp").write_text("sl local rem st\n0: 0100007F:0050 00000000:0000 0A\n", encoding="ascii")
    assert listens(80) is True
    assert listens(81) is False
