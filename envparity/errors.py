"""What can go wrong, as a tree.

::

    EnvparityError
    ├── ConfigurationError      an input is wrong: every mistake at once (exit code 2)
    ├── LaunchError             an environment could not be stood up
    │   ├── EngineUnavailable   no container engine answers
    │   ├── EngineFailed        it answers, and has lost what was asked of it
    │   │   └── EngineSilent    it does not answer any more; a DeadlineExceeded too
    │   └── ImageError          an image could not be built or had (launch.images.log)
    ├── OutputFailed            something that was asked for could not be written
    ├── DoorFailed              what another distribution brought in does not work
    ├── DeadlineExceeded        a named wait took longer than it may
    ├── TooBusy                 the machine was too busy to say anything of the backend
    └── Interrupted             a signal told the run to stop

A broken promise of the backend under test is none of these: it is a `Finding`, which is data.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = [
    "ConfigurationError",
    "DeadlineExceeded",
    "DoorFailed",
    "EngineFailed",
    "EngineSilent",
    "EngineUnavailable",
    "EnvparityError",
    "Interrupted",
    "LaunchError",
    "Mistake",
    "OutputFailed",
    "TooBusy",
    "as_ours",
    "singly",
]


class EnvparityError(Exception):
    """Base of everything that envparity raises on purpose.

    `seen` is the headline of the verdict of what was seen before this ended a run; "" where nothing was.
    """

    seen = ""


@dataclass(frozen=True, order=True)
class Mistake:
    """One thing wrong in one input: where it stands, what was expected, what stands there, what to do.

    `line` is 1-based, or 0 where the input has no lines or the key is missing altogether.
    """

    source: str
    line: int
    key: str
    expected: str
    got: str
    action: str = ""

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        text = f"{place}: {self.key}: expected {self.expected}, got {self.got}"
        return f"{text} ({self.action})" if self.action else text


class ConfigurationError(EnvparityError):
    """An input is wrong. Carries all its mistakes, in the order of the file."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes))
        count = len(self.mistakes)
        head = f"{count} mistake{'s' if count != 1 else ''} in the configuration; nothing was started"
        super().__init__("\n".join([head, *(f"  {mistake}" for mistake in self.mistakes)]))


class LaunchError(EnvparityError):
    """An environment could not be stood up, for a reason that is not the backend's."""


class EngineUnavailable(LaunchError):
    """No container engine answers."""


class EngineFailed(LaunchError):
    """The container engine failed at what it was asked: something that was there is gone or in the way."""


class OutputFailed(EnvparityError):
    """What was asked for could not be written: `failures` says what and why, `verdict` is its headline if there is one.

    Raised when all the rest is written.
    """

    def __init__(self, failures: Sequence[str], verdict: str = "") -> None:
        self.failures, self.verdict = tuple(failures), verdict
        super().__init__("; ".join(self.failures))


class DoorFailed(EnvparityError):
    """What another distribution brought in does not work: `entry` names it with its distribution, `why` says more."""

    def __init__(self, entry: str, why: str) -> None:
        self.entry, self.why = entry, why
        super().__init__(f"{entry} does not work: {why}")


class DeadlineExceeded(EnvparityError):
    """A named wait took longer than it may.

    `waited_for` says what was awaited, in words; `timeout_s` how long, in seconds.
    """

    def __init__(self, waited_for: str, timeout_s: float, detail: str = "") -> None:
        self.waited_for = waited_for
        self.timeout_s = timeout_s
        super().__init__(f"waited {timeout_s:g} s for {waited_for}" + (f": {detail}" if detail else ""))


class EngineSilent(DeadlineExceeded, EngineFailed):
    """The container engine has not answered for as long as it may take for anything."""


class TooBusy(EnvparityError):
    """The machine was too busy to say anything of the backend; carries the figures."""


class Interrupted(EnvparityError):
    """The run was told to stop, and has cleaned up. `exit_code` is 128 plus the signal's number.

    `left` says what could not be cleaned.
    """

    def __init__(self, number: int, left: str = "") -> None:
        self.exit_code = 128 + number
        ending = left or "everything that was started is gone"
        super().__init__(f"interrupted by {signal.Signals(number).name}; {ending}")


def as_ours(error: BaseException) -> EnvparityError | None:
    """The error as one that says what the machine refused; None where it is a bug of envparity.

    Of several at the same time the first that is one of these.
    """
    for single in singly(error):
        if isinstance(single, EnvparityError):
            return single
        if isinstance(single, MemoryError):
            return LaunchError("there is not enough memory")
        if isinstance(single, OSError):
            named = f"{single.filename}: " if single.filename else ""
            return LaunchError(f"{named}{single.strerror or single or type(single).__name__}")
    return None


def singly(error: BaseException) -> Iterator[BaseException]:
    """Each of the errors that this is a group of, or it alone."""
    if isinstance(error, BaseExceptionGroup):
        for under in error.exceptions:
            yield from singly(under)
    else:
        yield error
