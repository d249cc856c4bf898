"""A dependency's process, as its kind may ask it."""

from __future__ import annotations

import asyncio
import shutil
import signal
from dataclasses import dataclass

from envparity.errors import LaunchError
from envparity.launch.listening import accepts, listens
from envparity.launch.process.child import Child, Program
from envparity.launch.process.logs import FileLog
from envparity.launch.process.servers import ProcessServer
from envparity.support.stalls import Deadline

__all__ = ["ProcessBeside"]

_COMMAND_S = 10.0
_EVERY_S = 0.01


@dataclass(frozen=True)
class ProcessBeside:
    """A dependency's process, as its kind may ask it (`Beside`). `began`: where its log was at its last start."""

    server: ProcessServer
    began: float

    @property
    def port(self) -> int:
        return self.server.port

    async def listens(self) -> bool:
        known = listens(self.server.port)
        return await accepts(("127.0.0.1", self.server.port)) if known is None else known

    async def log(self) -> str:
        return await FileLog(self.server.child.program.log).since(self.began)

    async def run(self, command: tuple[str, ...]) -> bool:
        """As who runs the server, with its environment and in its folder."""
        program = self.server.child.program
        found = shutil.which(command[0], path=program.environment.get("PATH"))
        if found is None:
            raise LaunchError(f"{command[0]!r} is not on this machine")
        asking = Program(
            (found, *command[1:]),
            program.environment,
            program.folder,
            program.log.with_suffix(".asked"),
            program.user,
            group=program.group,
            confined=program.confined,
        )
        child = Child(asking, self.server.guard)
        child.start()
        deadline = Deadline(_COMMAND_S)
        try:
            while child.exit_code is None:
                if deadline.passed:
                    return False
                await asyncio.sleep(_EVERY_S)
            return child.exit_code == 0
        finally:
            await child.stop(signal.SIGKILL, 0.0)
