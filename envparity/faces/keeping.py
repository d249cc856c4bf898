"""`--keep FILE`: what an exploration found, as scenarios that a backend file can have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from envparity.engine.session.inputs import Exploration
from envparity.errors import ConfigurationError, Mistake, OutputFailed
from envparity.model.scenario import Scenario

__all__ = ["check_exploring", "check_keep", "write_kept"]


def check_keep(keep: Path | None, *, explored: bool) -> None:
    """Raise `ConfigurationError` where nothing is explored, or the file's folder is not there."""
    if keep is None:
        return
    if not explored:
        raise ConfigurationError([Mistake("--keep", 0, "keep", "--explore N beside it", f"{keep} alone")])
    if not keep.parent.is_dir():
        raise ConfigurationError([Mistake("--keep", 0, str(keep), "a file in a folder that is there", "no folder")])


def check_exploring(keep: Path | None, exploration: Exploration | None, *, sharded: bool) -> None:
    """Raise `ConfigurationError` for what cannot be; have Hypothesis keep what it works out beside what it found."""
    check_keep(keep, explored=exploration is not None)
    if exploration is None:
        return
    if sharded:
        raise ConfigurationError(
            [Mistake("--explore", 0, "explore", "a run of all cases on this machine", "a part of one", "leave it out")]
        )
    from hypothesis.configuration import set_hypothesis_home_dir

    if exploration.folder is not None:
        set_hypothesis_home_dir(exploration.folder.parent / "hypothesis")


def write_kept(keep: Path | None, scenarios: Sequence[Scenario]) -> None:
    """Write them; an empty file where nothing was found. Raises `OutputFailed`."""
    if keep is None:
        return
    from envparity.engine.exploration.scenarios import as_toml

    try:
        keep.write_text(as_toml(scenarios), encoding="utf-8")
    except OSError as error:
        raise OutputFailed([f"{keep}: {error.strerror or type(error).__name__}"]) from error
