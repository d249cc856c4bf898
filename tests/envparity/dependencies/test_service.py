"""Another program of a team's own: what it is told, what it reaches, and what a boot does to it and not to it."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from envparity.errors import ConfigurationError
from envparity.isolate import differences, mix
from envparity.model.case import Boot
from tests.docs.test_environment_page import example
from tests.envparity.dependencies.booting import Stack, booted, environment, reached
from tests.envparity.dependencies.peer import write_peer

LAUNCHERS = [pytest.param("container", marks=pytest.mark.docker), pytest.param("process", marks=pytest.mark.processes)]


def answer(stack: Stack) -> str:
    """What the program answers where the backend reaches it; "" where it does not."""
    server = reached(stack, "peer")
    try:
        with urllib.request.urlopen(f"http://{server.host}:{server.port}/", timeout=10) as said:
            return str(said.read().decode())
    except (urllib.error.URLError, OSError):
        return ""


@pytest.mark.parametrize("launcher", LAUNCHERS)
async def test_it_is_told_its_settings_and_reaches_what_it_takes_from(launcher: str, tmp_path: Path) -> None:
    """The backend's secret of that name, where the bus is; its log is kept without the secret; a cut is not its own."""
    write_peer(tmp_path)
    async with booted(launcher, environment(tmp_path, example("service")), tmp_path) as stack:
        secret = stack.settings["SHARED_SECRET"]
        assert await answered(stack) == secret
        assert str(stack.dependencies["peer"].proxy.port) in stack.settings["PEER_URL"]
        log = "\n".join((await stack.infrastructure_logs())["peer"])
        assert "bus says INFO" in log
        assert secret not in log
        await stack.cut_dependency("bus")
        await stack.restart_dependency("peer")
        assert await answered(stack) == secret
        await stack.cut_dependency("peer")
        assert await answered(stack) == ""


@pytest.mark.parametrize("launcher", LAUNCHERS)
async def test_it_is_away_with_what_it_cannot_do_without(launcher: str, tmp_path: Path) -> None:
    """In the boot that keeps that down; one in which all come late is none of those."""
    write_peer(tmp_path)
    text = example("service")
    async with booted(launcher, environment(tmp_path, text), tmp_path, Boot(down=("bus",))) as stack:
        assert await answered(stack) == ""
    late = environment(tmp_path, "dependencies_first = false\n" + text)
    async with booted(launcher, late, tmp_path) as stack:
        assert await answered(stack) == stack.settings["SHARED_SECRET"]


async def answered(stack: Stack) -> str:
    """As `answer`, beside the event loop that serves the proxies."""
    return await asyncio.to_thread(answer, stack)


CIRCLE = """
image = "a"
settings = { A = { from = "q.url" } }
[dependencies.q]
kind = "service"
image = "a"
settings = { A = "{peer.url}" }
"""


def test_a_setting_of_its_own_is_a_trait_with_the_server_that_it_needs(tmp_path: Path) -> None:
    """Where the bus is in one environment only, nobody is told of one that is not there."""
    text = '[dependencies.peer]\nkind = "service"\nimage = "a"\n'
    team = environment(tmp_path, text + 'settings = { LEVEL = "info" }\n')
    more = 'settings = { LEVEL = "debug", BUS = "{bus.host}" }\n[dependencies.bus]\nkind = "nats"\n'
    other = environment(tmp_path, text + more)
    traits = {str(trait): trait for trait in differences(team, other)}
    assert set(traits) == {"peer.settings.LEVEL=debug", "peer.settings.BUS={bus.host} with dependency bus"}
    assert mix(team, other, traits.values()).dependencies == other.dependencies


WRONG = [
    ('dockerfile = "Dockerfile"\nimage = "a"', "dependencies.peer.dockerfile", "both"),
    ("port = 1", "dependencies.peer", "none of them"),
    ('image = "a"\ninclude = ["x"]', "dependencies.peer.include", "none"),
    ('dockerfile = "None"', "dependencies.peer.dockerfile", "which is none"),
    ('process = ["perl"]\nfolder = "nowhere"', "dependencies.peer.folder", "which is none"),
    ('process = ["perl", "{prt}"]', "dependencies.peer.process[1]", "{prt}"),
    ('image = "a"\nurl = "http://{adress}"', "dependencies.peer.url", "{adress}"),
    ('image = "a"\nsettings = { A = { from = "bus.url" } }', "dependencies.peer.settings.A.from", "[dependencies.bus]"),
    ('image = "a"\nsettings = { A = "{peer.path}" }', "dependencies.peer.settings.A", "peer.path"),
    ('image = "a"\nsettings = { A = { secret = 48, from = "peer.url" } }', "dependencies.peer.settings.A", "2 keys"),
    ('image = "a"\nsettings = { PORT = 80 }', "dependencies.peer.settings.PORT", "a setting as well"),
    (CIRCLE, "dependencies.", "before"),
]


@pytest.mark.parametrize(("lines", "key", "got"), WRONG)
def test_what_cannot_be_is_said_with_its_key(lines: str, key: str, got: str, tmp_path: Path) -> None:
    """One mistake, where it stands."""
    write_peer(tmp_path)
    with pytest.raises(ConfigurationError) as raised:
        environment(tmp_path, '[dependencies.peer]\nkind = "service"\n' + lines + "\n")
    (mistake,) = raised.value.mistakes
    assert mistake.key.startswith(key)
    assert got in mistake.got
    assert mistake.line > 0
