"""Import orders: whatever is imported before, a module must come out the same (EP665).

The measure is each module imported first, in an interpreter of its own. Where an order of all modules differs from it,
it is reduced to the fewest modules that do, and Hypothesis shrinks these: a pair, unless a third one is needed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from envparity.audit.effects import at_import
from envparity.audit.finding import Raised
from envparity.audit.imported import Imported, ImportOutcome
from envparity.audit.interpreter import Interpreter, Tell

__all__ = ["differing", "search"]

State = tuple[str | None, int | None]
Differs = Callable[[Sequence[str]], bool]
_SEED = 20250908
_EXAMPLES = 60


def _alone(runs: Sequence[Imported]) -> dict[str, State]:
    """How each module comes out when it is imported first."""
    return {run.order[0]: _states(run).get(run.order[0], (None, None)) for run in runs if len(run.order) == 1}


def _states(run: Imported) -> dict[str, State]:
    return {outcome.outcome: (_kind(outcome), run.contents.get(outcome.outcome)) for outcome in run.outcomes}


def _kind(outcome: ImportOutcome) -> str | None:
    return None if outcome.error is None else outcome.error.partition(":")[0]


def differing(run: Imported, measure: Mapping[str, State]) -> str | None:
    """The first module of that order that came out otherwise than alone."""
    states = _states(run)
    return next((name for name in run.order if name in states and _differ(states[name], measure[name])), None)


def _differ(state: State, other: State) -> bool:
    """A module without contents was not imported; that its import raised is compared, and nothing more."""
    return state[0] != other[0] or (state[1] != other[1] and None not in (state[1], other[1]))


def search(
    interpreter: Interpreter, modules: Sequence[str], firsts: Sequence[Imported], examples: int, tell: Tell
) -> tuple[list[Raised], int, list[Imported]]:
    """At most one EP665, how many orders were tried (the sorted one, `examples` random ones, and what must be), and
    those of them that the machine gave no time for.

    `firsts` are the imports of each module first; `tell` hears how many orders of how many are done.
    """
    tried = 0
    measure = _alone(firsts)

    def differs(order: Sequence[str]) -> bool:
        nonlocal tried
        tried += 1
        return differing(interpreter.run([order])[0], measure) is not None

    draw = random.Random(_SEED)  # noqa: S311  no secret: the same orders every time
    drawn = [list(modules), *(draw.sample(modules, len(modules)) for _ in range(examples))]
    broken = [name for name in modules if measure[name][0] is not None]
    # Whatever fails first may pass last: then it is not broken, but lucky.
    drawn += [[*(module for module in modules if module not in broken), name] for name in broken]
    runs = interpreter.run(drawn, tell)
    tried += len(runs)
    starved = [run for run in runs if run.starved is not None]
    failing = next((run.order for run in runs if differing(run, measure) is not None), None)
    if failing is None:
        return [], tried, starved
    pair = _shrunk(failing, differs)
    return [_raised(interpreter.run([pair])[0], firsts)], tried, starved


def _shrunk(order: Sequence[str], differs: Differs) -> list[str]:
    """The simplest order that still differs: no module can be left out, and Hypothesis finds none simpler of the rest.

    Leaving out pieces first takes a dozen imports where shrinking the whole order would take hundreds.
    """
    from hypothesis import HealthCheck, Phase, find, settings
    from hypothesis import strategies as st
    from hypothesis.errors import NoSuchExample

    few = _fewest(order, differs)
    known = {tuple(few): True}

    def remembered(sequence: Sequence[str]) -> bool:
        key = tuple(sequence)
        if key not in known:
            known[key] = differs(sequence)
        return known[key]

    profile = settings(
        max_examples=_EXAMPLES,
        phases=(Phase.generate, Phase.shrink),
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    try:
        return find(st.lists(st.sampled_from(sorted(few)), min_size=1, unique=True), remembered, settings=profile)
    except NoSuchExample:
        return few


def _fewest(order: Sequence[str], differs: Differs) -> list[str]:
    """The same order without any module that can be left out, larger pieces first."""
    kept = list(order)
    size = max(1, len(kept) // 2)
    while True:
        before = len(kept)
        start = 0
        while start < len(kept):
            fewer = kept[:start] + kept[start + size :]
            if fewer and differs(fewer):
                kept = fewer
            else:
                start += size
        if size == 1 and len(kept) == before:
            return kept
        size = max(1, size // 2)


def _raised(run: Imported, firsts: Sequence[Imported]) -> Raised:
    """What the reduced order shows, at the line that raises, else at the top of the module that differs."""
    name = differing(run, _alone(firsts)) or run.order[-1]
    now = next(outcome for outcome in run.outcomes if outcome.outcome == name)
    was = next(outcome for first in firsts if first.order == (name,) for outcome in first.outcomes)
    before = " and ".join(text for text in run.order if text != name) or "nothing"
    if now.error is not None:
        got = f"{name} after {before}: {now.error}; imported first: {was.error or 'no error'}"
    elif was.error is not None:
        got = f"{name} can be imported after {before} only; imported first: {was.error}"
    else:
        got = f"{name} defines other names, or names of other types, after {before} than imported first"
    blamed = at_import(now.chain or was.chain)
    module, line = (blamed.module, blamed.line) if blamed is not None else (name, 1)
    return Raised("EP665", module, line, got, (f"import {', '.join(run.order)}",))
