"""A conversation as data: what a client does, and what must come back.

`[[scenario]]` tables of a backend file become `Scenario`s. A step is a table with one key that names the action
(`{ connect = "valid", on = "a" }`), plus the action's options: the fields of the structs in `envparity.step`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Literal, get_args

import msgspec

from envparity.case import Boot
from envparity.environment import Environment
from envparity.errors import Mistake
from envparity.step import ACTIONS, SUM, Connect, Expect, ExpectClose, Step, TokenKind, placeholders

__all__ = ["Scenario", "expand", "parse_scenarios", "required_settings"]

_MADE = frozenset({"uuid", "user", "token", "setting", "first", "origin"})
_SETTING = re.compile(r"\{setting:\w+\}")
_NEEDS_ARGUMENT = _MADE - {"user", "origin"}


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One conversation, played in every environment on the boot that it asks for.

    `carriers` names the way to hand over tokens: "" the backend's first, "each" all of them (see `expand`).
    A `disruptive` scenario restarts or stops something: it is played alone, after the others. `part` says when: "usual"
    on its boot; "orders" on every boot that asks for an order or a timeline; "starting" while such a boot is starting
    and something that it needs is still out of reach. One that needs `replicas` is played where there are that many;
    one with `new_user` where its users have done nothing yet.
    """

    name: str
    group: str = "conversation"
    title: str = ""
    carriers: str = ""
    disruptive: bool = False
    boot: Boot = Boot()
    part: Literal["usual", "orders", "starting"] = "usual"
    replicas: Annotated[int, msgspec.Meta(ge=1)] = 1
    new_user: bool = False
    steps: tuple[Step, ...] = ()

    def playable_in(self, environment: Environment) -> bool:
        """Whether that environment has the replicas for it."""
        return environment.platform.replicas >= self.replicas


def expand(scenario: Scenario, carriers: Collection[str]) -> tuple[Scenario, ...]:
    """One scenario for each carrier where it asks for that: `conversation[header]`; otherwise the scenario itself."""
    if scenario.carriers != "each":
        return (scenario,)
    return tuple(
        msgspec.structs.replace(scenario, name=f"{scenario.name}[{carrier}]", carriers=carrier) for carrier in carriers
    )


def required_settings(scenario: Scenario) -> frozenset[str]:
    """The settings that every environment must give for this scenario to be playable."""
    return frozenset(name for kind, name in placeholders(scenario.steps) if kind in {"setting", "first"})


