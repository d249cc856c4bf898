"""A header whose name has an underscore: the ingress drops it, and the backend sees a client without a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envparity.observe.transcript import HandshakeAnswered
from parity_tests.cases.conftest import single_cause

if TYPE_CHECKING:
    from parity_tests.cases.conftest import RunCase

CASE = "dropped-header"


def test_the_header_that_did_not_arrive_is_named(run_case: RunCase) -> None:
    """Red in the environment with an ingress alone; it is the cause, and what was sent in vain is recorded."""
    run = run_case(CASE)
    assert run.exit_code == 1
    assert {finding.environments for finding in run.findings} == {("hall",)}
    assert {single_cause(finding).partition(" ")[0].partition(".")[0] for finding in run.findings} == {"ingress"}
    answers = {
        observation.case.environment: event
        for observation in run.saved.observations
        for transcript in observation.transcripts
        for event in transcript.events
        if isinstance(event, HandshakeAnswered)
    }
    assert answers["hall"].lost == ("board_ticket",)
    assert answers["desk"].lost == ()
    assert answers["hall"].answered_by == answers["desk"].answered_by == "replica"
    arrived = {header.name: header.value for header in answers["hall"].arrived or ()}
    assert arrived["Host"] == "board.example"
    assert arrived["X-Forwarded-Proto"] == "https"
    (red,) = [finding for finding in run.findings if finding.scenario == "read"]
    assert any("board_ticket" in str(piece) for piece in red.evidence)
    assert any("no ticket in board_ticket" in str(piece) for piece in red.evidence), "what the server logged is quoted"


def test_with_a_hyphen_it_arrives(run_case: RunCase) -> None:
    """The mended backend is clean in both environments."""
    assert run_case(CASE, backend="mended.toml").exit_code == 0
