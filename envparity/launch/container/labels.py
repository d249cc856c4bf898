"""What everything that a run makes carries, so that it can be found again: by its run, and by its dead owner's."""

from __future__ import annotations

import time

from envparity.launch.owner import this_owner

__all__ = ["CASE", "OWNER", "RUN", "STARTED", "labels_for"]

RUN = "io.envparity.run"
CASE = "io.envparity.case"
OWNER = "io.envparity.owner"
STARTED = "io.envparity.started"


def labels_for(run_id: str, case_id: str) -> dict[str, str]:
    """The labels of a container or network of that run and case."""
    return {RUN: run_id, CASE: case_id, OWNER: this_owner(), STARTED: str(int(time.time()))}
