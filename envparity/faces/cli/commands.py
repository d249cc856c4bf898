"""The group of the commands: each is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any

import click

from envparity.faces.cli.ending import one_code

__all__ = ["Commands"]


class _Loaded(MutableMapping[str, click.Command]):
    """Commands by name, from `module:attribute` of this package, imported at the first look at one."""

    def __init__(self, homes: Mapping[str, str]) -> None:
        self._homes: dict[str, str | click.Command] = dict(homes)

    def __getitem__(self, name: str) -> click.Command:
        found = self._homes[name]
        if isinstance(found, str):
            module, _, attribute = found.partition(":")
            made: click.Command = getattr(import_module(f"{__package__}.{module}"), attribute)
            self._homes[name] = found = made
        return found

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._homes[name] = command

    def __delitem__(self, name: str) -> None:
        del self._homes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)


class Commands(click.Group):
    """Commands that end with one code for each meaning, whatever ends them: a bug of envparity has its own.

    `homes` says where each is, by its name.
    """

    def __init__(self, *arguments: Any, homes: Mapping[str, str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.commands = _Loaded(homes)

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with one_code():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> object:
        with one_code():
            return super().invoke(ctx)
