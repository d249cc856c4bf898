"""What of the catalogue is judged, in which environments, and what boots it; all of it in depth every night."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeVar

from parity_tests.faults.catalogue import BENIGN, CATALOGUE, ORDER_CATALOGUE, Fault, Twin

__all__ = [
    "TURN",
    "TURNS",
    "environments_of",
    "everything",
    "in_containers",
    "in_depth",
    "in_depth_of_turn",
    "judged",
    "launcher_of",
    "turn_of",
    "twins_of_turn",
]

TURNS = 12
"""In one of so many turns each fault is judged in depth (all its environments, cause, replays) and in containers.

Each twin has its turn likewise; of the faults of an order one has it in each.
"""

TURN = "ENVPARITY_TURN"
"""The variable that asks for a turn, such as `3` of 0 to 11. Without it a tree has the one that `turn_of` says."""

_TREE = Path(__file__).parents[2]
_JUDGED = ("docker", "environments", "envparity", "netra_backend", "parity_tests")
_SOURCES = {".py", ".toml", ".patch", ".sql", ".conf", ".sh", ".lock"}
_EVERYTHING = "ENVPARITY_FAULTS"  # "containers": the whole catalogue in containers, as every night

_Patch = TypeVar("_Patch", Fault, Twin)


def everything() -> bool:
    """Whether this is a thorough run, or one that judges all in containers, as every night."""
    return os.environ.get("ENVPARITY_THOROUGH") == "1" or os.environ.get(_EVERYTHING) == "containers"


def judged(patches: Iterable[_Patch]) -> tuple[_Patch, ...]:
    """Those of them that are judged: what takes long only in a thorough run, and where all are judged in containers."""
    return tuple(patch for patch in patches if everything() or not patch.nightly)


def in_depth(fault: Fault, turn: int | None = None) -> bool:
    """Whether a fault is judged in all its environments, with its cause and replays: in its turn, and every night."""
    return everything() or _has_its_turn(fault, turn)


def in_depth_of_turn(faults: Iterable[Fault], turn: int | None = None) -> tuple[Fault, ...]:
    """Those of these faults that are judged in depth."""
    return tuple(fault for fault in judged(faults) if in_depth(fault, turn))


def twins_of_turn(turn: int | None = None) -> tuple[Twin, ...]:
    """The benign twins that are judged: the turn's part, all of them where everything is judged."""
    return tuple(
        twin
        for place, twin in enumerate(BENIGN)
        if twin in judged(BENIGN) and (everything() or _falls_on(place, TURNS, turn))
    )


def environments_of(fault: Fault, turn: int | None = None) -> tuple[str, ...]:
    """What is booted for a fault: all that its head says where it is judged in depth.

    Otherwise one environment that shows it, and before that one that does not, where there is one: what is judged by
    comparison has something to be compared with, and a finding that is raised everywhere is noticed.
    """
    if in_depth(fault, turn):
        return fault.environments
    shows = [name for name in fault.environments if name in fault.shows_in]
    others = [name for name in fault.environments if name not in fault.shows_in]
    chosen = {*others[:1], *shows[:1]}
    return tuple(name for name in fault.environments if name in chosen)


def launcher_of(fault: Fault, turn: int | None = None) -> Literal["container", "process"]:
    """What boots a fault: processes, but containers for what only they show and for the turn's part of the catalogue.

    With ENVPARITY_FAULTS=containers they boot all that they can.
    """
    if fault.process_only:
        return "process"
    if fault.container_only or os.environ.get(_EVERYTHING) == "containers":
        return "container"
    return "container" if _has_its_turn(fault, turn) else "process"


def in_containers(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Those of these faults that are booted in containers."""
    return tuple(fault for fault in judged(faults) if launcher_of(fault) == "container")


def turn_of(tree: Path) -> int:
    """The turn of a tree, 0 to 11, by the digest of what the faults are put into and what judges them.

    The same tree is judged in the same way whenever and wherever that is done: what passed on one machine is what
    another one runs. A change changes the turn, so that each fault has its own again and again.
    """
    digest = hashlib.sha256()
    for part in _JUDGED:
        for file in sorted((tree / part).rglob("*")):
            if file.suffix in _SOURCES or file.name == "Dockerfile":
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return int.from_bytes(digest.digest()[:8]) % TURNS


def _has_its_turn(fault: Fault, turn: int | None) -> bool:
    """Whether this is the turn of a fault; of those of an order one has it in each."""
    peers = ORDER_CATALOGUE if fault.needs == "orders" else CATALOGUE
    place = [peer.id for peer in peers].index(fault.id)
    return _falls_on(place, len(peers) if fault.needs == "orders" else TURNS, turn)


def _falls_on(place: int, turns: int, turn: int | None) -> bool:
    return (place + (_asked_turn() if turn is None else turn)) % turns == 0


def _asked_turn() -> int:
    """The turn that `TURN` says; whoever asks first says it, to those as well whom this process starts."""
    if TURN not in os.environ:
        os.environ[TURN] = str(turn_of(_TREE))
    asked = os.environ[TURN]
    if asked not in {str(turn) for turn in range(TURNS)}:
        message = f"{TURN}={asked}: a turn is a number from 0 to {TURNS - 1}"
        raise ValueError(message)
    return int(asked)
