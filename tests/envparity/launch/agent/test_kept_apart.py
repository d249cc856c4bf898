"""What a forked boot has, and what it has not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envparity.launch.agent.answers import AgentRefused
from tests.envparity.launch.agent.conftest import StandIn

Said = Callable[[tuple[str, ...]], Any]


async def test_a_boot_has_run_nothing_of_the_backend_and_all_of_the_third_party(standin: StandIn, said: Said) -> None:
    """The third party's module is there when the backend's first line runs, and none of the backend's own is."""
    standin.other("thirdparty.py", "")
    standin.write("standin/lower.py", "import thirdparty\n")
    standin.write(
        "standin/__init__.py",
        """\
        import json, sys
        print(json.dumps({
            "own": [name for name in sys.modules if name.startswith("standin.") or name == "beside"],
            "third party": "thirdparty" in sys.modules,
        }))
        """,
    )
    standin.write("beside.py", "")
    standin.write("standin/__main__.py", "import beside\nfrom standin import lower\n")
    async with standin.agent() as agent:
        report = await agent.load(standin.command)
        boots = [await standin.run(agent) for _ in range(2)]
        assert "thirdparty" in {module.name for module in report.imported}
        assert {"standin", "standin.lower", "beside"} <= set(report.own)
        assert [said(await boot.log()) for boot in boots] == [{"own": [], "third party": True}] * 2


async def test_the_entry_is_imported_ahead_without_being_run(standin: StandIn) -> None:
    """What stands at the top of an unguarded `__main__` is not done when the agent looks what it imports."""
    ran = standin.own / "ran"
    standin.other("thirdparty.py", "")
    standin.write("standin/__main__.py", f"import thirdparty\nopen({str(ran)!r}, 'x')\n")
    async with standin.agent() as agent:
        report = await agent.load(standin.command)
        assert [module.name for module in report.imported] == ["thirdparty"]
        assert not ran.exists()
        await standin.run(agent)
        assert ran.exists()


async def test_settings_read_at_import_are_the_boots_own(standin: StandIn, said: Said) -> None:
    """A module-level constant sees this boot's environment, not the one before's, and not the agent's."""
    standin.write("standin/settings.py", "import os\nNAMES = dict(os.environ)\n")
    standin.write(
        "standin/__main__.py",
        "import json\nfrom standin.settings import NAMES\nprint(json.dumps(NAMES))\n",
    )
    async with standin.loaded_agent() as agent:
        first = said(await (await standin.run(agent, {"JWT_SECRET": "one", "ONLY_FIRST": "1"})).log())
        second = said(await (await standin.run(agent, {"JWT_SECRET": "two"})).log())
    assert (first["JWT_SECRET"], second["JWT_SECRET"]) == ("one", "two")
    assert "ONLY_FIRST" not in second
    assert set(second) == {*standin.env, "JWT_SECRET", "TMPDIR"}
    assert first["TMPDIR"] != second["TMPDIR"]


async def test_a_boot_is_a_process_of_its_own(standin: StandIn, said: Said) -> None:
    """Own session and group, default signals, one thread, no descriptor but the standard ones, garbage collected."""
    standin.write(
        "standin/__main__.py",
        """\
        import gc, json, os, signal, sys, threading
        print(json.dumps({
            "leader": os.getsid(0) == os.getpgid(0) == os.getpid(),
            "signals": [signal.getsignal(one) in (signal.SIG_DFL, signal.default_int_handler)
                        for one in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)],
            "blocked": list(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
            "wakeup": signal.set_wakeup_fd(-1),
            "threads": threading.active_count(),
            "descriptors": sorted(os.readlink(f"/proc/self/fd/{name}").split(":")[0]
                                  for name in os.listdir("/proc/self/fd")
                                  if os.path.exists(f"/proc/self/fd/{name}")),
            "collects": gc.isenabled(),
            "path": sys.path[0] == os.getcwd(),
            "main": sys.modules["__main__"].__spec__.name,
            "arguments": sys.argv[1:],
            "name": sys.argv[0].endswith("standin/__main__.py"),
        }))
        """,
    )
    async with standin.loaded_agent() as agent:
        facts = said(await (await standin.run(agent)).log())
    assert facts == {
        "leader": True,
        "signals": [True] * 3,
        "blocked": [],
        "wakeup": -1,
        "threads": 1,
        "descriptors": ["/dev/null", "pipe", "pipe"],
        "collects": True,
        "path": True,
        "main": "standin.__main__",
        "arguments": [],
        "name": True,
    }


