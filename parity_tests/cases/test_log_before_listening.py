"""A log that says "running" before the port listens is not believed before: nobody connects too early."""

from __future__ import annotations

import pytest

from envparity.judge.evidence import Logged
from parity_tests.cases.conftest import RunCase

CASE = "log-before-listening"
WARNING = "WARNING: no supported WebSocket library found: install 'websockets'"


@pytest.mark.parametrize("backend", ["backend.toml", "failed-alone.toml", "no-words.toml"])
def test_nobody_connects_before_the_port_listens(run_case: RunCase, backend: str) -> None:
    """Whichever words its file has for the log; behind an ingress with two replicas, and without one.

    Its word stands before 200 lines more, and in colours.
    """
    run = run_case(CASE, backend=backend)
    assert run.findings == ()
    assert all(replica.listening for seen in run.saved.observations for replica in seen.replicas)
    assert sum(len(seen.transcripts) for seen in run.saved.observations) == 4


def test_a_server_that_lacks_a_library_is_red_and_its_warning_is_quoted(run_case: RunCase) -> None:
    """Its start is none to blame; the log that names the library is there, whole and without its colours."""
    run = run_case(CASE, "--no-causes", environments="missing")
    assert run.exit_code == 1
    (staging,) = [seen for seen in run.saved.observations if seen.case.environment == "staging"]
    (replica,) = staging.replicas
    assert replica.startup is not None
    assert replica.startup.status == "pass"
    assert replica.log[0] == "loading plugin 0"
    assert WARNING in replica.log
    (refused,) = [finding for finding in run.findings if finding.scenario]
    quoted = [line for piece in refused.evidence if isinstance(piece, Logged) for line in piece.lines]
    assert set(quoted) == {WARNING}
