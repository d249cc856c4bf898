"""What the containers of a backend run: its image, and the commands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from envparity.launch.container.engine import Engine
from envparity.launch.container.start_gate import image_argv
from envparity.model.backend import Backend
from envparity.model.commands import HEALTH_PORT, PORT, filled
from envparity.model.environment import Environment

__all__ = ["BackendCommand", "KnownArgvs"]

KnownArgvs = dict[tuple[str, tuple[str, ...]], list[str] | None]
"""What containers of an image run with a command, as the engine has said; see `image_argv`."""


@dataclass(frozen=True)
class BackendCommand:
    """What a backend's containers run in an environment, whose image is `image`."""

    engine: Engine
    backend: Backend
    environment: Environment
    image: str
    labels: Mapping[str, str]
    known: KnownArgvs

    @property
    def words(self) -> tuple[str, ...]:
        """The command in place of the image's own; none where there is none."""
        environment = self.environment
        if environment.arguments or environment.entrypoint:
            return environment.arguments
        command, port = environment.command or self.backend.command, environment.platform.port
        return filled(command, {PORT: port, HEALTH_PORT: self.backend.health.port or port})

    async def argv(self) -> list[str] | None:
        """What a replica runs; None where its image has no shell."""
        entrypoint = self.environment.entrypoint
        whole = await self.argv_of(self.words or entrypoint)
        # beside an entrypoint from here, the image's own and its CMD are not used
        return [*entrypoint, *self.words] if entrypoint and whole is not None else whole

    async def argv_of(self, command: tuple[str, ...]) -> list[str] | None:
        """What a container of the backend's image runs with that command, asked for once a run."""
        image, known = self.image, self.known
        if (image, command) not in known:
            known[image, command] = await self.engine.call(
                "the backend's image", lambda: image_argv(self.engine, image, command, self.labels)
            )
        return known[image, command]
