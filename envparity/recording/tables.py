"""Steps as the scenario that they make, in the words of a backend file."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from envparity.config.scenario import parse_scenarios
from envparity.errors import ConfigurationError
from envparity.model.scenario import Scenario
from envparity.recording.drafting import DraftStep
from envparity.recording.speech import Speech, leaves

__all__ = ["scenario_of", "scenario_table", "step_tables"]

Table = dict[str, object]


def step_tables(
    steps: Sequence[DraftStep], speech: Speech, ignored: Collection[str] = (), *, unordered: bool = False
) -> list[Table]:
    """The steps as tables; without frames of the types that are `ignored`. With `unordered`, frames that came right
    after one another may come in any order, where nothing is captured of them.
    """
    made: list[Table] = []
    run: list[DraftStep] = []
    for step in steps:
        if step.type is not None and step.type in ignored and step.is_expected:
            continue
        if run and not (_may_be_one_of(step, speech) and step.connection == run[0].connection):
            made += _together(run, speech)
            run = []
        if unordered and _may_be_one_of(step, speech):
            run.append(step)
        else:
            made.append(step.table)
    return [*made, *_together(run, speech)]


def _may_be_one_of(step: DraftStep, speech: Speech) -> bool:
    """Whether it can be one of several frames in any order."""
    if not step.is_expected or "expect" not in step.table or "capture" in step.table:
        return False
    return step.type is None or "fields" not in step.table or _type_place(step, speech) is not None


def _together(run: Sequence[DraftStep], speech: Speech) -> list[Table]:
    if len(run) < 2:
        return [step.table for step in run]
    frames: list[str | Table] = []
    for step in run:
        place, fields = _type_place(step, speech), step.table.get("fields", {})
        if step.type is None:
            frames.append(step.table["expect"])
        else:
            frames.append({place: step.type, **fields} if fields and place is not None else step.type)
    table: Table = {"expect_unordered": frames}
    table |= {"on": run[0].connection} if run[0].connection != "a" else {}
    longest = max((step.table.get("within_s", 0) for step in run), default=0)
    return [table | ({"within_s": longest} if longest else {})]


def _type_place(step: DraftStep, speech: Speech) -> str | None:
    """Where in a frame its type stands, as a dotted name; None where it stands nowhere by itself."""
    pointer = getattr(speech.codec, "type", "")
    wanted = tuple(pointer.split("/")[1:]) if pointer else (speech.frame_type,)
    found = {path: value for path, value in leaves(step.heard) if path == wanted}
    if found.get(wanted) != step.type or any("." in part for part in wanted):
        return None
    return ".".join(wanted)


def scenario_table(name: str, steps: Sequence[Table], title: str = "") -> Table:
    """The table [[scenario]]."""
    return {"name": name, **({"title": title} if title else {}), "steps": list(steps)}


def scenario_of(table: Table, carriers: Collection[str] | None, kinds: Collection[str] | None) -> Scenario:
    """The scenario of that table. Raises `ConfigurationError` with everything that is wrong with it."""
    scenarios, mistakes = parse_scenarios([table], "(recorded)", lambda _key: 0, carriers, kinds)
    if mistakes:
        raise ConfigurationError(mistakes)
    return scenarios[0]
