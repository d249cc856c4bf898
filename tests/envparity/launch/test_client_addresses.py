"""Clients of one scenario that come from addresses of their own, to a server with a limit for each address."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from envparity.config.project import load_project
from envparity.conversation.driver import play
from envparity.errors import ConfigurationError, LaunchError
from envparity.launch.choose import choose_launcher
from envparity.launch.client_addresses import ClientAddresses, Way, ways_of
from envparity.launch.connecting import tcp_connection
from envparity.model.case import Boot
from envparity.model.deployment import Deployed
from envparity.model.environment import Environment
from envparity.model.reach import need
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, Http
from envparity.probe.choice import objection
from envparity.report.saved import read_run
from parity_tests.cases.conftest import single_cause
from tests.envparity.launching import BACKEND, FakeStack

SERVER = Path(__file__).with_name("limited_server.py")
RUN_S = 900.0
LIMITED = """
name = "limited"
websocket_path = "/"
[process]
command = ["python3", {server}, "127.0.0.1"]
{image}
[health]
live = false
ready = false
startup = false
metrics = false
[[scenario]]
name = "one_from_each_address"
steps = [
  {{ connect = "none", from = "first" }},
  {{ connect = "none", on = "b", from = "second" }},
  {{ connect = "none", on = "c", from = "first", status = 429 }},
  {{ close = 1000, on = "b" }},
  {{ close = 1000 }},
  {{ http = "GET /address", from = "third", on = "d" }},
]
"""
ENVIRONMENT = """
name = "{name}"
baseline = {baseline}
[settings]
TRUST_FORWARDED = "{trusts}"
[ingress]
kind = "{kind}"
"""
DECLARED = '[[differences]]\npath = "*TRUST_FORWARDED*"\nreason = "it is tried"\n'


def put(folder: Path, image: str = "", **environments: tuple[str, bool]) -> None:
    """By name the kind of ingress, and whether what it says of clients is trusted; the first is the baseline."""
    text = LIMITED.format(server=json.dumps(str(SERVER)), image=image)
    (folder / "backend.toml").write_text(text, encoding="utf-8")
    (folder / "environments").mkdir()
    baseline = next(iter(environments))
    for name, (kind, trusts) in environments.items():
        said = {"baseline": json.dumps(name == baseline), "kind": kind, "trusts": json.dumps(trusts)}
        declared = "" if name == baseline else DECLARED
        file = folder / "environments" / f"{name}.toml"
        file.write_text(ENVIRONMENT.format(name=name, **said) + declared, encoding="utf-8")


def run(folder: Path, launcher: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "envparity", "run", "--plain", "--launcher", launcher, "--runs", "runs"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=RUN_S, check=False)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.processes
def test_who_does_not_trust_its_ingress_counts_all_clients_as_one(tmp_path: Path) -> None:
    """Red, by that setting alone; without an ingress, and where it is trusted, each address has its connection."""
    put(tmp_path, trusting=("nginx", True), wrong=("nginx", False))
    (tmp_path / "environments/direct.toml").write_text(
        'name = "direct"\n[settings]\nTRUST_FORWARDED = "true"\n', encoding="utf-8"
    )
    code, output = run(tmp_path, "process")
    assert code == 1, output
    (saved,) = (tmp_path / "runs").glob("*.ndjson")
    (finding,) = read_run(saved).verdict.findings
    assert (finding.code, finding.environments) == ("EP302", ("wrong",)), output
    assert single_cause(finding).partition("=")[0] == "TRUST_FORWARDED"


SAID = """
[[scenario]]
name = "said"
steps = [
  { connect = "none", from = "first", query = { me = "{address:first}" } },
  { http = "GET /address", from = "second", on = "b", fields = { address = "{address:second}" } },
  { http = "GET /address", from = "first", on = "c", fields = { address = "{address:first}" } },
  { close = 1000 },
]
"""


@pytest.mark.processes
async def test_a_scenario_expects_the_address_that_the_backend_sees(tmp_path: Path) -> None:
    """In what it sends when it connects, and in what is answered; the ingress's own is another."""
    put(tmp_path, trusting=("nginx", True), wrong=("nginx", False), direct=("none", False))
    with (tmp_path / "backend.toml").open("a", encoding="utf-8") as file:
        file.write(SAID)
    project = load_project(tmp_path / "backend.toml", tmp_path / "environments")
    said = next(scenario for scenario in project.backend.scenarios if scenario.name == "said")
    launcher = await asyncio.to_thread(choose_launcher, "process", project, lambda _: None)
    departed: dict[str, int | None] = {}
    try:
        for name in ("trusting", "direct", "wrong"):
            async with launcher.boot(project.environments[name], Boot(), lambda _: None) as stack:
                await stack.until_decided()
                transcript = await play(said, stack, project.backend, None)
                departed[name] = None if transcript.departure is None else transcript.departure.step
    finally:
        await launcher.close()
    assert departed == {"trusting": None, "direct": None, "wrong": 0}


