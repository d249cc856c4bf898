"""Hosts that stand in code: where a container finds the server that is called so, and what a boot does there."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from envparity.errors import ConfigurationError
from envparity.isolate import differences, mix
from envparity.launch.container.stack import ContainerStack
from envparity.launch.controls import WarmUnavailable
from envparity.launch.process.limits import cannot_check
from envparity.launch.proxy import Proxy
from envparity.launch.warm.isolation import open_isolations
from envparity.model.backend import ProcessSource
from tests.envparity.dependencies.booting import booted, environment
from tests.envparity.launch.proxied_peers import echo, serving, usual_port

NAMED = '[dependencies.nats]\nkind = "nats"\npassword = false\nhosts = ["bus", "bus.team"]\n'
_ASKS = "exec 2>/dev/null 3<>/dev/tcp/{host}/4222 && head -c 4 <&3"


async def exchanged(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"said")
    try:
        return await reader.readexactly(4)
    finally:
        writer.close()


async def test_a_proxy_is_reached_at_the_usual_port_as_well() -> None:
    """Both pass on, both are cut and come back, and both are given back in the end."""
    usual = usual_port()
    async with serving(echo) as address, Proxy("127.0.0.1", address, usual_port=usual) as proxy:
        assert [await exchanged(port) for port in (proxy.port, usual)] == [b"said", b"said"]
        await proxy.down()
        for port in (proxy.port, usual):
            with pytest.raises(ConnectionRefusedError):
                await exchanged(port)
        await proxy.up()
        assert await exchanged(usual) == b"said"
    with socket.socket() as again:
        again.bind(("127.0.0.1", usual))


async def test_a_port_that_somebody_has_is_an_error() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use"):
            await Proxy("127.0.0.1", None, usual_port=held.getsockname()[1]).__aenter__()


def _asked(stack: ContainerStack, host: str) -> str:
    """What the backend's container is told by who is there."""
    ended = stack.replicas[0].container.exec_run(["bash", "-c", _ASKS.format(host=host)])
    return b"".join(ended.output if not isinstance(ended.output, bytes) else [ended.output]).decode()


@pytest.mark.docker
async def test_a_container_finds_the_server_by_the_names_of_the_deployment(tmp_path: Path) -> None:
    """At its own port, through the proxy that a boot cuts; no other name is there, and nothing is booted warm."""
    async with booted("container", environment(tmp_path, NAMED), tmp_path) as stack:
        assert isinstance(stack, ContainerStack)
        for host in ("bus", "bus.team", "nats"):
            assert await asyncio.to_thread(_asked, stack, host) == "INFO"
        assert await asyncio.to_thread(_asked, stack, "other") == ""
        await stack.cut_dependency("nats")
        assert await asyncio.to_thread(_asked, stack, "bus") == ""
        with pytest.raises(WarmUnavailable, match="bus"):
            async with asyncio.timeout(10):
                await _isolated(stack)


async def _isolated(stack: ContainerStack) -> None:
    async with AsyncExitStack() as exits:
        await open_isolations(exits, stack, 1)


def test_a_process_finds_nobody_there(tmp_path: Path) -> None:
    """And the verdict of processes says so."""
    stands = environment(tmp_path, NAMED)
    gaps = cannot_check(ProcessSource(("sleep", "1"), tmp_path), [stands])
    assert {f"the host {host}" for host in ("bus", "bus.team")} <= {gap.partition(" (")[0] for gap in gaps}


@pytest.mark.processes
async def test_two_boots_of_processes_need_no_such_port(tmp_path: Path) -> None:
    """It is of containers alone: a process would take the machine's."""
    async with booted("process", environment(tmp_path, NAMED), tmp_path) as stack:
        assert stack.dependencies["nats"].proxy.port != 4222


OTHER = '[dependencies.other]\nkind = "image"\nimage = "a"\n'
WRONG = [
    (OTHER + 'port = 1\nhosts = ["bus"]\n', "dependencies.other.hosts[0]", "which is nats"),
    (OTHER + 'port = 1\nhosts = ["nats"]\n', "dependencies.other.hosts[0]", "which is nats"),
    (OTHER + 'port = 4222\nhosts = ["more"]\n', "dependencies.other.hosts", "4222"),
    (OTHER + 'port = 1\nhosts = ["a host"]\n', "dependencies.other.hosts[0]", "a host"),
]


@pytest.mark.parametrize(("text", "key", "got"), WRONG)
def test_hosts_that_cannot_be_are_mistakes(tmp_path: Path, text: str, key: str, got: str) -> None:
    """Those of another dependency, its name, its port, and what is no name of a host."""
    with pytest.raises(ConfigurationError) as raised:
        environment(tmp_path, NAMED + text)
    (mistake,) = raised.value.mistakes
    assert mistake.key == key
    assert got in mistake.got


def test_hosts_are_a_cause_that_can_be_named(tmp_path: Path) -> None:
    here, there = environment(tmp_path, NAMED), environment(tmp_path, NAMED.partition("hosts")[0])
    (trait,) = differences(there, here)
    assert "bus" in str(trait)
    assert mix(there, here, [trait]).dependencies == here.dependencies
