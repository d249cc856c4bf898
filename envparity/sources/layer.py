"""What files say of an environment, put one over the other, each value with the place where it stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from envparity.model.environment import DeploymentNote
from envparity.support.toml.document import dotted
from envparity.support.toml.lines import KeyPath

__all__ = ["Layer", "holds", "is_moot", "over"]

_PROGRAM = frozenset({"entrypoint", "arguments"})


@dataclass
class Layer:
    """What one file says, or several.

    `literals` are settings in which no placeholder is looked for, `tables` parts of an environment file, `places` the
    file, as people know it, and line of each value, `hosts` the names of dependencies by the host names under which
    settings know them, `notes` what no boot takes, by what they are about. Of a `deployment` settings are composed.
    """

    literals: dict[str, str] = field(default_factory=dict, repr=False)
    tables: dict[str, Any] = field(default_factory=dict, repr=False)
    places: dict[KeyPath, tuple[str, int]] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)
    notes: dict[str, DeploymentNote] = field(default_factory=dict)
    deployment: bool = False

    def table(self, key: str) -> dict[str, Any]:
        """The table of that name; empty when there is none or something else stands there."""
        found = self.tables.get(key)
        return found if isinstance(found, dict) else {}

    def put(self, upper: Layer) -> None:
        """The other over this: its values in place of these."""
        for name in {*upper.literals, *upper.table("settings")}:
            self.literals.pop(name, None)
            self._forget(name)
            self.notes.pop(f"settings.{name}", None)
        self.literals |= upper.literals
        self.tables = over(self.tables, upper.tables)
        self.places |= upper.places
        self.hosts |= upper.hosts
        self.deployment |= upper.deployment
        for key in upper.places:
            self.notes.pop(dotted(key), None)
        self.notes |= upper.notes
        for name in upper.notes:
            if name.startswith("settings."):
                self.literals.pop(name.removeprefix("settings."), None)
                self._forget(name.removeprefix("settings."))

    def _forget(self, setting: str) -> None:
        settings = self.table("settings")
        if setting in settings:
            self.tables["settings"] = {name: value for name, value in settings.items() if name != setting}

    def set_aside(self, key: tuple[str, ...], value: object) -> None:
        """Note that this value takes no part in a boot."""
        file, line = self.places.pop(key, ("", 0))
        name = dotted(key)
        self.notes[name] = DeploymentNote(
            name, value if isinstance(value, str) else str(value), f"{file}:{line}", known=True
        )


def over(under: Mapping[str, object], upper: Mapping[str, object]) -> dict[str, object]:
    """The tables of an environment file one over the other; what is one whole is not made of two files."""
    kept = dict(under)
    if "command" in upper:
        kept = {key: value for key, value in kept.items() if key not in _PROGRAM}
    elif _PROGRAM & set(upper):
        kept.pop("command", None)
    return _over(kept, upper, ())


def _over(under: Mapping[str, object], upper: Mapping[str, object], way: tuple[str, ...]) -> dict[str, object]:
    """Tables one over the other; of what is a table in one and a value in the other, the upper."""
    merged = dict(under)
    for key, value in upper.items():
        below, here = merged.get(key), (*way, key)
        merged[key] = value
        if isinstance(below, dict) and isinstance(value, dict) and not _is_whole(here, below, value):
            merged[key] = _over(below, value, here)
    return merged


def _is_whole(way: tuple[str, ...], below: Mapping[str, object], value: Mapping[str, object]) -> bool:
    """Whether the upper table stands for itself: a value as a table, another way of the same, a thing of other kind."""
    if way[-1] in {"image", "ready"} or way[:-1] in {("settings",), ("files",)} or way[2:-1] == ("settings",):
        return True
    return "kind" in value and value["kind"] != below.get("kind", value["kind"])


def holds(data: Mapping[str, object], key: KeyPath) -> bool:
    """Whether there is a value at that key."""
    found: object = data
    for part in key:
        inside = found if isinstance(found, dict) else dict(enumerate(found)) if isinstance(found, list) else {}
        if part not in inside:
            return False
        found = inside[part]
    return True


def is_moot(note: str, own: Collection[str], data: Mapping[str, object]) -> bool:
    """Whether what a note of that name is about is one of the environment's `own` settings, or is of an ingress that it
    has not.
    """
    ingress = data.get("ingress")
    if isinstance(ingress, dict) and ingress.get("kind") == "none" and note.startswith("ingress "):
        return True
    return "." in note and note.removeprefix("settings.") in own
