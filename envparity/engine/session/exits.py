"""What a face of envparity exits with, and what it says when there is no verdict."""

from __future__ import annotations

import platform
import traceback
from pathlib import Path
from typing import Final

from envparity.doors import version_of_envparity
from envparity.errors import (
    ConfigurationError,
    DoorFailed,
    EngineUnavailable,
    EnvparityError,
    Interrupted,
    OutputFailed,
    singly,
)
from envparity.support.redaction import without_shapes

__all__ = ["BAD_INPUT", "CLEAN", "FINDINGS", "INTERNAL", "MACHINE", "bug_report", "code_of", "complaint"]

CLEAN: Final = 0
FINDINGS: Final = 1
BAD_INPUT: Final = 2
MACHINE: Final = 3  # not the backend's fault: the engine, an image, a wait for what envparity itself starts
INTERNAL: Final = 70  # a bug of envparity; EX_SOFTWARE of sysexits(3)

_PLACES = 12


def code_of(error: EnvparityError) -> int:
    """2: the input is wrong; 3: the machine could not do what was asked; 128 plus the signal that ended the run."""
    if isinstance(error, Interrupted):
        return error.exit_code
    return BAD_INPUT if isinstance(error, ConfigurationError) else MACHINE


def complaint(error: EnvparityError) -> str:
    """The one message for an error that ends a run without a verdict: what is wrong, whose fault it is, what to do."""
    if code_of(error) != MACHINE:
        seen = f" ({error.seen}; it is told and saved what was seen until then)" if error.seen else ""
        return f"envparity: {error}{seen}"
    if isinstance(error, OutputFailed):
        verdict = f"the verdict is {error.verdict}, but not all of it" if error.verdict else "not all"
        return (
            f"envparity: {verdict} could be written: {error}\n  This is about the machine, not about the backend under "
            "test. All else was written, and all that was started is gone."
        )
    begins = "envparity: no verdict"
    if error.seen:
        begins = f"envparity: no verdict of all ({error.seen}; it is told and saved what was seen until then)"
    if isinstance(error, DoorFailed):
        return (
            f"{begins}: {error}\n  This is about that distribution, not about the backend under test. "
            "Mend it or uninstall it; `envparity doctor` lists all that is installed."
        )
    if isinstance(error, EngineUnavailable):
        advice = "Start the container engine, or set DOCKER_HOST to one that answers (`docker version` shows it)."
    else:
        advice = "Look at what it says; `envparity sweep` removes what a killed run left behind; then run again."
    return f"{begins}: {error}\n  This is about the machine, not about the backend under test. {advice}"


def bug_report(error: BaseException) -> str:
    """The one message for a bug of envparity: what to report, without a value that may be a secret."""
    single = next(singly(error))
    frames = traceback.extract_tb(single.__traceback__)[-_PLACES:]
    told = next(iter(str(single).splitlines()), "")
    return "\n".join(
        (
            f"envparity: internal error: {type(single).__name__}: {without_shapes(told)[:300]}",
            "  This is a bug of envparity, not of the backend under test. All that was started is gone. Please report:",
            f"  envparity {version_of_envparity()}, Python {platform.python_version()}, {platform.system()}",
            *(f"  at {_place(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames),
        )
    )


def _place(file: str) -> str:
    """The file below its package, whoever's it is."""
    parts = Path(file).parts
    return "/".join(parts[-3:]) if len(parts) > 3 else file
