"""One policy for what is played against a backend that others use: attached environments and the probe share it."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from envparity.config.project import load_project
from envparity.model.backend import Backend, ImageSource
from envparity.model.deployment import Credential, Deployed
from envparity.model.environment import Environment
from envparity.model.reach import known_settings, need
from envparity.model.scenario import Scenario
from envparity.model.shared_use import IMPOSES, TALK, impositions
from envparity.model.step import Connect, Cut, ExpectText, Step, StopReplica, UntilReady
from envparity.probe.choice import objection
from tests.docs.pages import TREE

BACKEND = Backend("b", Path("b.toml"), ImageSource())
SIGNING = Deployed("wss://a.example/ws", secret=Credential(variable="KEY"))


def test_every_kind_of_step_is_talk_or_imposes_something() -> None:
    """One that is added and forgotten here is played against nobody."""
    assert TALK | IMPOSES.keys() == set(get_args(Step))
    assert TALK.isdisjoint(IMPOSES)


@pytest.mark.parametrize("step", [UntilReady(), Cut("db"), StopReplica("a")], ids=["ready", "cut", "stop"])
def test_what_is_imposed_is_refused_by_both_in_the_same_words(step: Step) -> None:
    scenario = Scenario("s", steps=(Connect("valid"), ExpectText("hi"), step))
    (imposed,) = impositions(scenario, BACKEND, {})
    assert need(scenario, BACKEND, Environment("live"), SIGNING) == imposed
    assert objection(scenario, BACKEND, {}) == f"needs {imposed}"


def test_what_is_probed_may_be_played_where_one_is_attached() -> None:
    """A probe keeps from more, and from nothing less."""
    project = load_project(TREE / "netra_backend" / "backend.toml", TREE / "environments")
    backend, staging = project.backend, project.environments["staging"]
    known = known_settings(backend, staging)
    probed = [scenario for scenario in backend.scenarios if not objection(scenario, backend, known)]
    assert probed
    assert [scenario.name for scenario in probed if need(scenario, backend, staging, SIGNING) is not None] == []
