"""The pytest plugin, in sessions of its own, over a run that replays recorded observations."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import pytest

import envparity.engine.plan
import envparity.faces.pytest.session
import envparity.model.subject  # noqa: F401  pytester forgets what an inner session imports, and would import it each time
from envparity.engine.events import CaseStarted, Emit, RunFinished, RunStarted, Waiting
from envparity.engine.session import engine
from envparity.engine.session.inputs import Exploration
from envparity.errors import EngineFailed, EngineUnavailable, EnvparityError
from envparity.judge.finding import Finding, Verdict
from envparity.model.case import Boot, Case
from envparity.model.subject import Subject
from envparity.observe.record import Observation
from envparity.observe.transcript import Transcript
from envparity.report.verdict import verdict_text
from envparity.support.signals import ENDING

pytest_plugins = ["pytester"]

BACKEND = """\
name = "chat"

[image]
name = "chat:1"

[[scenario]]
name = "greeting"
steps = [{ connect = "none" }, { close = 1000 }]

[[scenario]]
name = "refusal-origin"
group = "refusal"
steps = [{ connect = "none" }, { close = 1000 }]

[[scenario]]
name = "refusal-token"
group = "refusal"
steps = [{ connect = "none" }, { close = 1000 }]

[[scenario]]
name = "rolling"
group = "lifecycle"
replicas = 2
steps = [{ connect = "none" }, { close = 1000 }]

[[scenario]]
name = "in-any-order"
group = "orders"
part = "orders"
steps = [{ connect = "none" }, { close = 1000 }]

[[scenario]]
name = "startup-failure"
group = "startup_failure"
boot = { down = ["redis"] }
steps = [{ connect = "none" }, { close = 1000 }]
"""
INI = "[pytest]\nasyncio_default_fixture_loop_scope = function\naddopts = -p no:cacheprovider -p no:hypothesispytest\n"
ENVIRONMENT = 'name = "{name}"\n[dependencies.redis]\nkind = "redis"\n'
FINDING = Finding(
    "EP303", "close not as promised", "refusal-token", "1008 token_expired", "1011", ("staging",), ("staging",),
    scenario="refusal-token", scenarios=("refusal-token",),
)  # fmt: skip


@dataclass
class Replay:
    """A run that boots nothing: it was all observed before."""

    findings: tuple[Finding, ...] = ()
    error: EnvparityError | None = None
    interrupt: Callable[[], None] = lambda: None
    opened: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    causes: list[bool] = field(default_factory=list)
    repeats: list[int] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
    closed: int = 0
    broken_off: list[BaseException] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    explored: list[Exploration | None] = field(default_factory=list)

    def open_run(
        self,
        subject: Subject,
        launcher: str,
        emit: Emit,
        only: tuple[str, ...] = (),
        orders: int = 0,
        *,
        causes: bool = False,
        repeat: int = 1,
        explore: Exploration | None = None,
    ) -> Replay:
        self.causes.append(causes)
        self.repeats.append(repeat)
        self.explored.append(explore)
        self.opened.append((launcher, only))
        self.orders.append(orders)
        self.subject, self.emit, self.only = subject, emit, only
        return self

    def __enter__(self) -> Self:
        if self.error:
            raise self.error
        return self

    def __exit__(self, *_: object) -> None:
        self.closed += 1

    def break_off(self, error: BaseException) -> str:
        self.broken_off.append(error)
        names = tuple(self.subject.environments)
        verdict = Verdict("0a1b2c3d", "fake", (), names, 1, 2, 22, self.findings, (), 1.5, broken_off="x", planned=2)
        self.emit(RunFinished(verdict))
        return "1 finding in 1 of 2 cases"

    def observe_all(self) -> tuple[Observation, ...]:
        names = tuple(self.subject.environments)
        self.emit(RunStarted("0a1b2c3d", "fake", (), "chat", names, len(names), 3, 22))
        chosen = [
            scenario for scenario in self.subject.backend.scenarios if not self.only or scenario.name in self.only
        ]
        seen = []
        for boot in dict.fromkeys([Boot(), *(scenario.boot for scenario in chosen)]):
            for name in names:
                case = Case(name, "chat", boot)
                self.emit(CaseStarted(case.id, name, str(case), len(chosen)))
                self.emit(Waiting(case.id, "redis to accept connections"))
                played = tuple(
                    Transcript(scenario.name, scenario.group) for scenario in chosen if scenario.boot == boot
                )
                seen.append(Observation(case, "fake", "0a1b2c3d", transcripts=played))
        orders = [Boot(order=("a", "b")), Boot(order=("b", "a")), Boot(timeline=("backend", "redis"))]
        for name in names if self.orders[-1] else ():
            seen += [Observation(Case(name, "chat", boot), "fake", "0a1b2c3d", warm=True) for boot in orders]
        self.interrupt()
        return tuple(seen)

    @contextmanager
    def warm(self, environment: str) -> Iterator[str]:
        self.standing.append(environment)
        yield f"{environment} stands"
        self.standing.append("gone")

    def verdict(self) -> Verdict:
        names = tuple(self.subject.environments)
        self.verdicts.append(Verdict("0a1b2c3d", "fake", (), names, 4, 7, 22, self.findings, (), 1.5))
        self.emit(RunFinished(self.verdicts[-1]))
        return self.verdicts[-1]


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> Replay:
    made = Replay()
    monkeypatch.setattr(engine, "open_run", made.open_run)
    for name in ("ENVPARITY_BACKEND", "ENVPARITY_LAUNCHER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    return made


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with a backend of four scenarios and two environments."""
    (pytester.path / "backend.toml").write_text(BACKEND, encoding="utf-8")
    pytester.mkdir("environments")
    for name in ("local", "staging"):
        (pytester.path / f"environments/{name}.toml").write_text(ENVIRONMENT.format(name=name), encoding="utf-8")
    pytester.makeini(INI)
    return pytester


