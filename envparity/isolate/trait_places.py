"""Where the parts of a trait stand in the team's own files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envparity.isolate.part import Part
from envparity.isolate.traits import Trait
from envparity.judge.cause import CausePlace
from envparity.model.environment import Environment
from envparity.support.toml.document import dotted

__all__ = ["trait_places"]

_TABLES = {"setting": "settings", "platform": "platform", "ingress": "ingress", "dependency": "dependencies",
           "job": "jobs", "process": "processes", "file": "files"}  # fmt: skip


def trait_places(traits: Iterable[Trait], passing: Environment, failing: Environment) -> tuple[CausePlace, ...]:
    """The place of each part that is known: in the failing environment, else in the passing one, which alone has it."""
    found: dict[CausePlace, None] = {}
    for trait in traits:
        for part in trait.parts:
            place = next((each_place for side in (failing, passing) for each_place in _in(side, part)), None)
            if place is not None:
                found[place] = None
    return tuple(found)


def _in(environment: Environment, part: Part) -> Iterator[CausePlace]:
    """Where that environment says it, the part itself before the table around it."""
    key = _key(part)
    for length in range(len(key), 0, -1):
        at = environment.places.get(dotted(key[:length]))
        if at is not None:
            file, _, line = at.rpartition(":")
            yield CausePlace(environment.name, dotted(key), file, int(line) if line.isdecimal() else 0)
            return


def _key(part: Part) -> tuple[str, ...]:
    """The way to that part in an environment's file."""
    match part.area:
        case "order":
            return ("dependencies_first",)
        case "backend":
            return (part.name,)
        case _:
            return tuple(filter(None, (_TABLES[part.area], part.name, part.field)))
