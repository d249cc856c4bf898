"""The Hypothesis profiles of the suite, in one place: how many examples, and where failing ones are remembered.

`gate` is quick, `nightly` explores. A profile is chosen by `--hypothesis-profile`, else by HYPOTHESIS_PROFILE, else it
is `gate`. Whatever fails is written to `.hypothesis/examples` and tried first in the next run: a CI job that keeps that
folder in its cache does not have to find the same order twice.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

EXAMPLES = Path(__file__).parent.parent / ".hypothesis" / "examples"
PROFILES = {"gate": 20, "nightly": 500}
"""How many examples each tries: one is one boot."""

_COMMON: dict[str, Any] = {
    "database": DirectoryBasedExampleDatabase(EXAMPLES),
    "deadline": None,  # a boot has deadlines of its own, each with its name
    "derandomize": False,  # also where CI is set, for which Hypothesis has a profile of its own
    "report_multiple_bugs": False,  # the first cause that is isolated is worth more than a list of orders
    "print_blob": True,
}

for _name, _examples in PROFILES.items():
    settings.register_profile(_name, max_examples=_examples, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))