def parse_scenarios(
    tables: list[dict[str, Any]],
    source: str,
    locate: Callable[[str], int],
    carriers: Collection[str] | None = None,
) -> tuple[tuple[Scenario, ...], list[Mistake]]:
    """Read `[[scenario]]` tables; returns those without mistakes, and every mistake of the others.

    `locate` gives the 1-based line of a key such as `scenario[2].steps[0].connect`, 0 where it does not know it.
    `carriers` are the names that the backend has; None skips that check.
    """
    scenarios: list[Scenario] = []
    mistakes: list[Mistake] = []
    seen: set[str] = set()
    for number, table in enumerate(tables):
        reading = _Reading(source, locate, f"scenario[{number}]", carriers)
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
        self, source: str, locate: Callable[[str], int], prefix: str, carriers: Collection[str] | None
    ) -> None:
        self.source, self.locate, self.prefix, self.carriers = source, locate, prefix, carriers
        self.mistakes: list[Mistake] = []
        self.connections: set[str] = set()
        self.captured: set[str] = set()

    def mistake(self, key: str, expected: str, got: str, action: str = "") -> None:
        key = f"{self.prefix}.{key}" if key else self.prefix
        self.mistakes.append(Mistake(self.source, self.locate(key), key, expected, got, action))

    def scenario(self, table: dict[str, Any]) -> Scenario | None:
        plain = dict(table)
        steps = plain.pop("steps", [])
        if not isinstance(steps, list) or not steps:
            self.mistake("steps", "a list of at least one step", _shown(steps))
            steps = []
        boot = plain.get("boot")
        if isinstance(boot, dict) and isinstance(boot.get("settings"), dict):
            plain["boot"] = {**boot, "settings": sorted(boot["settings"].items())}
        head = self._fields(Scenario, plain)
        self._check_carrier("carriers", plain.get("carriers", ""), extra=("each",))
        if isinstance(head.get("name"), str) and re.search(r"[\[\]*?\s]", head["name"]):
            self.mistake("name", "a name without brackets, wildcards and white space", repr(head["name"]))
        read = [self._step(index, step) for index, step in enumerate(steps)]
        if self.mistakes:
            return None
        return Scenario(**head, steps=tuple(step for step in read if step is not None))

    def _fields(
        self, kind: type[msgspec.Struct], table: Mapping[str, Any], under: str = "", action: str = ""
    ) -> dict[str, Any]:
        """The values of a table, each converted to its field's type; a mistake for each that cannot be.

        `action` is the key under which a step's first field stands in the file.
        """
        fields = msgspec.structs.fields(kind)
        known = {field.name: field for field in fields}
        values: dict[str, Any] = {}
        for key, value in table.items():
            path = ".".join(filter(None, (under, action if action and key == fields[0].name else key)))
            if key not in known:
                self.mistake(path, f"one of {', '.join(sorted(known))}", "an unknown key", "correct or remove it")
                continue
            try:
                values[key] = msgspec.convert(value, known[key].type)
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
            self.mistake(under, f"one key that names the action ({', '.join(ACTIONS)})", got)
            return None
        action, kind = actions[0], ACTIONS[actions[0]]
        rest = {key: value for key, value in table.items() if key != action}
        before = len(self.mistakes)
        values = self._fields(kind, {**_principal(kind, table[action]), **rest}, under, action)
        if len(self.mistakes) > before:
            return None
        step = kind(**values)
        self._check_step(f"{under}.{action}", step)
        return step

    def _check_step(self, key: str, step: Step) -> None:
        on = getattr(step, "on", None)
        if isinstance(step, Connect):
            if step.other_replica_than and step.other_replica_than not in self.connections:
                self._unopened(key, step.other_replica_than)
            self._check_carrier(key, step.carrier)
            self.connections.add(step.on)
        elif on is not None and on not in self.connections:
            self._unopened(key, on)
        self._check_placeholders(key, step)
        for amount in (getattr(step, name, None) for name in ("within_s", "size", "count")):
            if isinstance(amount, str) and not SUM.fullmatch(_SETTING.sub("1", amount)):
                self.mistake(key, "a number or a sum, with {setting:NAME} at most", repr(amount))
        if isinstance(step, Expect):
            self.captured |= set(step.capture)

    def _check_placeholders(self, key: str, step: Step) -> None:
        for name, argument in placeholders(step):
            if name in _NEEDS_ARGUMENT and not argument:
                self.mistake(key, f"{{{name}:…}}", f"{{{name}}}", "say which")
            elif name == "token" and argument not in get_args(TokenKind):
                self.mistake(key, f"a kind of token ({', '.join(get_args(TokenKind))})", repr(argument))
            elif name not in _MADE and name not in self.captured:
                self.mistake(key, "a placeholder that is made or was captured before", f"{{{name}}}")

    def _unopened(self, key: str, connection: str) -> None:
        self.mistake(key, "a connection that an earlier step opened", repr(connection), "connect it first")


def _principal(kind: type[Step], value: object) -> dict[str, Any]:
    """The value of the action's own key, under the name of the field that it fills."""
    if kind is Expect:
        return {"types": [value] if isinstance(value, str) else value}
    if kind is ExpectClose and isinstance(value, list):
        return dict(zip(("code", "reason"), value, strict=False))
    return {kind.__struct_fields__[0]: value}


def _wanted(kind: object, message: str) -> str:
    """What msgspec expected, in its own words; the values themselves where there are few."""
    if message.startswith("Invalid enum value"):
        return "one of " + ", ".join(map(repr, get_args(kind)))
    return message.removeprefix("Expected ").split(", got ", 1)[0].split(" - at ", 1)[0]


def _shown(value: object) -> str:
    return textwrap.shorten(repr(value), 60, placeholder=" …")
