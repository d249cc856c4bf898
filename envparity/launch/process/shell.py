"""A program of this machine that talks to a server as its administrator."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.process.child import identity_of
from envparity.launch.process.servers import ProcessServer
from envparity.support.child import start_child
from envparity.support.stalls import within

__all__ = ["ProcessShell"]

_ANSWER_S = 15.0


class ProcessShell:
    """One such program, as the user who runs the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    @asynccontextmanager
    async def open(cls, server: ProcessServer) -> AsyncIterator[ProcessShell]:
        """Start it; it ends when this is left."""
        command = server.shell()
        async with start_child(
            *command,
            env=server.child.program.environment,
            cwd=server.folder,
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the run alone, which ends this when it has dropped its databases
            **identity_of(server.child.program.user),
        ) as (process, output):
            if process.stdin is None:
                raise LaunchError(f"{command[0]} has no input")
            try:
                yield cls(output, process.stdin)
            finally:
                process.stdin.close()
                try:
                    async with within(_ANSWER_S):
                        await process.wait()
                except TimeoutError:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()

    async def ask(self, script: str, done: str) -> str:
        said = ""
        try:
            async with within(_ANSWER_S):
                self._writer.write(script.encode())
                await self._writer.drain()
                while done not in said:
                    more = await self._reader.read(65536)
                    if not more:
                        raise LaunchError(f"the session with the server has ended: {said}")
                    said += more.decode(errors="replace")
        except TimeoutError as error:
            raise DeadlineExceeded("the server to answer", _ANSWER_S, said) from error
        except OSError as error:
            raise LaunchError(f"the session with the server broke: {error}") from error
        return said.replace(done, "")
