"""Files beside a compose file: as they are, or templates that a container fills with variables before others start."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from envparity.launch.compose_variables import Variables

__all__ = ["FILES", "MADE", "Files"]

FILES: Final = "filling"
"""The service that fills templates, and the folder that its image is built from."""
MADE: Final = "made"
"""The folder of what it writes: who boots alone may look into it."""
_TEMPLATES: Final = "templates"


class Files:
    """What stands beside the compose file, by its path there. `variables` are what marks in it mean."""

    def __init__(self, variables: Variables) -> None:
        self.content: dict[str, bytes] = {}
        self._variables = variables
        self._taken: dict[str, None] = {}

    def copy(self, folder: Path) -> None:
        """Put the folder there that an image is built from, whole."""
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                self.content[f"{folder.name}/{file.relative_to(folder).as_posix()}"] = file.read_bytes()

    def mount(self, owner: str, path: str, content: bytes) -> tuple[str, bool]:
        """The mount by which a container has that file at that path, and whether it is filled first."""
        name = path.strip("/").replace("/", "-")
        text = content.decode(errors="surrogateescape")
        taken = self._variables.names_in(text)
        if not taken:
            self.content[f"{owner}/{name}"] = content
            return f"./{owner}/{name}:{path}:ro", False
        self._taken |= dict.fromkeys(taken)
        template = self._variables.in_template(text).encode(errors="surrogateescape")
        self.content[f"{_TEMPLATES}/{owner}-{name}"] = template
        self.content[f"{MADE}/{owner}-{name}"] = b""
        return f"./{MADE}/{owner}-{name}:{path}:ro", True

    def service(self) -> dict[str, object]:
        """The service that fills templates; nothing where there is none."""
        if not self._taken:
            return {}
        self.copy(Path(__file__).parent / FILES)
        return {
            "build": f"./{FILES}",
            "network_mode": "none",
            "environment": {name: f"${{{name}:?see .env.example}}" for name in self._taken},
            "volumes": [f"./{_TEMPLATES}:/templates:ro", f"./{MADE}:/made"],
        }
