"""Which process answers a connection: asked of this machine's kernel, of real processes at one port."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from envparity.launch.workers import Accepted, Workers, workers_at

SERVER = """
import os, socket, sys
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
os.fork()
kept = []
while True:
    connection, _ = listening.accept()
    kept.append(connection)
    connection.send(str(os.getpid()).encode())
"""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")


@pytest.fixture
def port() -> Iterator[int]:
    """The port at which two processes accept."""
    with Popen([sys.executable, "-c", SERVER], stdout=PIPE, start_new_session=True) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        os.killpg(server.pid, 9)


async def test_the_process_that_answers_is_known_by_the_port_of_the_client(port: int) -> None:
    """Of every connection of several, and none of them is another's."""
    before: tuple[Accepted, ...] = ()
    with ExitStack() as opened:
        for _ in range(6):
            client = opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            said = int(client.recv(20))
            workers = await workers_at(port)
            assert workers is not None
            assert len(workers.listening) == 2
            assert said in workers.processes
            assert workers.of(client.getsockname()[1], before) == said
            assert workers.of(None, before) == said, "the only new one"
            before = tuple(workers.answering)


async def test_what_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    """Elsewhere than on Linux."""
    assert await workers_at(80, tmp_path) is None


def test_of_several_new_connections_nobody_knows_which_it_is() -> None:
    """Unless the port of the client tells it."""
    workers = Workers(frozenset({1, 2}), {Accepted(10, 4001): 1, Accepted(11, 4002): 2})
    assert workers.of(None, ()) is None
    assert workers.of(4002, ()) == 2
    assert workers.of(None, [Accepted(10, 4001)]) == 2
