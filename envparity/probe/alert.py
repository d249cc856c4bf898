"""When failures are more than a hiccup: n in a row, and until one success."""

from __future__ import annotations

import msgspec

from envparity.probe.outcome import ProbeOutcome

__all__ = ["Alert", "Alerts", "Recovery"]


class Alert(msgspec.Struct, frozen=True):
    """So many runs in a row were failures, the first of them at `since` (seconds since the epoch)."""

    failures: int
    since: float


class Recovery(msgspec.Struct, frozen=True):
    """The first success after an alert, `after_s` seconds after the first of its failures."""

    failures: int
    after_s: float


class Alerts:
    """Counts failures in a row. The alert stands from the `after`th of them until the next success."""

    def __init__(self, after: int) -> None:
        self._after = after
        self._since = 0.0
        self.failures = 0

    @property
    def standing(self) -> bool:
        return self.failures >= self._after

    def note(self, outcome: ProbeOutcome) -> Alert | Recovery | None:
        """Take one more run into account; say whether an alert began or ended with it."""
        if outcome.healthy:
            stood, failures, self.failures = self.standing, self.failures, 0
            return Recovery(failures, outcome.at - self._since) if stood else None
        if self.failures == 0:
            self._since = outcome.at
        self.failures += 1
        return Alert(self.failures, self._since) if self.failures == self._after else None
