"""After a 101: bytes both ways, until one side ends or both are silent for too long."""

from __future__ import annotations

import asyncio

from envparity.launch.process.accepting import Stream

__all__ = ["LastHeard", "tunnel"]


class LastHeard:
    """Knows when something was last heard, from either side."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._heard_s = self._loop.time()

    def broken(self) -> None:
        """Something was heard just now."""
        self._heard_s = self._loop.time()

    async def too_long(self) -> None:
        """Return once nothing has been heard for the whole time."""
        while (left_s := self._heard_s + self.timeout_s - self._loop.time()) > 0:  # noqa: ASYNC110  no event marks the end of a silence
            await asyncio.sleep(left_s)


async def tunnel(client: Stream, replica: Stream, silence: LastHeard) -> None:
    """Carry bytes both ways. When one side has ended, what it sent is passed on, and both are closed: nginx keeps no
    half of a connection (ngx_http_upstream_process_upgraded). After too long a silence both are closed as they are.
    """
    carried = {
        asyncio.create_task(client.copy_to(replica), name="ingress: from the client"),
        asyncio.create_task(replica.copy_to(client), name="ingress: to the client"),
    }
    waiting = asyncio.create_task(silence.too_long(), name="ingress: idle timeout")
    try:
        await asyncio.wait({*carried, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (*carried, waiting):
            task.cancel()
        await asyncio.gather(*carried, waiting, return_exceptions=True)
    await asyncio.gather(client.close(), replica.close())