def test_a_session_without_parity_pays_and_prints_nothing(pytester: pytest.Pytester) -> None:
    """No option and no fixture: the engine, rich and msgspec are not even imported."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_imported():
            heavy = {"docker", "rich", "msgspec", "websockets", "testcontainers", "envparity.faces.pytest.session"}
            assert heavy & set(sys.modules) == set()
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:hypothesispytest")
    result.assert_outcomes(passed=1)
    assert "envparity" not in "\n".join(result.outlines[5:-1])


def test_the_first_question_boots_and_the_others_read(project: pytest.Pytester, replay: Replay) -> None:
    """One run for the whole session, closed at its end."""
    project.makepyfile(
        """
        def test_one(parity):
            assert parity.environments == ("local", "staging")
            assert parity.observation("staging").case.environment == "staging"

        def test_two(parity):
            assert list(parity.transcripts("greeting")) == ["local", "staging"]
            assert parity.verdict.clean and parity.judgement.findings == ()
            parity.assert_holds()
        """
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=2)
    assert (len(replay.opened), replay.closed) == (1, 1)


def test_asking_for_the_fixture_alone_boots_nothing(project: pytest.Pytester, replay: Replay) -> None:
    """The subject is known without a boot; nothing is printed about a run that was not."""
    project.makepyfile("def test_one(parity): assert parity.subject.backend.name == 'chat'")
    result = project.runpytest_inprocess()
    assert (result.ret, replay.opened) == (0, [])
    result.stdout.no_fnmatch_line("*CLEAN*")


def test_the_verdict_is_the_command_lines(project: pytest.Pytester, replay: Replay) -> None:
    """The same text at the end of the session as `envparity run` prints."""
    replay.findings = (FINDING,)
    project.makepyfile("def test_one(parity): parity.observations()")
    result = project.runpytest_inprocess()
    assert verdict_text(replay.verdicts[0], 80) in result.stdout.str()


def test_a_red_verdict_is_exit_1_though_every_test_passed(project: pytest.Pytester, replay: Replay) -> None:
    """No test needs to assert on a finding for the session to fail."""
    replay.findings = (FINDING,)
    project.makepyfile("def test_one(parity): parity.observations()")
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1)
    assert result.ret == 1


def test_assert_holds_shows_the_findings_of_what_it_was_asked(project: pytest.Pytester, replay: Replay) -> None:
    """By scenario, by code and by environment, rendered like the terminal's."""
    replay.findings = (FINDING,)
    project.makepyfile(
        """
        def test_scenario(parity): parity.assert_holds("refusal-token")
        def test_code(parity): parity.assert_holds(codes=["EP303"])
        def test_other_scenario(parity): parity.assert_holds("greeting")
        def test_other_code(parity): parity.assert_holds(codes=["EP101"])
        def test_other_environment(parity): parity.assert_holds(environment="local")
        """
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=3, failed=2)
    result.stdout.fnmatch_lines(["E*EP303 close not as promised", "E*seen in * staging (not in local)"])


