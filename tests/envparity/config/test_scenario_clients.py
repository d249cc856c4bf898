"""What a scenario of several clients may say, and what would have no effect."""

from __future__ import annotations

import tomllib

import pytest

from envparity.config.scenario import parse_scenarios
from envparity.model.deployment import Deployed
from envparity.model.environment import Environment
from envparity.model.reach import need
from envparity.model.scenario import Rate
from envparity.probe.choice import objection
from tests.envparity.judge.builders import BACKEND

STEPS = 'steps = [{ connect = "none" }, { send = { n = "{client}" } }]'


def parsed(head: str, steps: str = STEPS) -> tuple[object, list[str]]:
    """The scenario, or None; and the keys of its mistakes."""
    tables = tomllib.loads(f'[[scenario]]\nname = "many"\n{head}\n{steps}')["scenario"]
    scenarios, mistakes = parse_scenarios(tables, "b.toml", lambda _key: 0)
    return (scenarios[0] if scenarios else None), [mistake.key.removeprefix("scenario[0].") for mistake in mistakes]


def test_a_crowd_is_read() -> None:
    tables = tomllib.loads(
        f'[[scenario]]\nname = "m"\nclients = 50\nserved = 40\nrate = {{ connections = 25 }}\nbarrier = false\n{STEPS}'
    )["scenario"]
    ((first,), mistakes) = parse_scenarios(tables, "b.toml", lambda _key: 0)
    assert mistakes == []
    assert (first.clients, first.served, first.rate, first.waits_for_all) == (50, 40, Rate(connections=25), False)
    assert need(first, BACKEND, Environment("live"), Deployed("wss://x")) == "50 connections at once"
    assert objection(first, BACKEND, {}) == "needs 50 connections at once"


@pytest.mark.parametrize(
    ("head", "keys"),
    [
        ("clients = 2", []),
        ("clients = 201", ["clients"]),
        ("clients = 2\nserved = 3", ["served"]),
        ("clients = 2\nrate = {}", ["rate"]),
        ("clients = 2\nrate = { connections = 0 }", ["rate"]),
        ('clients = 2\nsecond = "same"', ["second"]),
        ('clients = 2\npart = "orders"', ["clients"]),
        ('clients = 2\nboot = { release = "upgrade" }', ["boot.release"]),
        ("barrier = true\nserved = 1\nrate = { messages = 1 }", ["barrier", "rate", "served", "steps[1]"]),
        ("", ["steps[1]"]),
    ],
)
def test_what_would_have_no_effect_is_a_mistake(head: str, keys: list[str]) -> None:
    assert parsed(head)[1] == keys


def test_who_answers_cannot_be_seen_among_many() -> None:
    steps = 'steps = [{ connect = "none" }, { connect = "none", on = "b", other_worker_than = "a" }]'
    assert parsed("clients = 2", steps)[1] == ["steps[1].connect.other_worker_than"]
