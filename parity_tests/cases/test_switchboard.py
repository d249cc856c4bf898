"""Pools that together want more connections than the server takes: by the files, and as the proxy counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parity_tests.cases.conftest import single_cause

if TYPE_CHECKING:
    from parity_tests.cases.conftest import RunCase


def test_more_connections_than_the_server_takes_have_their_number_and_cause(run_case: RunCase) -> None:
    """One replica's fit. What is counted is the most at the same time, those included that the server turned away."""
    run = run_case("switchboard")
    assert {(finding.code, finding.environments) for finding in run.findings} == {
        ("EP221", ("cloud",)),
        ("EP522", ("cloud",)),
    }
    (counted,) = (finding for finding in run.findings if finding.code == "EP522")
    assert single_cause(counted) == "platform.replicas=2"
    assert run.verdict.connections["local"] == {"nats": 5}
    assert run.verdict.connections["cloud"]["nats"] > 8
