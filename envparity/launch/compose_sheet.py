"""What an export to compose writes, as it comes together: variables, files, and what it cannot say."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from envparity.errors import Mistake
from envparity.launch.compose_files import FILES, Files
from envparity.launch.compose_variables import Variables

__all__ = ["DONE", "Sheet"]

DONE: Final = {"condition": "service_completed_successfully"}


@dataclass(frozen=True)
class Sheet:
    """The export of `environment` for that folder. `left_out` is what of the environment a boot by hand has not."""

    environment: str
    folder: Path
    names: Variables
    files: Files
    left_out: dict[str, None] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def refuse(self, key: str, expected: str, got: str) -> None:
        """Note what no compose file can say."""
        self.mistakes.append(Mistake(f"export {self.environment}", 0, key, expected, got))

    def leave_out(self, what: str) -> None:
        """Note what a boot by hand has not."""
        self.left_out[what] = None

    def mounted(self, owner: str, files: Mapping[str, bytes]) -> dict[str, object]:
        """What a service says to have these files: it starts once those are filled that take variables."""
        mounts = [self.files.mount(owner, path, content) for path, content in files.items()]
        if not mounts:
            return {}
        waits = {"depends_on": {FILES: DONE}} if any(filled for _, filled in mounts) else {}
        return {"volumes": [mount for mount, _ in mounts], **waits}

    def build(self, context: Path, dockerfile: Path) -> dict[str, str]:
        """Both as compose has them: the one relative to the file, the other to that."""
        here = os.path.relpath(context, self.folder.resolve())
        return {"context": here, "dockerfile": os.path.relpath(dockerfile, context)}

    def words(self, words: Iterable[str]) -> list[str]:
        """The words of a command, as compose reads them."""
        return [self.names.shown(word) for word in words]

    def variables(self, values: Mapping[str, str]) -> dict[str, str]:
        """These variables of a container, as compose reads them."""
        return {name: self.names.shown(value) for name, value in values.items()}
