"""What must hold for any backend in all of its environments. Each test is a promise; the verdict has them all.

Environments and scenarios come from the files that the options name, so this file is the same for everybody.
"""

from __future__ import annotations

import pytest

from envparity.faces.parity_run import ParityRun
from envparity.judge import codes_of, every_rule
from envparity.judge.warm import WARM_ONLY

STOOD_UP = tuple(rule.code for rule in every_rule() if rule.conduct.unseen)
STARTUP = codes_of("startup")
STARTUP_PARITY = codes_of("report")
SETTINGS = codes_of("settings")
EXEMPTIONS = codes_of("declarations")
SHUTDOWN = codes_of("shutdown")
ORDERS = (*codes_of("orders"), WARM_ONLY.code)


@pytest.mark.parity
def test_environment_can_be_stood_up(parity: ParityRun, environment: str) -> None:
    """Network, dependencies, ingress and backend start, so that there is something to judge."""
    parity.assert_holds(codes=STOOD_UP, environment=environment)
    assert parity.observation(environment).launch_failure is None


@pytest.mark.parity
def test_startup_keeps_its_promises(parity: ParityRun, environment: str) -> None:
    """Startup validation passes where everything is there; a failure has a name in report, health and conversation."""
    parity.assert_holds(codes=STARTUP, environment=environment)


def test_startup_is_the_same_everywhere(parity: ParityRun) -> None:
    """The normalised startup report is identical across environments, but for declared differences."""
    parity.assert_holds(codes=STARTUP_PARITY)


def test_settings_are_the_same_everywhere(parity: ParityRun) -> None:
    """Names, sources and values that are no secrets are identical, but for declared differences."""
    parity.assert_holds(codes=SETTINGS)


def test_declared_differences_are_needed_and_in_date(parity: ParityRun) -> None:
    """An exemption that covers nothing, or has expired, is a finding of its own."""
    parity.assert_holds(codes=EXEMPTIONS)


@pytest.mark.parity
def test_conversation_is_the_same_everywhere(parity: ParityRun, scenario: str) -> None:
    """The scenario keeps to its script and to the contract, and its normalised transcript is the same everywhere."""
    parity.assert_holds(scenario)
    assert set(parity.transcripts(scenario)) == set(parity.environments_of(scenario))


@pytest.mark.parity
def test_shutdown_is_clean(parity: ParityRun, environment: str) -> None:
    """SIGTERM ends the backend within its grace period, with an exit code that says so."""
    parity.assert_holds(codes=SHUTDOWN, environment=environment)


def test_no_order_makes_a_difference(parity: ParityRun) -> None:
    """Whatever the order of initialisation and of the dependencies: the same report, verdict and conversation.

    With `--envparity-orders` there are boots to hold to it; without, only the usual order was booted.
    """
    parity.assert_holds(codes=ORDERS)


def test_nothing_else_was_found(parity: ParityRun) -> None:
    """No finding is left over that none of the tests above asked about."""
    asked = {*STOOD_UP, *STARTUP, *STARTUP_PARITY, *SETTINGS, *EXEMPTIONS, *SHUTDOWN, *ORDERS}
    rest = {
        finding.code for finding in parity.judgement.findings if finding.code not in asked and finding.scenario is None
    }
    if rest:
        parity.assert_holds(codes=sorted(rest))
