"""One answer over HTTP: a question says how a server is, not how it treats the connection of the question before."""

from __future__ import annotations

import asyncio
from pathlib import Path

from envparity.launch.attached.health import DeployedHealth
from envparity.launch.attached.pace import Pace
from envparity.launch.health import HealthProbe
from envparity.model.backend import Backend, HealthPaths, ImageSource

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nup"
ASKED = 4


async def test_no_question_is_lost_with_the_connection_of_another() -> None:
    """Of replicas and of what is deployed."""
    served: list[asyncio.Task[None] | None] = []

    async def answers_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the first question on a connection, and hangs up on the second; it does not say so beforehand."""
        served.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await reader.readline()
        writer.close()
        await writer.wait_closed()

    backend = Backend("b", Path("b.toml"), ImageSource(), health=HealthPaths(None, None, None, None))
    async with await asyncio.start_server(answers_once, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for probe in (HealthProbe(backend, url), DeployedHealth(url, None, Pace(None))):
            answers = [await probe.ask("/up") for _ in range(ASKED)]
            assert [answer.status for answer in answers if answer is not None] == [200] * ASKED
            await probe.close()
        await asyncio.gather(*filter(None, served))
