"""A child process whose output is read, and whose end can be waited for whatever becomes of that output."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

__all__ = ["start_child"]


@asynccontextmanager
async def start_child(
    *command: str, **options: Any
) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.StreamReader]]:
    """Start `command` with options of `asyncio.create_subprocess_exec`, all but `stdout`: the process, and its output.

    Its `wait` returns when the process has ended. With `stdout=asyncio.subprocess.PIPE` it would wait for the end of
    the pipe as well: for ever where nobody reads on (the transport pauses once 128 KiB lie unread), or where something
    that the process has started holds the pipe. Leaving this closes the pipe; ending the process is the caller's
    matter. Raises `OSError` where the command cannot be started.
    """
    reading, writing = os.pipe()
    reader = asyncio.StreamReader()
    with os.fdopen(reading, "rb", buffering=0) as opened, os.fdopen(writing, "wb", buffering=0) as handed:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), opened
        )
        try:
            process = await asyncio.create_subprocess_exec(*command, stdout=handed, **options)
            handed.close()
            yield process, reader
        finally:
            transport.close()
