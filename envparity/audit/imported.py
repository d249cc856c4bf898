"""What the interpreter that imports says, as data: the package as it sees it, and what came of each import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from envparity.audit.finding import CallPlace

__all__ = ["Effect", "Frame", "ImportOutcome", "Imported", "Made", "Survey", "imported"]


class Frame(msgspec.Struct, frozen=True):
    """One call of the package's own, and whether it is the body of a module or class: what runs at import."""

    module: str
    line: int
    function: str
    at_import: bool = True

    @property
    def place(self) -> CallPlace:
        return CallPlace(self.module, self.line, self.function)


class Effect(msgspec.Struct, frozen=True):
    """What an import did, and the package's own calls that led to it, the outermost first."""

    kind: str
    detail: str
    module: str
    line: int
    chain: tuple[Frame, ...] = ()


class Made(msgspec.Struct, frozen=True):
    """An object of a watched type that an import made."""

    type: str
    module: str
    line: int
    chain: tuple[Frame, ...] = ()


class ImportOutcome(msgspec.Struct, frozen=True):
    """How the import of one module ended. `refused`: it raised because the audit refused an effect."""

    outcome: str
    error: str | None
    chain: tuple[Frame, ...] = ()
    refused: bool = False
    missing: str | None = None  # the module of others that is not installed


class Imported(msgspec.Struct, frozen=True):
    """What came of importing some modules in that order in one process.

    `starved` is the module whose import neither came to its end nor had the processor time in which it should have, in
    `starved_s` seconds of the clock: nothing can be told of it, nor of what would have come after it.
    """

    order: tuple[str, ...]
    outcomes: tuple[ImportOutcome, ...]
    effects: tuple[Effect, ...]
    apart: tuple[Effect, ...]
    made: tuple[Made, ...]
    contents: Mapping[str, int]
    starved: str | None = None
    starved_s: float = 0.0


class Survey(msgspec.Struct, frozen=True):
    """The package as the interpreter sees it. `programs` run when imported, and are left alone."""

    root: str
    files: Mapping[str, str]
    modules: tuple[str, ...]
    programs: tuple[str, ...]
    unreadable: tuple[Mapping[str, str | int], ...]
    warned: tuple[Mapping[str, str | int], ...]


def imported(
    order: Sequence[str], lines: Sequence[Mapping[str, object]], *, starved_s: float | None = None
) -> Imported:
    """What those lines say of that order; `starved_s`: the last import that began had no time of the processor."""
    outcomes = [msgspec.convert(line, ImportOutcome) for line in lines if "outcome" in line]
    begun = [str(line["begin"]) for line in lines if "begin" in line]
    last_begun = begun[-1] if begun else order[0]
    last = lines[-1] if lines else {"ended": "it said nothing"}
    if "ended" in last and starved_s is None:
        outcomes.append(ImportOutcome(last_begun, f"the process ended: {last['ended']}"))
    return Imported(
        tuple(order),
        tuple(outcomes),
        msgspec.convert(last.get("effects", []), tuple[Effect, ...]),
        msgspec.convert(last.get("apart", []), tuple[Effect, ...]),
        msgspec.convert(last.get("made", []), tuple[Made, ...]),
        msgspec.convert(last.get("contents", {}), dict[str, int]),
        starved=last_begun if starved_s is not None else None,
        starved_s=starved_s or 0.0,
    )