def test_progress_is_shown_while_it_boots_and_not_captured(project: pytest.Pytester, replay: Replay) -> None:
    """In a pipe: plain lines, before the test's own result."""
    project.makepyfile("def test_one(parity): parity.observations(); print('captured')")
    result = project.runpytest_inprocess()
    assert replay.opened
    result.stdout.fnmatch_lines(
        ["chat in local, staging: *", "local: boots, *", "local: waits for redis*", "*1 passed*"]
    )
    result.stdout.no_fnmatch_line("captured")


def test_only_what_the_collected_tests_name_is_played(project: pytest.Pytester, replay: Replay) -> None:
    """A group, a pattern and a parametrised scenario add up; deselected tests do not count."""
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parity(group="refusal")
        def test_refusal(parity, scenario): assert set(parity.transcripts(scenario)) == {"local", "staging"}

        @pytest.mark.parity("startup-*")
        def test_down(parity): assert parity.transcripts("startup-failure")

        def test_everything(parity): parity.observations()
        """
    )
    result = project.runpytest_inprocess("-k", "not everything")
    result.assert_outcomes(passed=3, deselected=1)
    assert replay.opened == [("auto", ("refusal-origin", "refusal-token", "startup-failure"))]
    project.runpytest_inprocess().assert_outcomes(passed=4)
    assert replay.opened[1] == ("auto", ())


def test_the_marker_gives_scenarios_and_environments(project: pytest.Pytester, replay: Replay) -> None:
    """One test for each, named by it; what a test parametrises itself is left alone."""
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parity(group="refusal")
        def test_both(parity, scenario, environment): pass

        @pytest.mark.parity
        @pytest.mark.parametrize("scenario", ["mine"])
        def test_own(scenario): assert scenario == "mine"

        @pytest.fixture
        def environment(): return "theirs"

        def test_unmarked(environment): assert environment == "theirs"
        """
    )
    result = project.runpytest_inprocess("-v")
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["*test_both?local-refusal-origin? PASSED*"])
    assert replay.opened == []


def test_a_scenario_that_was_not_played_fails_the_test(project: pytest.Pytester, replay: Replay) -> None:
    """A transcript that is not there is never an empty success; a name that does not exist says which do."""
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parity("greeting")
        def test_other(parity): parity.transcripts("refusal-token")

        @pytest.mark.parity("greeting")
        def test_unknown(parity): parity.transcripts("gone")

        @pytest.mark.parity("greeting")
        def test_boot(parity): parity.transcripts("startup-failure")
        """
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines_random(
        ["*refusal-token was not played in local*", "*has no scenario 'gone'*", "*redis down*"]
    )
    assert replay.closed == 1


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
            assert list(parity.subject.attached) == ["staging"]
            assert parity.environments_of("greeting") == ("local", "staging")
            assert parity.environments_of("startup-failure") == ("local",)
            down = parity.subject.backend.scenarios[-1].boot
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


def test_the_generic_suite_holds_for_a_clean_run(project: pytest.Pytester, replay: Replay) -> None:
    """Anyone's backend: `pytest --pyargs envparity.suite`, without copying a test."""
    result = project.runpytest_inprocess("--pyargs", "envparity.suite", "--envparity-backend", "backend.toml")
    assert result.ret == 0
    assert replay.opened == [("auto", ())]
    assert result.parseoutcomes()["passed"] >= 8


