"""What an audit finds, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

__all__ = ["AuditFinding", "AuditReport", "AuditRule", "CallPlace", "Raised"]


@dataclass(frozen=True)
class AuditRule:
    """What a rule of the audit says of itself. `code` never changes its meaning once released."""

    code: str
    title: str
    description: str
    action: str


class CallPlace(msgspec.Struct, frozen=True):
    """One call in a chain: module, 1-based line, and the function (`<module>` at the top level)."""

    module: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.function}".rstrip()


class Raised(msgspec.Struct, frozen=True):
    """A rule broken, before it has a path and a title: what a single check yields. `got` says what stands there."""

    code: str
    module: str
    line: int
    got: str
    evidence: tuple[str, ...] = ()
    end_line: int = 0


class AuditFinding(msgspec.Struct, frozen=True):
    """A rule broken at one line. `path` is as people know it (below the working directory, relative to it)."""

    code: str
    title: str
    path: str
    line: int
    module: str
    got: str
    evidence: tuple[str, ...]
    action: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.code} {self.title}: {self.got}"


class AuditReport(msgspec.Struct, frozen=True):
    """What was looked at, and what was found.

    `notes` says what could not be looked at and why; `apart` counts the effects of third-party modules, which are not
    counted against the package, by module and effect; `exempted` are findings that a comment allows, with its reason;
    `starved` is what had no time of the processor on this machine, so that nothing is known of it.
    """

    package: str
    interpreter: str
    modules: int
    imports: int
    orders: int
    rules: int
    findings: tuple[AuditFinding, ...]
    exempted: tuple[tuple[AuditFinding, str], ...]
    apart: Mapping[str, int]
    notes: tuple[str, ...]
    duration_s: float
    starved: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 clean, 1 findings, 3 none where not everything could be judged."""
        if self.findings:
            return 1
        return 3 if self.starved else 0


def by_place(findings: Sequence[AuditFinding]) -> list[AuditFinding]:
    """In the order in which one would read the files."""
    return sorted(findings, key=lambda finding: (finding.path, finding.line, finding.code, finding.got))
