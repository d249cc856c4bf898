"""What a face of envparity exits with, and what it says when there is no verdict."""

from __future__ import annotations

from typing import Final

from envparity.errors import ConfigurationError, EngineUnavailable, EnvparityError, Interrupted

__all__ = ["BAD_INPUT", "CLEAN", "FINDINGS", "MACHINE", "code_of", "complaint"]

CLEAN: Final = 0
FINDINGS: Final = 1
BAD_INPUT: Final = 2
MACHINE: Final = 3  # not the backend's fault: the engine, an image, a wait for what envparity itself starts


def code_of(error: EnvparityError) -> int:
    """2: the input is wrong; 3: the machine could not do what was asked; 128 plus the signal that ended the run."""
    if isinstance(error, Interrupted):
        return error.exit_code
    return BAD_INPUT if isinstance(error, ConfigurationError) else MACHINE


def complaint(error: EnvparityError) -> str:
    """The one message for an error that ends a run without a verdict: what is wrong, whose fault it is, what to do."""
    if code_of(error) != MACHINE:
        return f"envparity: {error}"
    if isinstance(error, EngineUnavailable):
        advice = "Start the container engine, or set DOCKER_HOST to one that answers (`docker version` shows it)."
    else:
        advice = "Look at what it says; `envparity sweep` removes what a killed run left behind; then run again."
    return f"envparity: no verdict: {error}\n  This is about the machine, not about the backend under test. {advice}"
