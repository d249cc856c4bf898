"""What was found, as scenarios: those that a run plays everywhere, and those that a backend file can keep."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from envparity.engine.exploration.frames import ClientTurn
from envparity.engine.exploration.opening import ScenarioOpening
from envparity.engine.exploration.reactions import Reaction, expectations
from envparity.engine.exploration.searching import FoundSequence
from envparity.judge.explored import FRAMES
from envparity.model.scenario import Scenario
from envparity.model.step import Send, SendText, Settle, Step, action_of

__all__ = ["as_scenario", "as_toml", "being_played"]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def being_played(opening: ScenarioOpening, turns: Iterable[ClientTurn], quiet_s: float) -> Scenario:
    """A sequence as it is played while it is not known how it is answered."""
    steps: list[Step] = list(opening.scenario.steps)
    settled = Settle(quiet_s, opening.connection)
    steps += [step for turn in turns for step in (_sent(turn, opening), settled)] or [settled]
    return msgspec.structs.replace(opening.scenario, name=FRAMES, group=FRAMES, repeat=1, steps=tuple(steps))


def as_scenario(opening: ScenarioOpening, found: FoundSequence, seen: tuple[Reaction, ...]) -> Scenario:
    """What was found as a scenario that expects everywhere what is seen in one environment."""
    last = found.first + 1
    sends = [_sent(turn, opening) for turn in found.turns[:last]]
    steps = (*opening.scenario.steps, *expectations(seen[:last], sends, opening.connection))
    turn = found.turns[found.first]
    digest = hashlib.sha256(json.dumps([each_turn.frame for each_turn in found.turns]).encode()).hexdigest()[:6]
    word = re.sub(r"[^a-z0-9]+", "-", turn.message.lower()).strip("-")[:30] or "frame"
    title = (
        f"{turn.message} as the contract allows it" if not turn.broken else f"{turn.message}, broken at {turn.broken}"
    )
    return msgspec.structs.replace(
        opening.scenario, name=f"{FRAMES}-{word}-{digest}", group=FRAMES, title=title, repeat=1, steps=steps
    )


def as_toml(scenarios: Iterable[Scenario]) -> str:
    """Scenarios as a backend file has them."""
    tables = []
    for scenario in scenarios:
        head = [f"name = {_written(scenario.name)}", f"group = {_written(scenario.group)}"]
        head += [f"title = {_written(scenario.title)}"] if scenario.title else []
        carrier = scenario.carriers
        head += [f"carriers = {_written(carrier)}"] if carrier else []
        head += ["private = true"] if scenario.private else []
        head += ["new_user = true"] if scenario.new_user else []
        steps = "\n".join(f"  {_step(step)}," for step in scenario.steps)
        tables.append("\n".join(["[[scenario]]", *head, f"steps = [\n{steps}\n]\n"]))
    return "\n".join(tables)


def _sent(turn: ClientTurn, opening: ScenarioOpening) -> Send:
    return Send(turn.frame, opening.connection, breaks_contract=bool(turn.broken))


def _step(step: Step) -> str:
    """A step as its table: the field that comes first under the name of its action, of the others what is not usual."""
    if isinstance(step, Send) and _has_null(step.frame):  # which TOML cannot say
        return _step(SendText(json.dumps(step.frame, ensure_ascii=False), step.on))
    first, *others = msgspec.structs.fields(type(step))
    plain = msgspec.to_builtins(step)
    table: dict[str, object] = {action_of(step): plain[first.name]}
    for field in others:
        if getattr(step, field.name) != _default(field):
            table[field.name] = plain[field.name]
    if action_of(step) == "expect":
        table = _expect(table)
    return _written(table)


def _has_null(value: object) -> bool:
    if isinstance(value, dict | list):
        return any(map(_has_null, value.values() if isinstance(value, dict) else value))
    return value is None


def _expect(table: dict[str, Any]) -> dict[str, Any]:
    """One type is written by itself, and a frame without one by its fields."""
    types = table.pop("expect")
    fields = table.pop("fields", {})
    if not types:
        return {"expect": fields, **table}
    said = {"expect": types[0] if len(types) == 1 else types}
    return said | ({"fields": fields} if fields else {}) | table


def _default(field: Any) -> object:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else msgspec.NODEFAULT


def _written(value: object) -> str:
    """A value as TOML has it, in one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        pairs = (f"{_name(key)} = {_written(held)}" for key, held in value.items() if held is not None)
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, str):
        return _text(value)
    return repr(value)


def _text(text: str) -> str:
    """A basic string; JSON's escapes are TOML's, but for the one of what is beyond the first plane, and DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _name(key: object) -> str:
    return str(key) if _BARE.fullmatch(str(key)) else _text(str(key))
