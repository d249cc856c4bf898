"""A startup failure reaches the client with its name, never as 1011, in every environment."""

from __future__ import annotations

import pytest

from envparity.faces.parity_run import ParityRun
from envparity.faces.reading import Closed, closes, handshakes, received
from envparity.observe.record import Observation

pytestmark = pytest.mark.parity(group="startup_failure")

CARRIERS = ("header", "subprotocol", "first_frame")
each_dependency = pytest.mark.parametrize("dependency", ["postgres", "redis"])


def observations_without(parity: ParityRun, dependency: str) -> dict[str, Observation]:
    """What every environment showed while that dependency was down."""
    name = f"{dependency}_down_at_startup_no_token"
    boot = next(scenario.boot for scenario in parity.project.backend.scenarios if scenario.name == name)
    assert boot.down == (dependency,)
    return parity.observations(boot)


def test_keeps_to_its_script(parity: ParityRun, scenario: str) -> None:
    """Nothing departs from the script or breaks the contract, and the normalised transcript is the same everywhere."""
    parity.assert_holds(scenario)


@each_dependency
def test_the_client_is_told_which_component(parity: ParityRun, dependency: str) -> None:
    """101, an error frame that names the component, then 1013 and `startup_failed:<component>`. Never 1011."""
    carried = [f"{dependency}_down_at_startup[{carrier}]" for carrier in CARRIERS]
    for scenario in (*carried, f"{dependency}_down_at_startup_no_token"):
        for name, transcript in parity.transcripts(scenario).items():
            assert [handshake.status for handshake in handshakes(transcript)] == [101], name
            told = [
                (frame["type"], frame["code"], frame["component"], frame["retryable"]) for frame in received(transcript)
            ]
            assert told == [("error", "startup_failed", dependency, True)], name
            assert closes(transcript) == [Closed(1013, f"startup_failed:{dependency}", "server")], name


@each_dependency
def test_health_says_what_it_should(parity: ParityRun, dependency: str) -> None:
    """Alive (200), not ready (503), startup failed (503): the process stays up to say why."""
    for name, observation in observations_without(parity, dependency).items():
        assert observation.replicas != (), name
        for replica in observation.replicas:
            assert replica.live is not None
            assert replica.ready is not None
            assert replica.startup is not None
            assert (replica.live.status, replica.ready.status, replica.startup.http_status) == (200, 503, 503), name
            assert replica.exit_code is None, name


@each_dependency
def test_the_report_names_the_failure_and_what_to_do(parity: ParityRun, dependency: str) -> None:
    """The first failure is the dependency's, with code, description and action; the same code in every environment."""
    codes = set()
    for observation in observations_without(parity, dependency).values():
        for replica in observation.replicas:
            assert replica.startup is not None
            assert replica.startup.status == "fail"
            first = replica.startup.failures[0]
            assert first.component == dependency
            assert first.description
            assert first.action
            codes.add(first.code)
    assert len(codes) == 1


@each_dependency
def test_what_does_not_need_it_still_ran(parity: ParityRun, dependency: str) -> None:
    """A failed step is followed by none that requires it, directly or not; all others ran."""
    for observation in observations_without(parity, dependency).values():
        for replica in observation.replicas:
            assert replica.startup is not None
            outcome = {step.name: step.outcome for step in replica.startup.steps}
            broken = {dependency}
            for _ in outcome:
                broken |= {step.name for step in replica.startup.steps if broken & set(step.requires)}
            assert outcome == {
                name: "failed" if name == dependency else "skipped" if name in broken else "passed" for name in outcome
            }


def test_the_verdict_has_nothing_against_it(parity: ParityRun) -> None:
    """Neither hidden from the client, nor passed in silence, nor an internal error."""
    parity.assert_holds(codes=("EP103", "EP104", "EP305"))
