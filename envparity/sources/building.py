"""Puts together what a source says: values by their keys, each with its place; and what nobody can say here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from envparity.model.environment import DeploymentNote
from envparity.sources.source import Key, Said
from envparity.support.toml.document import shown_path

__all__ = ["Building"]

_NAME_LENGTH = 40


class Building:
    """A `Said` of a deployment in the making."""

    def __init__(self) -> None:
        self._settings: dict[str, str] = {}
        self._tables: dict[str, Any] = {}
        self._places: dict[Key, tuple[Path, int]] = {}
        self._hosts: dict[str, str] = {}
        self._notes: dict[str, DeploymentNote] = {}
        self._partly: dict[str, str] = {}

    def setting(self, name: str, value: str, place: tuple[Path, int]) -> None:
        """A literal setting, in place of what was said of it before."""
        self._settings[name] = value
        self._places["settings", name] = place
        self._notes.pop(f"settings.{name}", None)

    def put(self, key: Key, value: object, place: tuple[Path, int]) -> None:
        """A value of an environment file, in place of what was said before."""
        table = self._tables
        for part in key[:-1]:
            table = table.setdefault(part, {})
        table[key[-1]] = value
        self._places[key] = place

    def dependency(
        self, service: str, table: Mapping[str, object], place: tuple[Path, int], others: Iterable[str] = ()
    ) -> str:
        """A server that settings know by that name of a service, or by others, and its table; gives the name of the
        dependency.
        """
        name = dependency_name(service)
        self.put(("dependencies", name), dict(table), place)
        self._hosts |= dict.fromkeys((service, *others), name)
        return name

    def job(self, name: str, words: list[str], place: tuple[Path, int]) -> bool:
        """A program that runs in the backend's own image before it; False where it cannot be said here."""
        if not words or any(letter in word for word in words for letter in "{}$"):
            return False
        self.put(("jobs", dependency_name(name)), {"command": words}, place)
        return True

    def known_as(self, host: str, dependency: str) -> None:
        """Another name by which settings know the host of a dependency."""
        self._hosts[host] = dependency

    def has_dependency(self, name: str) -> bool:
        """Whether there is a dependency of that name."""
        return name in self._tables.get("dependencies", {})

    @property
    def notes(self) -> tuple[DeploymentNote, ...]:
        """The notes so far."""
        return tuple(self._notes.values())

    def note(self, note: DeploymentNote) -> None:
        """One that is made already."""
        self._notes[note.name] = note

    @property
    def settings(self) -> Mapping[str, str]:
        """The literal settings so far."""
        return self._settings

    def is_unknown(self, setting: str) -> bool:
        """Whether only the platform knows that setting."""
        return f"settings.{setting}" in self._notes

    def unknown(self, name: str, text: str, place: tuple[Path, int], partly: str = "") -> None:
        """What only the platform, or whoever deploys, knows; of a setting of which only a part is so, the rest."""
        if name.startswith("settings."):
            self._settings.pop(name.removeprefix("settings."), None)
            self._partly[name.removeprefix("settings.")] = partly
        self._notes[name] = DeploymentNote(name, text, _shown(place), known=False)

    def not_taken(self, name: str, text: str, place: tuple[Path, int]) -> None:
        """What is known, and takes no part in a boot."""
        self._notes[name] = DeploymentNote(name, text, _shown(place), known=True)

    def taken(self, name: str) -> None:
        """What was listed under that name is taken after all."""
        self._notes.pop(name, None)

    @property
    def partly(self) -> Mapping[str, str]:
        """The settings of which something is not known, with `UNKNOWN` for it."""
        return {name: text for name, text in self._partly.items() if text and f"settings.{name}" in self._notes}

    def said(self) -> Said:
        """All of it."""
        settings, notes = dict(self._settings), tuple(self._notes.values())
        return Said(
            settings, {}, self._tables, self._places, self._hosts, notes, deployment=True, partly=dict(self.partly)
        )


def dependency_name(service: str) -> str:
    """A service's name as one of a dependency."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in service.lower()).strip("-")
    kept = kept if kept[:1].isalpha() and kept not in {"ingress", "platform", "tokens"} else f"d-{kept}"
    return kept[:_NAME_LENGTH].rstrip("-")


def _shown(place: tuple[Path, int]) -> str:
    return f"{shown_path(place[0])}:{place[1]}"