def test_an_address_that_no_client_comes_from_is_a_mistake(tmp_path: Path) -> None:
    """By name; and one without a name."""
    put(tmp_path, local=("none", False))
    file = tmp_path / "backend.toml"
    text = file.read_text(encoding="utf-8")
    for wrong in ("{address:fourth}", "{address}"):
        file.write_text(text + SAID.replace("{address:second}", wrong), encoding="utf-8")
        with pytest.raises(ConfigurationError) as raised:
            load_project(file, tmp_path / "environments")
        assert [mistake.key.partition(".http")[0] for mistake in raised.value.mistakes] == ["scenario[1].steps[1]"]


SCENARIO = Scenario("s", steps=(Connect("none", source="b"), Http("GET /", source="a"), Connect("none")))


async def test_no_two_plays_at_a_time_share_an_address() -> None:
    """One after the other they have the same, made once."""
    made: list[int] = []

    async def way(number: int) -> Way:
        made.append(number)
        await asyncio.sleep(0)
        return Way(("127.0.0.1", 80), f"127.0.0.{number + 2}")

    clients = ClientAddresses(way)
    async with clients.have(2) as first, clients.have(2) as second:
        assert len({*first, *second}) == 4
    async with clients.have(2) as third:
        assert third == first
    assert sorted(made) == [0, 1, 2, 3]


async def test_an_address_that_cannot_be_made_is_free_again() -> None:
    """The next play is given it, once it can be."""
    broken = True

    async def way(number: int) -> Way:
        if broken:
            raise LaunchError("no relay")
        return Way(("127.0.0.1", number))

    clients = ClientAddresses(way)
    with pytest.raises(LaunchError):
        async with clients.have(1):
            pass
    broken = False
    async with clients.have(1) as ways:
        assert ways == [Way(("127.0.0.1", 0))]


async def test_a_launcher_without_addresses_says_so() -> None:
    """A scenario that says none is none of its matter."""
    stack = FakeStack.__new__(FakeStack)
    stack.case = "local"  # type: ignore[assignment]
    async with ways_of(stack, Scenario("s", steps=(Connect("none"),))) as ways:
        assert ways == {}
    with pytest.raises(LaunchError):
        async with ways_of(stack, SCENARIO):
            pass


def test_where_one_may_only_look_it_is_left_out() -> None:
    """This machine has the addresses that it has; the reason is told."""
    told = need(SCENARIO, BACKEND, Environment("live"), Deployed("wss://example.org/ws"))
    assert told is not None
    assert "addresses" in told
    assert "addresses" in objection(SCENARIO, BACKEND, {})


async def test_a_client_comes_from_the_address_that_it_is_given() -> None:
    """Also another of the loopback network."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sock = await tcp_connection(server.getsockname()[:2], "127.0.0.77")
        with sock:
            assert sock.getsockname()[0] == "127.0.0.77"
