"""What a session of pytest boots, plays and shows."""

from __future__ import annotations

import pytest

import envparity.engine.plan
import envparity.faces.pytest.session
import envparity.model.project  # noqa: F401  pytester forgets what an inner session imports, and would import it each time
from envparity.report.verdict import verdict_text
from tests.envparity.faces.pytest.replaying import FINDING, Replay

pytest_plugins = ["pytester"]


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
    """The project is known without a boot; nothing is printed about a run that was not."""
    project.makepyfile("def test_one(parity): assert parity.project.backend.name == 'chat'")
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
