"""From what imports did to what breaks a rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from envparity.audit.finding import Raised
from envparity.audit.imported import Effect, Frame, Imported, ImportOutcome, Made, Survey

__all__ = ["at_import", "broken_imports", "effects_of", "not_installed", "others_effects"]

_CODES = {
    "connection": "EP651",
    "listening": "EP652",
    "lookup": "EP653",
    "process": "EP654",
    "thread": "EP655",
    "loop": "EP656",
    "file": "EP657",
    "environment-read": "EP658",
    "environment-set": "EP659",
    "signal": "EP660",
    "identity": "EP661",
    "clock": "EP661",
    "warning": "EP662",
}
_INSTANCE = "EP663"
_NAMED = 3  # importers that are named; the others are counted


def at_import(chain: Sequence[Frame]) -> Frame | None:
    """The call to blame: the innermost that stands at a top level or in a class body, and so runs at every import."""
    return next((frame for frame in reversed(chain) if frame.at_import), chain[-1] if chain else None)


def effects_of(survey: Survey, runs: Sequence[Imported]) -> list[Raised]:
    """One for each line and kind of effect, whichever imports lead there."""
    details: defaultdict[tuple[str, str, int], dict[str, None]] = defaultdict(dict)
    chains: dict[tuple[str, str, int], tuple[Frame, ...]] = {}
    importers: defaultdict[tuple[str, str, int], dict[str, None]] = defaultdict(dict)
    for run in runs:
        for code, detail, chain in _noted(run):
            blamed = at_import(chain)
            if blamed is None:
                continue
            key = (code, blamed.module, blamed.line)
            details[key][detail] = None
            if key not in chains or len(chain) < len(chains[key]):
                chains[key] = chain
            if len(run.order) == 1 and run.order[0] != blamed.module:
                importers[key][run.order[0]] = None
    for item in survey.warned:
        details["EP662", str(item["module"]), int(item["line"])][str(item["detail"])] = None
    return [
        Raised(code, module, line, _said(code, found), tuple(_evidence(chains.get(key, ()), importers.get(key, ()))))
        for key, found in details.items()
        for code, module, line in [key]
    ]


def _noted(run: Imported) -> Iterator[tuple[str, str, tuple[Frame, ...]]]:
    effect: Effect
    for effect in run.effects:
        yield _CODES[effect.kind], effect.detail, effect.chain
    made: Made
    for made in run.made:
        yield _INSTANCE, made.type.rpartition(".")[2], made.chain


def _said(code: str, details: Iterable[str]) -> str:
    names = list(details)
    if code == "EP658":
        return "all variables" if "*" in names else ", ".join(names)
    return "; ".join(names)


def _evidence(chain: Sequence[Frame], importers: Iterable[str]) -> Iterator[str]:
    if len(chain) > 1:
        yield "by " + " → ".join(str(frame.place) for frame in chain)
    others = sorted(importers)
    if others:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        yield "also whenever one imports " + ", ".join(others[:_NAMED]) + more


def not_installed(package: str, runs: Sequence[Imported]) -> Mapping[str, str]:
    """Modules that need what is not installed, and what that is: their imports say nothing."""
    return {
        outcome.outcome: outcome.missing
        for run in runs
        for outcome in run.outcomes
        if outcome.error is not None and outcome.missing is not None and not _own(package, outcome.missing)
    }


def broken_imports(survey: Survey, package: str, runs: Sequence[Imported], found: Sequence[Raised]) -> list[Raised]:
    """EP664 for what raises, exits or hangs on its own; once for each line that does.

    What raises on a line that has been found to have an effect is that effect's consequence.
    """
    known = {(raised.module, raised.line) for raised in found}
    broken: dict[tuple[str, int], Raised] = {}
    for item in survey.unreadable:
        key = (str(item["module"]), int(item["line"]))
        broken[key] = Raised("EP664", *key, str(item["error"]))
    for run in runs:
        for outcome in run.outcomes:
            blamed = at_import(outcome.chain)
            key = (blamed.module, blamed.line) if blamed is not None else (outcome.outcome, 1)
            if key in known or key in broken or not _is_broken(package, outcome):
                continue
            evidence = tuple(_evidence(outcome.chain, ()))
            broken[key] = Raised("EP664", *key, str(outcome.error), evidence)
    return list(broken.values())


def _is_broken(package: str, outcome: ImportOutcome) -> bool:
    if outcome.error is None or outcome.refused:
        return False
    return outcome.missing is None or _own(package, outcome.missing)


def _own(package: str, name: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def others_effects(package: str, runs: Sequence[Imported]) -> dict[str, int]:
    """What third parties did while they were imported or used, told apart: how many effects of a kind, by package."""
    seen = {(effect.module.partition(".")[0], effect.kind, effect.detail) for run in runs for effect in run.apart}
    counts: defaultdict[str, int] = defaultdict(int)
    for module, kind, _ in sorted(seen):
        if module != package:
            counts[f"{module} {kind}"] += 1
    return dict(counts)
