"""What lasts a run of processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from envparity.launch.process.control_group import ControlGroup
from envparity.launch.process.guarding import Guard
from envparity.launch.process.limits import Processors
from envparity.launch.process.programs import ServerPrograms
from envparity.launch.stack_builder import RunResources
from envparity.model.backend import ProcessSource

__all__ = ["ProcessResources"]


@dataclass(frozen=True)
class ProcessResources(RunResources):
    """What lasts a run: its folders (`memory` is quick, and holds what the servers write), programs, guard, and control
    group where there is one.
    """

    folder: Path
    memory: Path
    code: Path
    previous: Path | None
    source: ProcessSource
    argv: tuple[str, ...]
    variables: Mapping[str, str]
    programs: ServerPrograms
    processors: Processors
    guard: Guard
    group: ControlGroup | None
