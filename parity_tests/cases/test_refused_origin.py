"""A refusal tells who gave it, what had arrived there, and what was logged: the line that names what to mend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envparity.judge.evidence import Logged, WhoAnswered
from parity_tests.cases.conftest import single_cause

if TYPE_CHECKING:
    from parity_tests.cases.conftest import RunCase

CASE = "refused-origin"


def test_a_refusal_tells_who_gave_it_and_why(run_case: RunCase) -> None:
    """The replica, not the ingress; with Origin and Host as they arrived, and the server's own words."""
    run = run_case(CASE)
    (red,) = run.findings
    assert (red.environments, red.scenario, red.nature) == (("tower",), "ring", "handshake 403")
    assert single_cause(red).partition(" ")[0].partition(".")[0] == "ingress"
    (who,) = [piece.handshake for piece in red.evidence if isinstance(piece, WhoAnswered)]
    assert (who.status, who.answered_by, who.replica) == (403, "replica", 0)
    assert who.body == "this bell is not yours\n"
    arrived = {header.name: header.value for header in who.arrived or ()}
    assert (arrived["Host"], arrived["Origin"]) == ("bell.example", "https://bell.example")
    assert arrived["X-Forwarded-Proto"] == "https"
    (logged,) = [piece for piece in red.evidence if isinstance(piece, Logged)]
    assert "origin https://bell.example is not http://bell.example: sent away" in logged.lines
    assert "Origin" in red.action


def test_a_backend_that_believes_its_ingress_is_clean(run_case: RunCase) -> None:
    """The mended one."""
    assert run_case(CASE, backend="mended.toml").exit_code == 0
