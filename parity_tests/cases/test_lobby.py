"""Two replicas, and a session between HTTP and a WebSocket in the memory of one: who is kept at no replica loses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parity_tests.cases.conftest import single_cause

if TYPE_CHECKING:
    from parity_tests.cases.conftest import RunCase

CASE = "lobby"


def test_the_missing_affinity_is_the_cause(run_case: RunCase) -> None:
    """Alone, and not TLS, the host or the idle time that are different too."""
    run = run_case(CASE)
    assert run.exit_code == 1
    (red,) = run.findings
    assert (red.environments, red.scenario) == (("station",), "return")
    assert single_cause(red) == "ingress.affinity=none"


def test_an_ingress_that_keeps_clients_at_their_replica_is_clean(run_case: RunCase) -> None:
    """By a cookie, by TLS too; by their address; and where there is one replica alone."""
    assert run_case(CASE, environments="environments-mended").exit_code == 0
