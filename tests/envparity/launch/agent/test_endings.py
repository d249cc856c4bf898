"""How boots and agents end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.agent.answers import AgentGone, AgentRefused
from envparity.launch.agent.client import AgentBoot, WarmAgent
from envparity.launch.agent.command import python_command
from envparity.launch.agent.inside.command import RequestRefused
from envparity.launch.agent.inside.link import listen
from envparity.launch.agent.local import start_agent
from tests.envparity.launch.agent.conftest import WITHIN_S, StandIn

ENDLESS = "import time\nprint('up')\nwhile True:\n    time.sleep(60)\n"


@pytest.mark.parametrize(
    "source",
    [
        "print('done')",
        "import sys\nsys.exit(7)",
        "import sys\nsys.exit('no database')",
        "raise RuntimeError('no database')",
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "import os\nos.abort()",
        "import atexit\natexit.register(print, 'at exit')\nraise KeyboardInterrupt",
        "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.05), print('thread'))).start()",
        "import no_such_module_anywhere",
    ],
)
async def test_a_boot_ends_as_the_program_would(standin: StandIn, source: str) -> None:
    """Exit status and last line are those of the same program under a new interpreter."""
    standin.write("standin/__main__.py", source)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "standin", env=standin.env, cwd=standin.own, stdout=PIPE, stderr=STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), WITHIN_S)
    status = process.returncode or 0
    async with standin.loaded_agent() as agent:
        boot = await standin.run(agent)
        assert boot.end is not None
        log = await boot.log()
    assert boot.end.code == (status if status >= 0 else 128 - status)
    assert log[-1:] == tuple(output.decode().splitlines()[-1:])


async def test_what_a_boot_used_is_told(standin: StandIn) -> None:
    """Seconds of processor, wall clock, and the most memory that it had."""
    standin.write("standin/__main__.py", "block = b'x' * (64 << 20)\nsum(range(2_000_000))\n")
    async with standin.loaded_agent() as agent:
        end = (await standin.run(agent)).end
    assert end is not None
    assert end.max_rss_kib > 64 << 10
    assert 0 < end.user_s + end.system_s <= end.wall_s + 0.05


async def test_a_hang_is_killed_at_its_deadline(standin: StandIn) -> None:
    """A boot that nobody stops does not outlive its time, nor does what it has started."""
    standin.write("standin/__main__.py", "import subprocess\nprint(subprocess.Popen(['sleep', '600']).pid)\n" + ENDLESS)
    async with standin.loaded_agent() as agent:
        boot = await agent.boot(standin.command, {}, lifetime_s=0.5)
        end = await boot.until_ended(WITHIN_S)
        started = int((await boot.log())[0])
    assert (end.code, end.signal, end.killed) == (137, signal.SIGKILL, "lifetime")
    await _until_gone(started)


async def test_stop_gives_a_grace_period(standin: StandIn) -> None:
    """SIGTERM first; who heeds it ends as it likes, who does not is killed when the grace is over."""
    heeds = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(3 if GRACE else 0))\n"
    standin.write("standin/__main__.py", "import os\nGRACE = os.environ['GRACE']\n" + heeds + ENDLESS)
    async with standin.loaded_agent() as agent:
        boot = await agent.boot(standin.command, {"GRACE": "1"})
        await _until_said(boot, "up")
        assert (await boot.stop(grace_s=10)).code == 3
        standin.write("standin/__main__.py", "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + ENDLESS)
        deaf = await agent.boot(standin.command, {})
        await _until_said(deaf, "up")
        assert (await deaf.stop(grace_s=0.3)).killed == "grace"
        assert (await deaf.stop()).killed == "grace"


async def test_a_listening_boot_is_noticed(standin: StandIn, free_port: int) -> None:
    """It is told when the boot listens; the port is refused to another; None for one that ended before."""
    standin.write(
        "standin/__main__.py",
        "import os, socket\nlistener = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n" + ENDLESS,
    )
    async with standin.loaded_agent() as agent:
        boot = await agent.boot(standin.command, {"PORT": str(free_port)}, port=free_port)
        assert await boot.until_listening(WITHIN_S) is not None
        with pytest.raises(AgentRefused, match=f"port {free_port} already"):
            await agent.boot(standin.command, {"PORT": str(free_port)}, port=free_port)
        await boot.stop()
        broken = await agent.boot(standin.command, {"PORT": "none"}, port=free_port)
        assert await broken.until_listening(WITHIN_S) is None


async def test_a_log_is_bounded(standin: StandIn) -> None:
    """A boot that writes without end neither blocks nor fills the agent; its end is kept, and the loss said."""
    standin.write("standin/__main__.py", "for number in range(40_000):\n    print(f'line {number:09}')\n")
    async with standin.loaded_agent() as agent:
        log = await (await standin.run(agent)).log()
    assert "bytes before this are gone" in log[0]
    assert log[-1] == "line 000039999"
    assert sum(map(len, log)) < 300_000


async def test_a_killed_agent_takes_its_boots_along(standin: StandIn) -> None:
    """Also where it has no time to do so itself; who waits for the boot is told that the agent is gone."""
    standin.write("standin/__main__.py", ENDLESS)
    async with standin.loaded_agent() as agent:
        boot = await agent.boot(standin.command, {})
        await _until_said(boot, "up")
        os.kill(agent.hello.pid, signal.SIGKILL)
        with pytest.raises(AgentGone):
            await boot.until_ended(WITHIN_S)
        await _until_gone(boot.pid)
        with pytest.raises(AgentGone):
            await agent.boot(standin.command, {})


@pytest.mark.parametrize("how", ["connection", "SIGTERM"])
async def test_an_agent_without_its_client_ends_with_its_boots(standin: StandIn, how: str) -> None:
    """When the connection ends, or on SIGTERM, every boot is killed and the agent ends with status 0."""
    standin.write("standin/__main__.py", "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + ENDLESS)
    async with start_agent(standin.command, standin.env, folder=str(standin.own)) as started:
        async with WarmAgent.connect("127.0.0.1", started.port, started.token) as agent:
            boot = await agent.boot(standin.command, {})
            await _until_said(boot, "up")
            if how == "SIGTERM":
                started.process.terminate()
                assert (await boot.until_ended(WITHIN_S)).killed == "agent"
        async with asyncio.timeout(WITHIN_S):
            assert await started.process.wait() == 0
        await _until_gone(boot.pid)


async def test_a_wrong_token_is_refused(standin: StandIn) -> None:
    """And a second client too; the right one is served all the same."""
    async with start_agent(standin.command, standin.env) as started:
        with pytest.raises(AgentRefused, match="wrong token"):
            async with WarmAgent.connect("127.0.0.1", started.port, "0" * 48):
                pass
        async with WarmAgent.connect("127.0.0.1", started.port, started.token):
            with pytest.raises(AgentRefused, match="has a client already"):
                async with WarmAgent.connect("127.0.0.1", started.port, started.token):
                    pass


async def test_an_agent_that_nobody_claims_ends(standin: StandIn) -> None:
    """It does not wait for ever for a client that has died meanwhile."""
    async with start_agent(standin.command, standin.env, unclaimed_s=0.2) as started, asyncio.timeout(WITHIN_S):
        assert await started.process.wait() == 0


async def test_a_short_token_starts_no_agent(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent ends with a reason rather than being guarded by next to nothing."""
    monkeypatch.setattr("secrets.token_hex", lambda _: "short")
    with pytest.raises(LaunchError, match="did not start"):
        async with start_agent(standin.command, standin.env):
            pass


