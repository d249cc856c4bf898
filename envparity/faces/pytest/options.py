"""What a session was told by options and by the ini file: which files, where to, which reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from envparity.engine.session.attaching import Attaching
from envparity.engine.session.inputs import Exploration, Inputs
from envparity.errors import ConfigurationError, Mistake
from envparity.faces.keeping import check_keep
from envparity.report.github import CHOICES
from envparity.report.kinds import REPORTS
from envparity.report.outputs import Outputs
from envparity.report.saved import runs_folder

__all__ = ["SessionOptions"]

_PATHS = frozenset({"backend", "environments", "keep", "runs"})


@dataclass(frozen=True)
class SessionOptions:
    """Those of one session. All but `said` raise `ConfigurationError` or `DoorFailed` where what was said is wrong."""

    config: pytest.Config

    def said(self, name: str, *, path: bool = False) -> Any:
        """The option; or the ini option, whose paths are relative to the ini file's folder."""
        config = self.config
        option = config.getoption(f"--envparity-{name}")
        if option:
            return config.invocation_params.dir / option if path or name in _PATHS else option
        ini = config.getini(f"envparity_{name.replace('-', '_')}")
        if ini and (path or name in _PATHS):
            return (config.inipath.parent if config.inipath else config.rootpath) / ini
        return ini or None

    @property
    def runs(self) -> Path:
        """The folder in which runs are saved."""
        return runs_folder(self.said("runs"), self.config.invocation_params.dir)

    def inputs(self) -> Inputs:
        """What is booted, and by whom."""
        return Inputs.find(
            backend=self.said("backend"), environments=self.said("environments"),
            launcher=self.said("launcher"), orders=self.said("orders"),
            attaching=Attaching(tuple(self.said("attach") or ()), tuple(self.said("confirm-target") or ())),
            names=self.said("environment") or (), repeat=self.said("repeat"),
            thorough=True if self.said("thorough") else None,
            root=self.config.invocation_params.dir,
        )  # fmt: skip

    def exploration(self) -> Exploration | None:
        """What is explored, where that was asked for."""
        exploration = Exploration.find(self.said("explore"), self.said("explore-seed"), self.runs)
        check_keep(self.said("keep"), explored=exploration is not None)
        return exploration

    def outputs(self) -> Outputs:
        """The reports to make in the end."""
        choice = self.said("github") or "auto"
        if choice not in CHOICES:
            expected = " or ".join(CHOICES)
            raise ConfigurationError([Mistake("--envparity-github", 0, "github", expected, repr(choice))])
        outputs = Outputs(dict(self._reports()), choice)
        outputs.check()
        return outputs

    def _reports(self) -> Iterator[tuple[str, Path]]:
        """The reports that an option names, each with its file."""
        for name in REPORTS.entries():
            if file := self.said(name, path=True):
                yield name, file
