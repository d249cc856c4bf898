"""What everything that a run makes carries, so that it can be found again: by its run, and by its dead owner's."""

from __future__ import annotations

import time

__all__ = ["BOOT", "CASE", "OWNER", "RUN", "STARTED", "labels_for"]

RUN = "io.envparity.run"
CASE = "io.envparity.model.case"
BOOT = "io.envparity.boot"
OWNER = "io.envparity.owner"
STARTED = "io.envparity.started"


def labels_for(run_id: str, case_id: str, owner: str, boot: int = 0) -> dict[str, str]:
    """The labels of a container or network of that run, its owner and case; `boot` numbers the run's boots, from 1.

    A case may be booted by two at the same time: what is removed with a boot is found by its number.
    """
    return {RUN: run_id, CASE: case_id, BOOT: str(boot), OWNER: owner, STARTED: str(int(time.time()))}
