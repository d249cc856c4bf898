"""A URL that is composed of a password works until a password has characters that mean something in a URL."""

from __future__ import annotations

import pytest

from envparity.judge.evidence import LogQuote
from parity_tests.cases.conftest import RunCase, single_cause

CASE = "guestbook"


def test_a_password_that_is_percent_encoded_may_hold_anything(run_case: RunCase) -> None:
    """The two environments are the same, and no part of a URL is told."""
    run = run_case(CASE, environments="encoded")
    assert run.findings == ()
    shown = {setting.name: setting for seen in run.saved.observations for setting in seen.settings}
    assert shown["REDIS_URL"].value is None
    assert shown["REDIS_URL"].source == "redis://:{redis.password|urlencode}@{redis.host}:{redis.port}/{redis.database}"


def test_a_password_that_is_not_is_the_cause_of_a_start_that_fails(run_case: RunCase) -> None:
    """It is named, and what the client made of the URL shows no piece of the password."""
    run = run_case(CASE, environments="naive")
    assert run.exit_code == 1
    (red,) = run.findings
    assert single_cause(red) == "redis.password=reserved-characters"
    logs = [line for seen in run.saved.observations for replica in seen.replicas for line in replica.log]
    assert any("cannot open" in line for line in logs)


def test_a_command_of_one_environment_is_the_cause_of_what_it_does(run_case: RunCase) -> None:
    """As it stands in its file, with the place of the port."""
    run = run_case(CASE, environments="loud")
    (red,) = run.findings
    assert single_cause(red) == "command python3 server.py {port} --loud"


def test_a_job_runs_before_the_backend_and_is_recorded(run_case: RunCase) -> None:
    """Once in each boot; what it has written is the same everywhere."""
    run = run_case(CASE, environments="migrated")
    assert run.findings == ()
    ran = [job for seen in run.saved.observations for job in seen.jobs]
    assert [(job.name, job.exit_code, job.log) for job in ran] == [
        ("migrate", 0, ("guestbook: brought to the last version",))
    ] * 2
    assert all(job.duration_s > 0 for job in ran)


def test_a_job_that_does_something_else_is_the_cause_of_a_start_that_fails(run_case: RunCase) -> None:
    """And is told as a difference too."""
    run = run_case(CASE, environments="behind")
    found = {red.code: red for red in run.findings}
    assert set(found) == {"EP105", "EP206"}
    assert single_cause(found["EP105"]) == "job migrate: python3 server.py --migrate 1"
    assert found["EP206"].where == "jobs.migrate"


def test_a_job_that_fails_is_one_finding_with_its_log(run_case: RunCase) -> None:
    """What the backend then lacks follows from it."""
    run = run_case(CASE, environments="wrong")
    assert {single_cause(red) for red in run.findings} == {"job migrate: python3 server.py --migrate 3"}
    (red,) = [finding for finding in run.findings if finding.code == "EP109"]
    assert (red.code, red.where, red.got) == ("EP109", "job migrate", "ended with exit code 1")
    assert LogQuote("job migrate", ("guestbook: no such version: 3",)) in red.evidence


def test_a_job_that_runs_again_finds_what_it_has_made(run_case: RunCase) -> None:
    """As with the next deployment: both runs are recorded, and nothing differs."""
    run = run_case(CASE, environments="twice")
    assert run.findings == ()
    for seen in run.saved.observations:
        assert [(job.title, job.exit_code) for job in seen.jobs] == [("job migrate", 0), ("job migrate again", 0)]


def test_a_job_that_ends_well_once_alone_is_a_finding(run_case: RunCase) -> None:
    """With what it has said the second time; the command that does so is the cause."""
    run = run_case(CASE, environments="careless")
    (red,) = run.findings
    assert (red.code, red.where, red.environments) == ("EP109", "job migrate again", ("staging",))
    assert single_cause(red) == "job migrate: python3 server.py --migrate 2 --careless and again"
    assert LogQuote("job migrate again", ("guestbook: there is a schema already",)) in red.evidence


@pytest.mark.parametrize(
    ("environments", "causes"), [("inked", []), ("smudged", ["file /etc/ink.json from ../red.json"])]
)
def test_a_file_of_an_environment_is_a_cause(run_case: RunCase, environments: str, causes: list[str]) -> None:
    """The backend finds it where its setting says, filled; braces that are no setting's stand for themselves."""
    run = run_case(CASE, environments=environments, backend="inked.toml")
    assert [single_cause(red) for red in run.findings] == causes
