"""What may be played in an environment that is attached to: what only talks, with the credentials there are. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from envparity.auth.scheme import UNSIGNED, keyless_kinds
from envparity.auth.sign_in import signs_in
from envparity.model.backend import Backend
from envparity.model.deployment import Deployed
from envparity.model.environment import Composed, Environment
from envparity.model.project import Project
from envparity.model.scenario import Scenario, required_settings
from envparity.model.shared_use import impositions
from envparity.model.step import Connect, Step, placeholders

__all__ = ["LeftOut", "known_settings", "need", "plays"]


class LeftOut(msgspec.Struct, frozen=True):
    """A scenario that is not played in an environment because that is only observed, and what it would need."""

    environment: str
    scenario: str
    needs: str


def plays(project: Project, name: str, scenario: Scenario) -> bool:
    """Whether that environment can play it: it has the replicas, and where it is attached, nothing more is needed."""
    environment = project.environments[name]
    deployed = project.attached.get(name)
    if deployed is None:
        return scenario.playable_in(environment)
    return need(scenario, project.backend, environment, deployed) is None


def need(scenario: Scenario, backend: Backend, environment: Environment, deployed: Deployed) -> str | None:
    """What that scenario needs and cannot have where one may only look, in words; None where it can be played."""
    return next(_needs(scenario, backend, environment, deployed), None)


def known_settings(backend: Backend, environment: Environment) -> dict[str, str]:
    """The settings whose values the files say. What is deployed may have others: these are what it is held to."""
    own = environment.settings
    known = {**backend.settings, **{name: value for name, value in own.items() if isinstance(value, str)}}
    waiting = {name: setting for name, setting in own.items() if isinstance(setting, Composed) and not setting.sources}
    while found := [name for name, setting in waiting.items() if known.keys() >= set(setting.settings)]:
        known |= {name: waiting.pop(name).filled({}, known.__getitem__) for name in found}
    return known


def _needs(scenario: Scenario, backend: Backend, environment: Environment, deployed: Deployed) -> Iterator[str]:
    known = known_settings(backend, environment)
    yield from impositions(scenario, backend, known)
    needed = required_settings(scenario) | backend.settings_of_connecting
    yield from (f"the value of the setting {name}" for name in sorted(needed - known.keys()))
    yield from _tokens(scenario, backend, known, deployed)
    if deployed.gives_token or deployed.user is not None:
        yield from _users(scenario, _keyless(backend), only_one=deployed.gives_token)


def _tokens(scenario: Scenario, backend: Backend, known: Mapping[str, str], deployed: Deployed) -> Iterator[str]:
    kinds = dict.fromkeys(_kinds(scenario.steps))
    scheme = backend.scheme
    if scheme is not None and any(scheme.revoking(kind, "") is not None for kind in kinds):
        yield f"a token to be revoked in {scheme.revokes_in}"
    given = {"valid"} if deployed.gives_token else set()
    signing = signs_in(scheme)
    if signing is not None and any(kind in signing.locking for kind in kinds):
        yield "to sign in with a wrong password"
    made = [kind for kind in kinds if kind not in _keyless(backend) | given]
    if not made:
        return
    if deployed.secret is None:
        having = "only a token" if given else "no credential"
        yield f"a token of the kind {made[0]} ({having} is given)"
    elif scheme is not None:
        for name in scheme.open_settings.values():
            if name not in known:
                yield f"the value of the setting {name}"


def _keyless(backend: Backend) -> frozenset[str]:
    """The kinds of tokens that can be had without a credential."""
    return keyless_kinds(type(backend.scheme)) if backend.scheme is not None else frozenset(UNSIGNED)


def _kinds(steps: tuple[Step, ...]) -> Iterator[str]:
    for step in steps:
        if isinstance(step, Connect):
            yield step.token
    yield from (argument for name, argument in placeholders(steps) if name == "token")


def _users(scenario: Scenario, keyless: frozenset[str], *, only_one: bool) -> Iterator[str]:
    """What needs another user than the one who is known there."""
    connects = [step for step in scenario.steps if isinstance(step, Connect)]
    if only_one and any(step.user for step in connects if step.token not in keyless):
        yield "another user"
    if any(step.user_id for step in connects):
        yield "a user with an id of a form of its own"
    if scenario.new_user:
        yield "a user who has done nothing yet"
