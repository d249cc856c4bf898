"""Imported by a worker of a cluster, or by a command line, before anything else: its launcher boots nothing."""

from __future__ import annotations

import envparity.launch.choose
from envparity.support.stalls import StallMark, StallMeter, Stalls
from tests.envparity.cluster.ferries import FerryLauncher


def _calm(_meter: StallMeter, _mark: StallMark) -> Stalls:
    return Stalls(1.0, 0.0, 0.0)


envparity.launch.choose.choose_launcher = lambda _name, project, _waiting: FerryLauncher(project)  # type: ignore[assignment]
StallMeter.since = _calm  # type: ignore[assignment, method-assign]  # busy as the machine may be, no boot is made twice

if __name__ == "__main__":
    from envparity.faces.cli import main

    main()
