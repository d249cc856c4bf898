"""Reads the tables `[[scenario]]` of a backend file: plain data, or every mistake of every one of them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any, get_args

import msgspec

from envparity.config.scenario_bounds import address_problems, head_problems
from envparity.config.scenario_clients import client_problems
from envparity.config.scenario_disturbing import disturbing_problems
from envparity.config.scenario_placeholders import placeholder_problems
from envparity.config.scenario_releases import release_problems
from envparity.config.scenario_tokens import token_problems
from envparity.errors import Mistake
from envparity.model.composed import unescaped
from envparity.model.scenario import Scenario
from envparity.model.step import (
    ACTIONS,
    SUM,
    Connect,
    Drop,
    Expect,
    ExpectClose,
    ExpectStep,
    Http,
    Rotate,
    Step,
    placeholders,
)
from envparity.model.step.bounds import MOST_SCENARIOS, MOST_STEPS, step_problems
from envparity.model.step.checks import captured_by, objections

__all__ = ["parse_scenarios"]

_SETTING = re.compile(r"\{setting:\w+\}")
_CODE_AND_REASON = 2
_USUAL_CONNECTION = next(str(field.default) for field in msgspec.structs.fields(Connect) if field.name == "on")


def parse_scenarios(
    tables: list[dict[str, object]],
    source: str,
    locate: Callable[[str], int],
    carriers: Collection[str] | None = None,
    kinds: Collection[str] | None = None,
) -> tuple[tuple[Scenario, ...], list[Mistake]]:
    """Read `[[scenario]]` tables; returns those without mistakes, and every mistake of the others.

    `locate` gives the 1-based line of a key such as `scenario[2].steps[0].connect`, 0 where it does not know it.
    `carriers` are the names that the backend has, `kinds` the credentials that its scheme makes; None skips a check.
    """
    scenarios: list[Scenario] = []
    mistakes: list[Mistake] = []
    seen: set[str] = set()
    for number, table in enumerate(tables[:MOST_SCENARIOS]):  # that there are more is a mistake of the whole file
        reading = _Reading(source, locate, f"scenario[{number}]", carriers, kinds)
        scenario = reading.scenario(table)
        if scenario is not None:
            if scenario.name in seen:
                reading.mistake("name", "a name that no other scenario has", repr(scenario.name), "rename one of them")
            seen.add(scenario.name)
            if not reading.mistakes:
                scenarios.append(scenario)
        mistakes += reading.mistakes
    return tuple(scenarios), mistakes


class _Reading:
    """One scenario table being read: collects its mistakes, knows which connections and names there are so far."""

    def __init__(
        self,
        source: str,
        locate: Callable[[str], int],
        prefix: str,
        carriers: Collection[str] | None,
        kinds: Collection[str] | None,
    ) -> None:
        self.source, self.locate, self.prefix = source, locate, prefix
        self.carriers, self.kinds = carriers, kinds
        self.mistakes: list[Mistake] = []
        self.connections: set[str] = set()
        self.captured: set[str] = set()
        self.counted: set[str] = set()

    def mistake(self, key: str, expected: str, got: str, action: str = "") -> None:
        key = f"{self.prefix}.{key}" if key else self.prefix
        self.mistakes.append(Mistake(self.source, self.locate(key), key, expected, got, action))

    def scenario(self, table: dict[str, object]) -> Scenario | None:
        plain = dict(table)
        steps = plain.pop("steps", [])
        if not isinstance(steps, list) or not steps:
            self.mistake("steps", "a list of at least one step", _shown(steps))
            steps = []
        if len(steps) > MOST_STEPS:
            self.mistake("steps", f"at most {MOST_STEPS} steps", f"{len(steps)}", "`flood` and `repeat` say often")
            steps = []
        boot = plain.get("boot")
        if isinstance(boot, dict) and isinstance(boot.get("settings"), dict):
            given = {
                name: unescaped(value) if isinstance(value, str) else value for name, value in boot["settings"].items()
            }
            plain["boot"] = boot = {**boot, "settings": sorted(given.items())}
        if isinstance(boot, dict) and isinstance(boot.get("slow"), dict):
            plain["boot"] = {**boot, "slow": sorted(boot["slow"].items())}
        head = self._fields(Scenario, plain)
        self._check_carrier("carriers", plain.get("carriers", ""), extra=("each",))
        for problem in head_problems(head):
            self.mistake(*problem)
        read = [self._step(index, step) for index, step in enumerate(steps)]
        problems = [*disturbing_problems(head, read), *release_problems(head), *address_problems(head, read)]
        problems += token_problems(read, self.kinds)
        if "clients" in head or "clients" not in plain:
            problems += client_problems(head, read)
        for problem in dict.fromkeys(problems):
            self.mistake(*problem)
        if any(isinstance(step, Rotate) for step in read) and not head.get("disruptive"):
            got = "another play under whose feet keys would be rotated"
            self.mistake("disruptive", "true, for it rotates keys", got, "add disruptive = true")
        if self.mistakes:
            return None
        return Scenario(**head, steps=tuple(step for step in read if step is not None))

    def _fields(
        self, kind: type[msgspec.Struct], table: Mapping[str, object], under: str = "", action: str = ""
    ) -> dict[str, Any]:
        """The values of a table, each converted to its field's type; a mistake for each that cannot be.

        `action` is the key under which a step's first field stands in the file.
        """
        fields = _fields_of(kind)
        known = {field.encode_name: field for field in fields}
        values: dict[str, object] = {}
        for key, value in table.items():
            path = ".".join(filter(None, (under, action if action and key == fields[0].name else key)))
            if key not in known:
                self.mistake(path, f"one of {', '.join(sorted(known))}", "an unknown key", "correct or remove it")
                continue
            try:
                values[known[key].name] = msgspec.convert(value, known[key].type)
            except msgspec.ValidationError as error:
                self.mistake(path, _wanted(known[key].type, str(error)), _shown(value))
        for name, field in known.items():
            if field.required and name not in table:
                self.mistake(f"{under}.{name}" if under else name, "a value", "nothing", "add it")
        return values

    def _check_carrier(self, key: str, name: object, extra: tuple[str, ...] = ()) -> None:
        if self.carriers is not None and name and name not in extra and name not in self.carriers:
            self.mistake(key, f"a carrier of this backend ({', '.join(self.carriers)})", repr(name))

    def _step(self, index: int, table: object) -> Step | None:
        under = f"steps[{index}]"
        if not isinstance(table, dict):
            self.mistake(under, "a table", _shown(table))
            return None
        actions = [key for key in table if key in ACTIONS]
        if len(actions) != 1:
            got = " and ".join(actions) or f"only {', '.join(map(repr, table)) or 'nothing'}"
            advice = "say repeat beside steps" if "repeat" in table else ""
            self.mistake(under, f"one key that names the action ({', '.join(ACTIONS)})", got, advice)
            return None
        action, kind = actions[0], ACTIONS[actions[0]]
        rest = {key: value for key, value in table.items() if key != action}
        before = len(self.mistakes)
        if kind is Expect and isinstance(table[action], dict) and not {"fields", "each"}.isdisjoint(rest):
            self.mistake(f"{under}.{action}", "types beside fields and each", "fields alone", "say all fields in one")
        values = self._fields(kind, {**_principal(kind, table[action]), **rest}, under, action)
        if len(self.mistakes) > before:
            self._go_on_after(table)
            return None
        step = kind(**values)
        self._check_step(f"{under}.{action}", step)
        if isinstance(step, Drop):
            self.connections.discard(step.on)
        return step

    def _go_on_after(self, table: dict[str, object]) -> None:
        """What a step would have opened or captured is taken for there: its mistake is one, and no later step's."""
        if "connect" in table:
            on = table.get("on", _USUAL_CONNECTION)
            self.connections |= {on} if isinstance(on, str) else set()
        capture = table.get("capture")
        self.captured |= set(capture) if isinstance(capture, dict) else set()

    def _check_step(self, key: str, step: Step) -> None:
        on = getattr(step, "on", None)
        if isinstance(step, Connect):
            for other in (step.other_replica_than, step.other_worker_than, step.same_token_as):
                if other and other not in self.connections:
                    self._unopened(key, other)
            self._check_carrier(key, step.carrier)
            if self.kinds is not None and step.token not in self.kinds:
                self.mistake(key, "one of " + ", ".join(map(repr, self.kinds)), repr(step.token))
            self.connections.add(step.on)
        elif on is not None and on not in self.connections and not isinstance(step, Http):
            self._unopened(key, on)
        for option, expected, got, action in objections(step):
            self.mistake(f"{key}.{option}" if option else key, expected, got, action)
        if not isinstance(step, ExpectStep | ExpectClose):
            self.counted |= {argument for name, argument in placeholders(step) if name == "counter"}
        for problem in placeholder_problems(step, self.kinds, self.captured, self.counted):
            self.mistake(key, *problem)
        for field, expected, got, action in step_problems(step):
            first = field == step.__struct_fields__[0]
            self.mistake(key if first else f"{key}.{field}", expected, got, action)
        for amount in (getattr(step, name, None) for name in ("within_s", "size", "count")):
            if isinstance(amount, str) and not SUM.fullmatch(_SETTING.sub("1", amount)):
                self.mistake(key, "a number or a sum, with {setting:NAME} at most", repr(amount))
        self.captured |= set(captured_by(step))

    def _unopened(self, key: str, connection: str) -> None:
        self.mistake(key, "a connection that an earlier step opened", repr(connection), "connect it first")


@cache
def _fields_of(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The fields of a kind of table; their types are evaluated once, not for each table."""
    return msgspec.structs.fields(kind)


def _principal(kind: type[Step], value: object) -> dict[str, object]:
    """The value of the action's own key, under the name of the field that it fills."""
    if kind is Expect and isinstance(value, dict):
        return {"types": [], "fields": value}
    if kind is Expect:
        return {"types": [value] if isinstance(value, str) else value or None}
    if kind is ExpectClose and isinstance(value, list) and len(value) <= _CODE_AND_REASON:
        return dict(zip(("code", "reason"), value, strict=False))
    return {kind.__struct_fields__[0]: value}


def _wanted(kind: object, message: str) -> str:
    """What msgspec expected, in its own words; the values themselves where there are few."""
    if message.startswith("Invalid enum value"):
        return "one of " + ", ".join(map(repr, get_args(kind)))
    return message.removeprefix("Expected ").split(", got ", 1)[0].split(" - at ", 1)[0]


def _shown(value: object) -> str:
    return textwrap.shorten(repr(value), 60, placeholder=" …")