def test_the_generic_suite_fails_where_a_scenario_does(project: pytest.Pytester, replay: Replay) -> None:
    """The finding is shown by the scenario's own test, and by no other's."""
    replay.findings = (FINDING,)
    result = project.runpytest_inprocess("--pyargs", "envparity.suite", "-v")
    assert result.ret == 1
    result.stdout.fnmatch_lines_random(["*refusal-token? FAILED*", "*refusal-origin? PASSED*"])
    assert result.parseoutcomes()["failed"] == 1


def test_the_generic_suite_lets_no_finding_pass(project: pytest.Pytester, replay: Replay) -> None:
    """A finding about no scenario, of a code that nobody knew when the suite was written, still fails a test."""
    replay.findings = (Finding("EP999", "new", "somewhere", "a", "b", ("local",), ("local",)),)
    result = project.runpytest_inprocess("--pyargs", "envparity.suite")
    assert result.parseoutcomes()["failed"] == 1


def test_orders_are_booted_where_a_test_asks_for_them(project: pytest.Pytester, replay: Replay) -> None:
    """The greatest strength that a marker or the option asks for; the canonical boot comes first."""
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parity(group="orders", orders=3)
        class TestOrders:
            def test_first(self, parity):
                seen = parity.orders("staging")
                assert [(one.case.environment, one.case.boot.order) for one in seen[:2]] == [
                    ("staging", ("a", "b")), ("staging", ("b", "a")),
                ]
                assert seen[2].case.boot.timeline and len(seen) == 3

            @pytest.mark.parity(group="refusal")
            def test_near(self, parity): assert parity.transcripts("refusal-token")

        def test_far(parity): parity.observations()
        """
    )
    project.runpytest_inprocess().assert_outcomes(passed=3)
    project.runpytest_inprocess("-k", "near").assert_outcomes(passed=1, deselected=2)
    project.runpytest_inprocess("-k", "far").assert_outcomes(passed=1, deselected=2)
    project.runpytest_inprocess("--envparity-orders=4").assert_outcomes(passed=3)
    assert replay.orders == [3, 3, 0, 4]


def test_causes_are_looked_for_where_that_is_asked_for(project: pytest.Pytester, replay: Replay) -> None:
    """By the option, or by the ini option; otherwise a red session takes no longer than a clean one."""
    project.makepyfile("def test_one(parity): parity.observations()")
    project.runpytest_inprocess()
    project.runpytest_inprocess("--envparity-causes")
    project.runpytest_inprocess("-o", "envparity_causes=true")
    assert replay.causes == [False, True, True]


def test_cases_are_booted_as_often_as_is_asked_for(project: pytest.Pytester, replay: Replay) -> None:
    """By the option, and by the ini option of the same name."""
    project.makepyfile("def test_it(parity): parity.verdict")
    project.runpytest_inprocess()
    project.runpytest_inprocess("--envparity-repeat", "7")
    project.runpytest_inprocess("-o", "envparity_repeat=3")
    assert replay.repeats == [1, 7, 3]
    assert project.runpytest_inprocess("--envparity-repeat", "many").ret == pytest.ExitCode.INTERRUPTED


def test_what_the_contract_allows_is_explored_where_that_is_asked_for(project: pytest.Pytester, replay: Replay) -> None:
    """By the option and the ini option, with a seed; a seed alone is a mistake."""
    project.makepyfile("def test_it(parity): parity.verdict")
    project.runpytest_inprocess("--envparity-explore", "9", "--envparity-explore-seed", "4")
    project.runpytest_inprocess("-o", "envparity_explore=5")
    first, second = (exploration for exploration in replay.explored if exploration is not None)
    assert (first.examples, first.seed, second.examples) == (9, 4, 5)
    assert project.runpytest_inprocess("--envparity-explore-seed", "4").ret == pytest.ExitCode.INTERRUPTED


def test_what_takes_long_is_played_where_that_is_asked_for(
    project: pytest.Pytester, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the option, the ini option or the variable; a test that names it plays it anyway."""
    backend = project.path / "backend.toml"
    long = '[[scenario]]\nname = "long"\nthorough = true\nsteps = [{ connect = "none" }, { close = 1000 }]\n'
    backend.write_text(backend.read_text(encoding="utf-8") + "\n" + long, encoding="utf-8")
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parity
        def test_any(parity, scenario): assert scenario

        @pytest.mark.parity("long")
        def test_named(parity, scenario): assert scenario == "long"
        """
    )
    usual = project.runpytest_inprocess().parseoutcomes()["passed"]
    project.runpytest_inprocess("--envparity-thorough").assert_outcomes(passed=usual + 1)
    project.runpytest_inprocess("-o", "envparity_thorough=true").assert_outcomes(passed=usual + 1)
    monkeypatch.setenv("ENVPARITY_THOROUGH", "1")
    project.runpytest_inprocess().assert_outcomes(passed=usual + 1)


def test_orders_that_were_not_booted_are_never_an_empty_success(project: pytest.Pytester, replay: Replay) -> None:
    """The error says how to ask for them."""
    project.makepyfile("def test_one(parity): parity.orders('local')")
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*LookupError: local was booted in no order: mark the test with*"])


def test_a_scenario_for_orders_is_no_value_of_the_usual_ones(project: pytest.Pytester, replay: Replay) -> None:
    """It is not played on a boot as it is; and neither is one that needs more replicas than there are."""
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parity
        def test_each(parity, scenario): assert parity.transcripts(scenario)

        @pytest.mark.parity("rolling", "greeting")
        def test_replicas(parity):
            assert parity.environments_of("rolling") == ()
            parity.transcripts("rolling")
        """
    )
    result = project.runpytest_inprocess("-v")
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*no environment of this run has the replicas for rolling*"])
    result.stdout.no_fnmatch_line("*in-any-order*PASSED*")
    (project.path / "environments/staging.toml").write_text(
        ENVIRONMENT.format(name="staging") + '[platform]\nreplicas = 2\n[ingress]\nkind = "nginx"\n', encoding="utf-8"
    )
    result = project.runpytest_inprocess("-v", "-k", "each and rolling")
    result.assert_outcomes(passed=1, deselected=5)


