"""Which cases are booted, and what is played in each."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from envparity.engine.plan import plan
from envparity.errors import ConfigurationError
from envparity.model.backend import Backend, ImageSource, Previous
from envparity.model.case import Boot
from envparity.model.deployment import Deployed
from envparity.model.environment import Dependency, Environment, Platform
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, Silence

POSTGRES_DOWN = Boot(down=("postgres",))


def backend(*scenarios: Scenario) -> Backend:
    return Backend("chat", Path("backend.toml"), ImageSource(name="chat"), scenarios=scenarios)


def environments(*names: str) -> dict[str, Environment]:
    return {name: Environment(name, dependencies={"postgres": Dependency("postgres")}) for name in names}


TALK = Scenario("talk[header]", steps=())
RESTART = Scenario("restart", group="lifecycle", disruptive=True, steps=())
REFUSED = Scenario("refused", group="startup_failure", boot=POSTGRES_DOWN, steps=())


def test_every_environment_boots_once_for_each_way_to_boot() -> None:
    """Two environments and two ways to boot are four cases, each with the scenarios that ask for it."""
    planned = plan(backend(TALK, REFUSED), environments("local", "staging"))
    assert [
        (planned_case.case.environment, planned_case.case.boot, [s.name for s in planned_case.scenarios])
        for planned_case in planned
    ] == [
        ("local", Boot(), ["talk[header]"]),
        ("staging", Boot(), ["talk[header]"]),
        ("local", POSTGRES_DOWN, ["refused"]),
        ("staging", POSTGRES_DOWN, ["refused"]),
    ]


def test_what_disturbs_is_played_last() -> None:
    """A scenario that restarts something cannot spoil one that does not."""
    (planned,) = plan(backend(RESTART, TALK), environments("local"))
    assert [scenario.name for scenario in planned.scenarios] == ["talk[header]", "restart"]


@pytest.mark.parametrize("pattern", ["talk", "talk[header]", "ta*"])
def test_a_scenario_is_chosen_by_name_with_or_without_its_carrier_or_by_glob(pattern: str) -> None:
    """And only the boots that the chosen ones need are made."""
    (planned,) = plan(backend(TALK, RESTART, REFUSED), environments("local"), [pattern])
    assert [scenario.name for scenario in planned.scenarios] == ["talk[header]"]


PREVIOUS = Previous(folder=Path("previous"))
UPGRADE = Boot(release="upgrade")


def upgrades(*scenarios: Scenario, only: tuple[str, ...] = ()) -> list[tuple[str, list[str]]]:
    """In which of two environments the release is upgraded, and what is played there."""
    planned = plan(replace(backend(*scenarios), previous=PREVIOUS), environments("local", "staging"), only)
    return [
        (each.case.environment, [scenario.name for scenario in each.scenarios])
        for each in planned
        if each.case.boot == UPGRADE
    ]


def test_a_previous_release_is_upgraded_in_one_environment_where_no_scenario_says_what_else() -> None:
    """With what lets somebody in, and neither disturbs nor waits; no other boot is upgraded."""
    silent = Scenario("silent", steps=(Silence(9.0),))
    refused = Scenario("turned away", steps=(Connect("valid", status=403),))
    assert upgrades(TALK, RESTART, REFUSED, silent, refused, LONG) == [("local", ["talk[header]"])]
    assert upgrades(TALK, RESTART, only=("restart",)) == []


def test_where_a_scenario_changes_the_release_it_says_what_is_played() -> None:
    asks = Scenario("asks", boot=UPGRADE)
    assert upgrades(TALK, asks) == [("local", ["asks"]), ("staging", ["asks"])]
    assert upgrades(TALK, Scenario("rolls", replicas=2, boot=Boot(release="rolling"))) == []


def test_without_a_previous_release_nothing_is_upgraded() -> None:
    assert all(each.case.boot == Boot() for each in plan(backend(TALK), environments("local")))


LONG = Scenario("long[header]", disruptive=True, thorough=True)


def test_what_takes_long_is_played_in_a_thorough_run_or_where_it_is_asked_for() -> None:
    """A glob that it happens to match does not make a quick run slow; one that matches nothing else means it."""
    both, places = backend(TALK, LONG), environments("local")

    def played(*only: str, thorough: bool = False) -> list[str]:
        planned, *_ = plan(both, places, only, thorough=thorough)
        return [scenario.name for scenario in planned.scenarios]

    assert played() == played("*l*") == ["talk[header]"]
    assert played(thorough=True) == played("*l*", thorough=True) == ["talk[header]", "long[header]"]
    assert played("long") == played("long[header]") == played("lo*") == ["long[header]"]


CHECKED = {
    "local": Environment("local", dependencies={"postgres": Dependency("postgres"), "redis": Dependency("redis")}),
    "staging": Environment("staging", dependencies={"postgres": Dependency("postgres", tls="require")}),
    "production": Environment(
        "production",
        dependencies={
            "postgres": Dependency("postgres", tls="verify-full"),
            "redis": Dependency("redis", tls="verify-full"),
        },
    ),
}


@pytest.mark.parametrize("only", [(), ("talk",)])
def test_a_thorough_run_boots_once_for_each_certificate_that_is_to_be_checked(only: tuple[str, ...]) -> None:
    """Behind all else, whatever was asked for, with nothing played; any other run makes no such boot.

    And once with all that an environment depends on silent, to be stopped while it starts.
    """
    usual, thorough = (plan(backend(TALK), CHECKED, only, thorough=deep) for deep in (False, True))
    assert [case.case.environment for case in usual] == ["local", "staging", "production"]
    assert thorough[: len(usual)] == usual
    assert [(each.case.environment, each.case.boot, each.scenarios) for each in thorough[len(usual) :]] == [
        ("local", Boot(silent_start=("postgres", "redis")), ()),
        ("staging", Boot(silent_start=("postgres",)), ()),
        ("production", Boot(other_host=("postgres",)), ()),
        ("production", Boot(other_host=("redis",)), ()),
        ("production", Boot(silent_start=("postgres", "redis")), ()),
    ]


def test_where_nothing_is_waited_for_nobody_is_stopped_while_he_waits() -> None:
    """An environment without dependencies has no such boot: when its startup is over is a race."""
    (planned,) = plan(backend(TALK), {"local": Environment("local")}, thorough=True)
    assert planned.case.boot.steady


def test_what_is_attached_presents_its_own_certificates() -> None:
    """Nobody boots it."""
    attached = {"production": Deployed("wss://api.example/ws")}
    planned = plan(backend(TALK), CHECKED, attached=attached, thorough=True)
    booted = [each.case.environment for each in planned if not each.case.boot.steady]
    assert booted == ["local", "staging"]


def test_choosing_a_scenario_with_a_boot_of_its_own_boots_nothing_else() -> None:
    """A replay costs what it needs."""
    (planned,) = plan(backend(TALK, REFUSED), environments("local"), ["refused"])
    assert planned.case.boot == POSTGRES_DOWN


def test_every_mistake_is_named_at_once() -> None:
    """A pattern that matches nothing, with what is near it, and a dependency that an environment does not have."""
    bare = {"bare": Environment("bare")}
    with pytest.raises(ConfigurationError) as raised:
        plan(backend(RESTART, REFUSED), bare, ["restrat"])
    text = str(raised.value)
    assert "2 mistakes" in text
    assert "did you mean restart?" in text
    assert "scenario refused: boot.down: expected a dependency of bare, got 'postgres'" in text


ROLLING = Scenario("rolling", group="lifecycle", disruptive=True, replicas=2, steps=())


def sized(**replicas: int) -> dict[str, Environment]:
    return {name: Environment(name, platform=Platform(replicas=count)) for name, count in replicas.items()}


def test_a_scenario_that_needs_replicas_is_played_where_there_are_that_many() -> None:
    """Elsewhere the boot is made all the same, for the others."""
    planned = plan(backend(TALK, ROLLING), sized(local=1, production=2))
    assert [(planned_case.case.environment, [s.name for s in planned_case.scenarios]) for planned_case in planned] == [
        ("local", ["talk[header]"]),
        ("production", ["talk[header]", "rolling"]),
    ]


def test_no_environment_is_booted_for_a_scenario_that_it_cannot_play() -> None:
    """Neither as it is, where nothing else was asked for, nor in a way of the scenario's own."""
    odd = Scenario("odd", replicas=3, boot=Boot(settings=(("A", "1"),)), steps=())
    planned = plan(backend(TALK, ROLLING, odd), sized(local=1, production=2, big=3), ["rolling", "odd"])
    assert [(planned_case.case.environment, planned_case.case.boot.steady) for planned_case in planned] == [
        ("production", True),
        ("big", True),
        ("big", False),
    ]


def test_asking_by_name_for_what_no_environment_can_play_is_a_mistake() -> None:
    """It would be a run of nothing, and clean."""
    with pytest.raises(ConfigurationError, match="rolling: expected an environment with 2 replicas, got 1 at most"):
        plan(backend(TALK, ROLLING), sized(local=1), ["rolling"])


def test_with_orders_every_environment_is_booted_as_it_is() -> None:
    """Also where nothing is played on it: the orders are booted beside it."""
    chosen = Scenario("any", part="orders", steps=())
    assert plan(backend(TALK, chosen), environments("local"), ["any"]) == ()
    (planned,) = plan(backend(TALK, chosen), environments("local"), ["any"], orders=True)
    assert (planned.case.boot, planned.scenarios) == (Boot(), ())


def test_a_timeline_of_what_an_environment_does_not_have_is_a_mistake() -> None:
    """Each name once, however often it comes and goes."""
    wrong = Scenario("wrong", boot=Boot(timeline=("backend", "mail", "-mail", "mail")), steps=())
    with pytest.raises(ConfigurationError) as raised:
        plan(backend(wrong), environments("local"))
    assert str(raised.value).count("expected a dependency of local, got 'mail'") == 1
    assert "scenario wrong: boot.timeline" in str(raised.value)
