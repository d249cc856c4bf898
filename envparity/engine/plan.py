"""Which cases a run boots, and which scenarios are played in each. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType

import msgspec

from envparity.errors import ConfigurationError, Mistake
from envparity.model.backend import Backend
from envparity.model.case import BACKEND, Boot, Case
from envparity.model.deployment import Deployed
from envparity.model.environment import Environment
from envparity.model.reach import LeftOut, need
from envparity.model.scenario import Scenario
from envparity.support.toml.document import did_you_mean

__all__ = ["PlannedCase", "left_out", "plan"]


_OLD_AND_NEW = 2


class PlannedCase(msgspec.Struct, frozen=True):
    """One boot, and what is played in it: the peaceful scenarios first, then those that disturb."""

    case: Case
    scenarios: tuple[Scenario, ...]


def plan(
    backend: Backend,
    environments: Mapping[str, Environment],
    only: Sequence[str] = (),
    *,
    orders: bool = False,
    attached: Mapping[str, Deployed] = MappingProxyType({}),
    thorough: bool = False,
) -> tuple[PlannedCase, ...]:
    """Every environment boots once as it is, and once for each departure that a chosen scenario asks for.

    `only` are names of scenarios or globs over them. A scenario that needs several replicas is left out where an
    environment has fewer. With `orders` the boot as it is stays although nothing is played on it, for the orders are
    booted beside it. Where a backend has a previous release, and no scenario changes it, the first environment that
    is booted is also upgraded from it. What only a `thorough` run plays is left out of any other, unless `only` names
    it; in a thorough run each environment also boots once for each dependency whose certificate is to be checked,
    which then presents one for another host, and once with all of them silent, to be stopped while it starts; nothing
    is played there. Of those that are `attached` there is one case,
    as they are, in which only that is played which needs nothing but to talk (`left_out` says what is not, and
    why). Raises `ConfigurationError` with every pattern that matches none, every scenario that was asked for by its
    name and that no environment can play, and every dependency that a boot names and an environment does not have.
    """
    mistakes = [*_unmatched(backend, only), *_unplayable(backend, environments, only, attached)]
    mistakes += _unknown_dependencies(backend, environments)
    if mistakes:
        raise ConfigurationError(mistakes)
    chosen = _chosen(backend.scenarios, only, thorough=thorough)
    boots: dict[Boot, list[Scenario]] = {Boot(): []}
    for scenario in chosen:
        boots.setdefault(scenario.boot, []).append(scenario)
        if scenario.boot.release:  # what this release does by itself is what the change is held against
            boots.setdefault(_alone(scenario.boot), []).append(scenario)
    unsaid = _upgraded(backend, chosen)
    boots |= unsaid
    first = next((name for name in environments if name not in attached), None)
    planned = tuple(
        PlannedCase(Case(name, backend.name, boot), tuple(sorted(playable, key=lambda value: value.disruptive)))
        for boot, scenarios in boots.items()
        for name, environment in environments.items()
        if (boot.steady or name not in attached) and (boot not in unsaid or name == first)
        if (
            playable := [
                each_scenario
                for each_scenario in scenarios
                if _why_not(each_scenario, backend, environment, attached.get(name)) is None
            ]
        )
        or (boot.steady and ((orders and name not in attached) or not only))
    )
    booted = {name: environment for name, environment in environments.items() if name not in attached}
    return (*planned, *_unasked(backend, booted)) if thorough else planned


def _unasked(backend: Backend, environments: Mapping[str, Environment]) -> Iterator[PlannedCase]:
    """What a thorough run boots for no scenario: each certificate of another host, and a stop in the middle of startup.

    Where there is no dependency nothing is waited for, and no such stop is certain to come in time.
    """
    for name, environment in environments.items():
        boots = [
            Boot(other_host=(dependency,))
            for dependency, declared in environment.dependencies.items()
            if declared.tls == "verify-full"
        ]
        if environment.dependencies:
            boots.append(Boot(silent_start=tuple(sorted(environment.dependencies))))
        yield from (PlannedCase(Case(name, backend.name, boot), ()) for boot in boots)


def _upgraded(backend: Backend, chosen: Sequence[Scenario]) -> dict[Boot, list[Scenario]]:
    """An upgrade of the previous release, where a backend has one and no scenario of it says what is to be changed.

    It is played what disturbs nothing, lets somebody in, and takes no longer than usual.
    """
    if backend.previous is None or any(scenario.boot.release for scenario in backend.scenarios):
        return {}
    played = [
        scenario
        for scenario in chosen
        if scenario.boot.steady
        and not (scenario.disruptive or scenario.thorough or scenario.needs_quiet or scenario.new_user)
        and not (scenario.lets_nobody_in or scenario.takes_long)
    ]
    return {Boot(release="upgrade"): played} if played else {}


def left_out(
    backend: Backend,
    environments: Mapping[str, Environment],
    only: Sequence[str],
    attached: Mapping[str, Deployed],
    *,
    thorough: bool = False,
) -> tuple[LeftOut, ...]:
    """The chosen scenarios that are not played where one may only look, each with what it would need."""
    chosen = _chosen(backend.scenarios, only, thorough=thorough)
    return tuple(
        LeftOut(name, scenario.name, needs)
        for name, deployed in attached.items()
        for scenario in chosen
        if (needs := need(scenario, backend, environments[name], deployed)) is not None
    )


def _why_not(scenario: Scenario, backend: Backend, environment: Environment, deployed: Deployed | None) -> str | None:
    """Why that scenario cannot be played there; None where it can."""
    if deployed is not None:
        return need(scenario, backend, environment, deployed)
    if scenario.boot.release == "rolling" and environment.platform.replicas < _OLD_AND_NEW:
        return f"{_OLD_AND_NEW} replicas"
    if scenario.playable_in(environment):
        return None
    of_one_address = " for clients of one address" if environment.ingress.affinity == "address" else ""
    return f"{scenario.replicas} replicas{of_one_address}"


def _alone(boot: Boot) -> Boot:
    """The same of this release alone."""
    return msgspec.structs.replace(boot, release="")


def _chosen(scenarios: Sequence[Scenario], only: Sequence[str], *, thorough: bool) -> list[Scenario]:
    """Those that are played beside the boots that are made anyway: what a pattern matches, or all.

    Of those that only a `thorough` run plays, those that are asked for: by name, or by a pattern that nothing else
    matches.
    """
    asked: set[str] = set()
    for pattern in only:
        matched = [scenario for scenario in scenarios if _matches(scenario, pattern)]
        named = thorough or all(scenario.thorough or scenario.part != "usual" for scenario in matched)
        asked |= {
            scenario.name
            for scenario in matched
            if named or not scenario.thorough or pattern in (scenario.name, _without_carrier(scenario))
        }
    return [
        scenario
        for scenario in scenarios
        if scenario.part == "usual" and (scenario.name in asked if only else thorough or not scenario.thorough)
    ]


def _without_carrier(scenario: Scenario) -> str:
    return scenario.name.partition("[")[0]


def _matches(scenario: Scenario, pattern: str) -> bool:
    """The name itself, a glob over names, or the name without the carrier in brackets."""
    return pattern in (scenario.name, _without_carrier(scenario)) or fnmatchcase(scenario.name, pattern)


def _unmatched(backend: Backend, only: Sequence[str]) -> list[Mistake]:
    names = [scenario.name for scenario in backend.scenarios]
    mistakes = []
    for pattern in only:
        if not any(_matches(scenario, pattern) for scenario in backend.scenarios):
            near = difflib.get_close_matches(pattern, names, n=3)
            action = f"did you mean {', '.join(near)}?" if near else ""
            mistakes.append(Mistake("--only", 0, pattern, "the name of a scenario, or a glob", "no match", action))
    return mistakes


def _unplayable(
    backend: Backend,
    environments: Mapping[str, Environment],
    only: Sequence[str],
    attached: Mapping[str, Deployed],
) -> Iterator[Mistake]:
    """The scenarios that were asked for by name, and that none of these environments can play."""
    most = max(
        (each_environment.platform.replicas for name, each_environment in environments.items() if name not in attached),
        default=0,
    )
    for scenario in backend.scenarios:
        if scenario.name not in only or scenario.part != "usual":
            continue
        reasons = {
            name: _why_not(scenario, backend, environment, attached.get(name))
            for name, environment in environments.items()
        }
        if None in reasons.values():
            continue
        looked_at = [f"{name} is attached, and it needs {reasons[name]}" for name in attached]
        booted = [f"{most} at most"] if len(attached) < len(environments) else []
        expected = f"an environment with {scenario.replicas} replicas" if booted else "an environment that is booted"
        yield Mistake("--only", 0, scenario.name, expected, "; ".join(booted + looked_at), "choose another")


def _unknown_dependencies(backend: Backend, environments: Mapping[str, Environment]) -> list[Mistake]:
    return [
        Mistake(
            str(backend.file),
            0,
            f"scenario {scenario.name}: boot.{key}",
            f"a dependency of {environment.name}",
            repr(name),
            did_you_mean(name, environment.dependencies) or f"add [dependencies.{name}] to it",
        )
        for scenario in backend.scenarios
        for environment in environments.values()
        for key, named in (
            ("down", scenario.boot.down),
            ("timeline", scenario.boot.timeline),
            ("slow", dict(scenario.boot.slow)),
        )
        for name in dict.fromkeys(value.removeprefix("-") for value in named if value != BACKEND)
        if name not in environment.dependencies
    ]
