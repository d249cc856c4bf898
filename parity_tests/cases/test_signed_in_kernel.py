"""A session in a cookie, a kernel started over HTTP, its id in the path: what a cookie's attributes do elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envparity.judge.finding import Finding
from envparity.observe.transcript import HttpAnswered, Transcript
from parity_tests.cases.conftest import CaseRun, single_cause

if TYPE_CHECKING:
    from parity_tests.cases.conftest import RunCase

CASE = "signed_in_kernel"


def departed(run: CaseRun) -> Finding:
    """The one finding about an answer over HTTP."""
    (found,) = [finding for finding in run.findings if finding.code == "EP308"]
    assert (found.environments, found.scenario, found.nature) == (("hall",), "run", "http 403")
    return found


def answers(run: CaseRun, environment: str) -> list[HttpAnswered]:
    """What was answered over HTTP in the scenario that signs in."""
    played: list[Transcript] = [
        transcript
        for observation in run.saved.observations
        if observation.case.environment == environment
        for transcript in observation.transcripts
        if transcript.scenario == "run"
    ]
    return [event for event in played[0].events if isinstance(event, HttpAnswered)]


def test_who_has_signed_in_talks_to_a_kernel_everywhere(run_case: RunCase) -> None:
    """Over plain HTTP on this machine and behind an ingress with TLS: nothing differs."""
    run = run_case(CASE)
    assert run.exit_code == 0, run.output
    for environment in ("desk", "hall"):
        login, created = answers(run, environment)
        assert [(cookie.name, cookie.path, cookie.refused) for cookie in login.cookies] == [("session", "/", "")]
        assert created.status == 201


def test_a_session_in_the_log_is_told_and_recorded_nowhere(run_case: RunCase) -> None:
    """The level of the log is its cause, and what the server wrote of the session stands by its name everywhere."""
    run = run_case(CASE, environments="sessions_logged")
    (red,) = [finding for finding in run.findings if finding.code != "EP203"]
    assert (red.code, red.environments) == ("EP111", ("hall",))
    assert single_cause(red).partition("=")[0].partition(" ")[0] == "LOG_LEVEL"
    logs = [line for seen in run.saved.observations for replica in seen.replicas for line in replica.log]
    given = {line.partition("the session is ")[2] for line in logs if "the session is " in line}
    assert given == {"<cookie:session>"}


def test_a_path_that_is_left_over_keeps_the_session_back(run_case: RunCase) -> None:
    """The setting is the cause, and the evidence says that the cookie stayed behind."""
    run = run_case(CASE, environments="prefix_left_over")
    red = departed(run)
    assert single_cause(red).partition("=")[0].partition(" ")[0] == "COOKIE_PATH"
    _, refused = answers(run, "hall")
    (withheld,) = refused.withheld
    assert withheld.startswith("session: Path=/notebooks")


def test_a_secure_session_is_not_kept_without_tls(run_case: RunCase) -> None:
    """The ingress's TLS is the cause, and the cookie says why it was not kept."""
    run = run_case(CASE, environments="without_tls")
    red = departed(run)
    assert single_cause(red).partition("=")[0].partition(" ")[0] == "ingress.tls"
    login, _ = answers(run, "hall")
    assert [bool(cookie.refused) for cookie in login.cookies] == [True]
