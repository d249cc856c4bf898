"""Each thing that an ingress does otherwise than the one that passes is named as the cause, and nothing beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parity_tests.cases.conftest import single_cause

if TYPE_CHECKING:
    from parity_tests.cases.conftest import RunCase

CASE = "gate"


def test_what_the_ingress_does_otherwise_is_named_alone(run_case: RunCase) -> None:
    """Each environment has one such thing, and the refusals tell them apart."""
    run = run_case(CASE)
    assert run.exit_code == 1
    assert {
        finding.environments: (single_cause(finding), finding.nature) for finding in run.findings if not finding.under
    } == {
        ("deaf",): ("ingress.drop_headers=x-room", "handshake 403"),
        ("literal",): ("ingress.strip_prefix=false", "handshake 404"),
        ("mute",): ("ingress.forwarded=for", "handshake 400"),
        ("old",): ("ingress.upgrade=false", "handshake 426"),
        ("thin",): ("ingress.drop_headers=sec-websocket-extensions", "differs"),
        ("own-name",): ("ingress.host_header=upstream", "handshake 421"),
    }


def test_the_age_at_which_connections_are_cut_is_named_alone(run_case: RunCase) -> None:
    """And not the idle time, which is another one too."""
    run = run_case(CASE, backend="aged.toml", environments="environments-aged")
    (red,) = run.findings
    assert (red.environments, red.scenario, red.nature) == (("hasty",), "stay", "silence 1006")
    assert single_cause(red) == "ingress.max_lifetime_s=2.5"
