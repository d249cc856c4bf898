"""How a session of pytest ends: bad input, a machine that cannot, a signal, a worker of xdist."""

from __future__ import annotations

import os
import signal

import pytest

import envparity.engine.plan
import envparity.faces.pytest.session
import envparity.model.project  # noqa: F401  pytester forgets what an inner session imports, and would import it each time
from envparity.errors import EngineFailed, EngineUnavailable
from envparity.support.signals import ENDING
from tests.envparity.faces.pytest.replaying import INI, Replay

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("how", ["option", "ini", "fixture", "marker"])
def test_bad_input_is_exit_2_with_one_message_before_anything_boots(
    project: pytest.Pytester, replay: Replay, how: str
) -> None:
    """All mistakes of all files, however the plugin came to read them."""
    (project.path / "environments/staging.toml").write_text(
        'name = "staging"\nfoo = 1\n[platform]\nport = "x"\n', encoding="utf-8"
    )
    if how == "ini":
        project.makeini(INI + "envparity_backend = backend.toml\n")
    tests = {
        "marker": "import pytest\n@pytest.mark.parity(group='refusal')\ndef test_a(parity, scenario): print('was run')",
        "fixture": "def test_one(parity): print('was run')",
    }
    project.makepyfile(tests.get(how, "def test_one(): print('was run')"))
    result = project.runpytest_inprocess(*(["--envparity-environments=environments"] if how == "option" else []), "-s")
    shown = result.stdout.str() + result.stderr.str()
    assert (result.ret, replay.opened) == (2, [])
    assert shown.count("2 mistakes in the configuration; nothing was started\n  ") == 1
    assert "foo" in shown
    assert "port" in shown
    assert "was run" not in shown
    assert "Traceback" not in shown


def test_a_machine_that_cannot_is_exit_3(project: pytest.Pytester, replay: Replay) -> None:
    """No engine: one message, no test counted as the backend's failure."""
    replay.error = EngineUnavailable("no container engine answers at /sock")
    project.makepyfile("def test_one(parity): parity.observations()\ndef test_two(parity): parity.observations()")
    result = project.runpytest_inprocess()
    assert result.ret == 3
    assert result.stderr.str().count("no container engine answers at /sock") == 1
    assert len(replay.opened) == 1


def test_options_and_ini_name_files_environments_and_launcher(project: pytest.Pytester, replay: Replay) -> None:
    """An option wins over the ini file; both are checked alike."""
    (project.path / "backend.toml").rename(project.path / "other.toml")
    project.makeini(
        INI + "envparity_backend = other.toml\nenvparity_environment = local staging\nenvparity_launcher = container\n"
    )
    project.makepyfile("def test_one(parity): assert parity.environments == ('staging',); parity.observations()")
    result = project.runpytest_inprocess("--envparity-environment=staging")
    result.assert_outcomes(passed=1)
    assert replay.opened == [("container", ())]


def test_an_option_attaches_an_environment(project: pytest.Pytester, replay: Replay) -> None:
    """It is only asked as it is, and for what it can play there; a target that nobody confirmed ends the session."""
    attach = "--envparity-attach=staging=wss://api.example/ws"
    project.makepyfile(
        """
        from envparity import Boot

        def test_one(parity):
            assert list(parity.project.attached) == ["staging"]
            assert parity.environments_of("greeting") == ("local", "staging")
            assert parity.environments_of("startup-failure") == ("local",)
            down = parity.project.backend.scenarios[-1].boot
            assert list(parity.observations(down)) == ["local"]
        """
    )
    result = project.runpytest_inprocess(attach, "--envparity-confirm-target=api.example")
    result.assert_outcomes(passed=1)
    refused = project.runpytest_inprocess(attach)
    assert refused.ret == 2
    assert "--confirm-target api.example" in "\n".join(refused.errlines)


def told_as_broken_off(result: pytest.RunResult, project: pytest.Pytester) -> None:
    """The verdict of what was seen, once, and in each report that was asked for."""
    told = result.stdout.str()
    assert told.count("BROKEN OFF") == 1
    assert "CLEAN" not in told
    report = (project.path / "report.sarif").read_text(encoding="utf-8")
    assert '"executionSuccessful": false' in report


def test_ctrl_c_while_it_boots_cleans_up(project: pytest.Pytester, replay: Replay) -> None:
    """The run is closed, what was seen is told, and no verdict of all is claimed; the exit code is pytest's own."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    replay.interrupt = interrupt
    project.makepyfile("def test_one(parity): parity.observations()")
    result = project.runpytest_inprocess("--envparity-sarif=report.sarif", no_reraise_ctrlc=True)
    assert (result.ret, replay.closed) == (2, 1)
    told_as_broken_off(result, project)


@pytest.mark.parametrize(
    "number", sorted({*ENDING} - {signal.SIGINT}), ids=lambda number: number.name
)  # nohup takes one
def test_a_signal_while_it_boots_cleans_up(project: pytest.Pytester, replay: Replay, number: signal.Signals) -> None:
    """A CI job that is cancelled leaves nothing behind; the exit code says why it ended, what was seen is told."""
    before = signal.getsignal(number)
    replay.interrupt = lambda: os.kill(os.getpid(), number)
    project.makepyfile("def test_one(parity): parity.observations()")
    result = project.runpytest_inprocess("--envparity-sarif=report.sarif")
    assert (result.ret, replay.closed) == (128 + number, 1)
    assert signal.getsignal(number) is before
    told_as_broken_off(result, project)


@pytest.mark.parametrize("error", [EngineFailed("the engine is gone"), OSError(28, "No space left on device")])
def test_what_the_machine_ends_is_told_and_exit_3(project: pytest.Pytester, replay: Replay, error: Exception) -> None:
    """In the middle of its boots: one message that says how much was seen, and no test counted as a failure."""

    def give_out() -> None:
        raise error

    replay.interrupt = give_out
    project.makepyfile("def test_one(parity): parity.observations()\ndef test_two(parity): parity.observations()")
    result = project.runpytest_inprocess("--envparity-sarif=report.sarif")
    assert (result.ret, replay.closed) == (3, 1)
    assert "(1 finding in 1 of 2 cases; it is told and saved what was seen until then)" in result.stderr.str()
    told_as_broken_off(result, project)


def test_xdist_workers_refuse_clearly(project: pytest.Pytester, replay: Replay) -> None:
    """A worker of whose controller nothing is known never boots a second copy of everything: it says what to do."""
    project.makeconftest("def pytest_configure(config): config.workerinput = {}")
    project.makepyfile("def test_one(parity): parity.observations()")
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*run these tests with `-n 0`*"])
    assert replay.opened == []


def test_collect_only_boots_nothing(project: pytest.Pytester, replay: Replay) -> None:
    """Names of tests need files only."""
    project.makepyfile("import pytest\n@pytest.mark.parity(group='refusal')\ndef test_one(parity, scenario): pass")
    result = project.runpytest_inprocess("--collect-only", "-q")
    result.stdout.fnmatch_lines(["*test_one?refusal-origin?", "*test_one?refusal-token?"])
    assert replay.opened == []
