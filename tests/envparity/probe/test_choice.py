"""What is played against what is deployed: only what users do."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from envparity.config.backend import load_backend
from envparity.model.case import Boot
from envparity.model.scenario import Scenario
from envparity.model.step import (
    Close,
    Command,
    Connect,
    Cut,
    Expect,
    Flood,
    Http,
    Restart,
    Send,
    SendSize,
    SendText,
    Step,
    StopReplica,
    UntilReady,
)
from envparity.probe.choice import choose_scenario, objection
from tests.envparity.probe.deployed_backend import SCENARIO, STEPS, backend

REFERENCE = Path(__file__).parents[3] / "netra_backend" / "backend.toml"

CONNECT, WELCOME, CLOSE = STEPS[0], STEPS[1], STEPS[-1]
HARMFUL: dict[str, tuple[tuple[Step, ...], str]] = {
    "restart": ((CONNECT, WELCOME, Restart("postgres"), CLOSE), "needs postgres to be restarted"),
    "cut": ((CONNECT, WELCOME, Cut("postgres"), CLOSE), "needs postgres to be cut off"),
    "stop": ((CONNECT, WELCOME, StopReplica("a"), CLOSE), "needs a replica to be stopped"),
    "until ready": ((CONNECT, WELCOME, UntilReady(), CLOSE), "needs to be told when its replicas are ready"),
    "flood": ((CONNECT, WELCOME, Flood({}, 9), CLOSE), "needs a flood of messages"),
    "raw text": ((CONNECT, WELCOME, SendText("{"), CLOSE), "the step send_text"),
    "big": ((CONNECT, WELCOME, SendSize(9, {}, "x"), CLOSE), "the step send_size"),
    "breaks the contract": ((CONNECT, WELCOME, Send({}, breaks_contract=True), CLOSE), "breaks the contract"),
    "bad token": ((Connect("expired"), WELCOME, CLOSE), "of the kind expired"),
    "no token": ((Connect("none"), WELCOME, CLOSE), "of the kind none"),
    "token in the URL": ((Connect("valid", query="x={token:valid}"), WELCOME, CLOSE), "asks to be refused"),
    "token in a frame": ((CONNECT, WELCOME, Send({"t": "{token:valid}"}), CLOSE), "in other places"),
    "forbidden origin": ((Connect("valid", origin="forbidden", status=403), WELCOME), "asks to be refused"),
    "two connections": ((CONNECT, Connect("valid", on="b"), WELCOME, CLOSE), "not just one connection"),
    "over HTTP": ((Http("POST /x"), CONNECT, WELCOME, CLOSE), "the step http"),
    "a command": ((CONNECT, WELCOME, Command({"redis": ("PING",)}), CLOSE), "needs a command to redis"),
    "nothing expected": ((CONNECT, Close(1000)), "expects no frame"),
}


@pytest.mark.parametrize("case", HARMFUL)
def test_what_could_hurt_is_not_played(case: str) -> None:
    """Each for its reason."""
    steps, why = HARMFUL[case]
    assert why in objection(Scenario("s", steps=steps), backend(), {})


def test_what_needs_a_boot_of_its_own_is_not_played() -> None:
    """A setting, a part, a disruption, replicas: all ask for an environment that stands for the tests."""
    changes: dict[str, dict[str, object]] = {
        "a boot of its own (redis down)": {"boot": Boot(down=("redis",))},
        "a boot of its own (as it is)": {"part": "starting"},
        "to disturb others": {"disruptive": True},
        "2 replicas that can be told apart": {"replicas": 2},
    }
    for what, change in changes.items():
        assert objection(msgspec.structs.replace(SCENARIO, **change), backend(), {}) == f"needs {what}"
    assert "always the same" in objection(msgspec.structs.replace(SCENARIO, new_user=True), backend(), {})
    assert objection(SCENARIO, backend(), {}) == ""


def test_the_reference_backend_is_probed_with_its_conversation() -> None:
    """Connect, welcome, message, five events, history, ping, close."""
    scenario, mistakes = choose_scenario(load_backend(REFERENCE), None, {})
    assert scenario is not None
    assert (scenario.name, mistakes) == ("conversation[header]", [])
    types = [step.types for step in scenario.steps if isinstance(step, Expect)]
    assert types[0] == ("connection_established",)
    assert len(types[1]) == 5


def test_a_scenario_is_chosen_by_its_name() -> None:
    """With or without the carrier; one that could hurt is refused, and so is one that is not there."""
    reference = load_backend(REFERENCE)
    assert names(choose_scenario(reference, "conversation[first_frame]", {})[0]) == "conversation[first_frame]"
    assert names(choose_scenario(reference, "conversation", {})[0]) == "conversation[header]"
    _, (mistake,) = choose_scenario(reference, "postgres_restarted", {})
    assert "needs postgres to be restarted" in str(mistake)
    _, (mistake,) = choose_scenario(reference, "too_fast", {})
    assert "needs a flood of messages" in str(mistake)
    _, (mistake,) = choose_scenario(backend(), "conversatoin", {})
    assert "did you mean conversation?" in str(mistake)


def names(scenario: Scenario | None) -> str:
    return scenario.name if scenario else ""


def test_a_backend_without_a_fitting_scenario_is_a_mistake() -> None:
    """It is said what would do."""
    _, (mistake,) = choose_scenario(msgspec.structs.replace(backend(), scenarios=()), None, {})
    assert "add one" in str(mistake)
