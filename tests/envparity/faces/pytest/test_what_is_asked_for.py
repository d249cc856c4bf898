"""What options, markers and the generic suite ask of a run, and its reports."""

from __future__ import annotations

import pytest

import envparity.engine.plan
import envparity.faces.pytest.session
import envparity.model.project  # noqa: F401  pytester forgets what an inner session imports, and would import it each time
from envparity.judge.finding import Finding
from tests.envparity.faces.pytest.replaying import ENVIRONMENT, FINDING, INI, Replay

pytest_plugins = ["pytester"]


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