def test_an_environment_can_stand_for_boots_that_nobody_planned(project: pytest.Pytester, replay: Replay) -> None:
    """It is the session's own run that has it, and nothing else is booted for it."""
    project.makepyfile(
        """
        def test_one(parity):
            with parity.warm("staging") as staging:
                assert staging == "staging stands"
        """
    )
    project.runpytest_inprocess().assert_outcomes(passed=1)
    assert replay.standing == ["staging", "gone"]
    assert (len(replay.opened), replay.closed) == (1, 1)
    assert replay.verdicts == []


def test_the_run_is_saved_and_reported(project: pytest.Pytester, replay: Replay) -> None:
    """The same reports as the command line's: asked for by an ini option, relative to its file, or by an option."""
    replay.findings = (FINDING,)
    project.makeini(INI + "envparity_html = red.html\n")
    project.makepyfile("def test_it(parity):\n    assert not parity.verdict.clean\n")
    result = project.runpytest_inprocess("--envparity-junit", "red.xml", "--envparity-sarif", "red.sarif")
    assert result.ret == 1
    assert FINDING.id in (project.path / "red.html").read_text(encoding="utf-8")
    assert FINDING.id in (project.path / "red.xml").read_text(encoding="utf-8")
    assert FINDING.id in (project.path / "red.sarif").read_text(encoding="utf-8")
    assert [path.name for path in (project.path / ".envparity/runs").iterdir()] == ["0a1b2c3d.ndjson"]


def test_a_report_that_cannot_be_written_is_refused_before_anything_boots(
    project: pytest.Pytester, replay: Replay
) -> None:
    """One message, exit status 2."""
    project.makepyfile("def test_it(parity):\n    assert parity.verdict.clean\n")
    result = project.runpytest_inprocess("--envparity-html", "nowhere/red.html")
    assert (result.ret, replay.opened) == (2, [])
    assert "--html" in result.stderr.str()