async def test_temporary_files_go_with_the_boot(standin: StandIn) -> None:
    """A file made with `tempfile` lies in the boot's own folder, which is gone when the boot has ended."""
    standin.write("standin/__main__.py", "import tempfile\nprint(tempfile.mkstemp()[1])\n")
    async with standin.loaded_agent() as agent:
        (made,) = await (await standin.run(agent)).log()
    assert "envparity-warm-" in made
    assert not Path(made).parent.exists()


async def test_what_a_boot_imports_late_can_be_learnt(standin: StandIn, said: Said) -> None:
    """A module that is imported in the middle of a boot is there before the next one."""
    standin.other("late.py", "")
    standin.write(
        "standin/__main__.py", "import sys, json\nprint(json.dumps('late' in sys.modules))\nexec('import ' + 'late')\n"
    )
    async with standin.agent() as agent:
        assert "late" not in {module.name for module in (await agent.load(standin.command)).imported}
        rehearsal = await standin.run(agent, learn=True)
        assert said(await rehearsal.log()) is False
        assert [module.name for module in (await agent.load(standin.command, rehearsal)).imported] == ["late"]
        assert said(await (await standin.run(agent)).log()) is True


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()", "a thread"),
        ("import os\nKEPT = os.open(os.devnull, os.O_RDONLY)", "a descriptor"),
        ("import os\nos._exit(3)", "its import ends the process"),
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("raise SystemExit(3)", "SystemExit"),
    ],
)
async def test_a_module_that_cannot_be_held_is_left_out(standin: StandIn, source: str, reason: str) -> None:
    """It is named with the reason, the others are held, the agent keeps one thread, and a boot imports it itself."""
    standin.other("difficult.py", source)
    standin.other("innocent.py", "")
    standin.write("standin/lower.py", "import difficult\n")
    standin.write("standin/__main__.py", "import innocent\nfrom standin import lower\n")
    async with standin.agent() as agent:
        report = await agent.load(standin.command)
        (left,) = report.left_out
        assert left.name == "difficult"
        assert reason in left.reason
        assert "innocent" in {module.name for module in report.imported}
        assert (await agent.again()).threads == 1
        await standin.run(agent)


async def test_a_setting_that_the_third_party_reads_at_import_is_refused(standin: StandIn) -> None:
    """A fork could not give that setting to a module that has read it already, so the boot is refused, and says who."""
    standin.other("thirdparty.py", "import os\nMODE = os.environ.get('THIRDPARTY_MODE', 'plain')\n")
    standin.other("copier.py", "import os\nCOPY = dict(os.environ), dict(os.environ.items())\n")
    standin.write("standin/__main__.py", "import thirdparty, copier\n")
    async with standin.agent() as agent:
        reads = (await agent.load(standin.command)).reads
        assert reads == {"THIRDPARTY_MODE": ("thirdparty",), "*": ("copier",)}
        with pytest.raises(AgentRefused, match="THIRDPARTY_MODE is read by thirdparty when imported"):
            await agent.boot(standin.command, {"THIRDPARTY_MODE": "strict"})
        with pytest.raises(AgentRefused, match="PYTHONOPTIMIZE is read by the interpreter"):
            await agent.boot(standin.command, {"PYTHONOPTIMIZE": "1"})
        boot = await standin.run(agent, {"LANG": "C", "PYTHONPATH": standin.env["PYTHONPATH"]})
        assert boot.end is not None
        assert boot.end.code == 0


async def test_an_agent_that_holds_the_backends_own_forks_nothing(standin: StandIn) -> None:
    """Where a third-party module imports the backend, its boots would not begin from nothing: refused."""
    standin.other("plugin.py", "import standin.lower\n")
    standin.write("standin/lower.py", "")
    standin.write("standin/__main__.py", "import plugin\n")
    async with standin.agent() as agent:
        report = await agent.load(standin.command)
        assert "standin.lower" in report.unfit
        with pytest.raises(AgentRefused, match=r"the backend's own standin, standin\.lower"):
            await agent.boot(standin.command, {})


async def test_the_agent_runs_as_who_started_it(standin: StandIn) -> None:
    """Its hello says who it is, and that it has one thread."""
    async with standin.agent() as agent:
        assert (agent.hello.uid, agent.hello.threads, agent.hello.loaded) == (os.getuid(), 1, 0)
