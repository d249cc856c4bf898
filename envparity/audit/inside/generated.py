"""Compiling what dataclasses generate: the same text is compiled once, however many imports come to it."""

from __future__ import annotations

import builtins
import dataclasses
from typing import Any


class Generated:
    """The code of texts that `dataclasses` has executed; a code does not change, so it may be used again.

    `fresh` are the texts that this process had to compile itself.
    """

    def __init__(self) -> None:
        self._codes: dict[str, object] = {}
        self.fresh: list[str] = []

    def install(self) -> None:
        """Stand in for `exec` as `dataclasses` sees it, and nobody else."""
        module: Any = dataclasses
        module.exec = self.execute

    def execute(self, source: Any, *names: Any) -> None:
        """Do as `exec` does in a module without future statements."""
        if type(source) is str:
            if source not in self._codes:
                self._codes[source] = _compiled(source)
                self.fresh.append(source)
            source = self._codes[source]
        builtins.exec(source, *names)  # noqa: S102  what dataclasses would have executed

    def learn(self, texts: list[str]) -> None:
        """Compile what another process had to: those that are forked from now on have it."""
        for text in texts:
            if text not in self._codes:
                self._codes[text] = _compiled(text)


def _compiled(text: str) -> object:
    return compile(text, "<string>", "exec", dont_inherit=True)
