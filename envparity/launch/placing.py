"""What a dependency is told of its boot: where it is reached, what its settings are; and which is started first."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter

import msgspec

from envparity.dependency.kind import KINDS, Placed, Server, kind_of
from envparity.launch.resolve import RunSecrets, resolve_settings
from envparity.model.backend import Backend
from envparity.model.case import Boot
from envparity.model.environment import Composed, Dependency, Environment, Setting, sources_of

__all__ = ["levels", "needs", "placed"]


def needs(environment: Environment, name: str) -> frozenset[str]:
    """The other dependencies from which the settings of that one take something. Raises `DoorFailed`."""
    taken = _taken(_settings(environment.dependencies[name]), environment.settings)
    return frozenset(taken & set(environment.dependencies) - {name})


def levels(environment: Environment) -> list[tuple[str, ...]]:
    """The dependencies in the sequence in which they can be started: all of a level need none but those before it."""
    sorter = TopologicalSorter({name: needs(environment, name) for name in sorted(environment.dependencies)})
    sorter.prepare()
    found = []
    while sorter.is_active():
        ready = sorter.get_ready()
        found.append(tuple(sorted(ready)))
        sorter.done(*ready)
    return found


def placed(
    backend: Backend,
    environment: Environment,
    name: str,
    reached: Server,
    *,
    sources: Mapping[str, str],
    made: RunSecrets,
) -> Dependency:
    """That dependency, told where it is reached and what its settings are; as it is where its kind tells it nothing.

    Its settings may be composed of the environment's, and a secret that is called as one of those is that one.
    """
    declared = environment.dependencies[name]
    kind = kind_of(declared)
    if not isinstance(kind, Placed):
        return declared
    own = _settings(declared)
    values: dict[str, str] = {}
    if own:
        together = msgspec.structs.replace(environment, settings={**environment.settings, **own})
        resolved = resolve_settings(backend, together, Boot(), sources, made)
        values = {setting.name: setting.value for setting in resolved if setting.name in own}
    with KINDS.guarding(kind):
        return kind.placed(declared, reached, values)


def _settings(declared: Dependency) -> Mapping[str, Setting]:
    kind = kind_of(declared)
    if not isinstance(kind, Placed):
        return {}
    with KINDS.guarding(kind):
        return kind.settings(declared)


def _taken(own: Mapping[str, Setting], others: Mapping[str, Setting]) -> set[str]:
    """The owners of what these settings take, also by way of other settings that they are composed of."""
    known = {**others, **own}
    waiting, seen, taken = list(own), set(own), set[str]()
    while waiting:
        setting = known[waiting.pop()]
        taken |= {source.partition(".")[0] for source in sources_of(setting)}
        for piece in setting.placeholders if isinstance(setting, Composed) else ():
            if piece.setting in known and piece.setting not in seen:
                seen.add(piece.setting)
                waiting.append(piece.setting)
    return taken