@pytest.mark.parametrize("host", ["0.0.0.0", "", "[::]"])  # noqa: S104  refused
def test_every_interface_is_refused_outside_a_container(tmp_path: Path, host: str) -> None:
    """Inside one, only what the engine publishes can reach it; outside, everybody could."""
    with pytest.raises(RequestRefused, match="every interface"):
        listen(f"{host}:0", marks=(tmp_path / "no container",))


async def test_nobody_there_is_a_deadline(free_port: int) -> None:
    """Connecting tries until its deadline, and then says what it waited for."""
    with pytest.raises(DeadlineExceeded, match="the warm agent to answer"):
        async with WarmAgent.connect("127.0.0.1", free_port, "0" * 48, timeout_s=0.2):
            pass


def test_commands_that_can_be_forked() -> None:
    """The interpreter, its options, the module or script and its arguments are told apart."""
    command = python_command(["python3", "-X", "dev", "-u", "-m", "pkg.main", "-m", "x"])
    assert (command.options, command.module, command.arguments) == (("-X", "dev", "-u"), "pkg.main", ("-m", "x"))
    assert python_command(["/usr/bin/python3.12", "-u", "serve.py", "-c"]).script == "serve.py"
    for argv, reason in [
        ((), "no command"),
        (("/app/server",), "no Python"),
        (("sh", "-c", "python3 -m pkg"), "no Python"),
        (("python3", "-c", "1"), "neither"),
        (("python3",), "neither"),
    ]:
        with pytest.raises(LaunchError, match=reason):
            python_command(argv)


async def _until_said(boot: AgentBoot, line: str) -> None:
    async with asyncio.timeout(WITHIN_S):
        while line not in await boot.log():  # noqa: ASYNC110  another process's output has no event
            await asyncio.sleep(0.01)


async def _until_gone(pid: int) -> None:
    """A process that has ended, or that only waits to be reaped."""
    async with asyncio.timeout(WITHIN_S):
        while _state(pid) not in ("", "Z"):  # noqa: ASYNC110  nor has its end
            await asyncio.sleep(0.01)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return ""
