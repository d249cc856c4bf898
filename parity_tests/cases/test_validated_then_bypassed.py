"""A start that fails its own validation and goes on is talked to: what its clients are told is part of the verdict."""

from __future__ import annotations

from envparity.judge.evidence import ClientTold
from envparity.observe.transcript import ConnectionClosed
from parity_tests.cases.conftest import RunCase


def test_the_1011_behind_a_failed_validation_is_told(run_case: RunCase) -> None:
    """The failure by its component, and the close that every client gets; the other environment is well."""
    run = run_case("validated-then-bypassed", "--no-causes")
    assert run.exit_code == 1
    seen = {observation.case.environment: observation for observation in run.saved.observations}
    started = {
        name: [replica.startup.status for replica in of.replicas if replica.startup] for name, of in seen.items()
    }
    assert started == {"local": ["pass"], "staging": ["fail"]}
    (transcript,) = seen["staging"].transcripts
    closes = [event.code for event in transcript.events if isinstance(event, ConnectionClosed)]
    assert closes == [1011]
    (failed,) = [finding for finding in run.findings if finding.component == "factory" and finding.scenario]
    told = [piece.outcome for piece in failed.evidence if isinstance(piece, ClientTold) and piece.outcome is not None]
    assert [outcome.close for outcome in told] == [(1011, "Internal error")]
