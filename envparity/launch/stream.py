"""One proxied connection: two directions, each a delay line from one socket to the other."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

from envparity.launch.toxics import Parcel, Timeout, Toxic, ToxicEffect

__all__ = ["ActiveToxics", "ConnectionCut", "Link", "carry", "reset"]

ActiveToxics = Callable[[], Sequence[tuple[Toxic, float]]]  # those of one direction, and since when, in order

_CHUNK_BYTES = 65536
_HELD_BYTES = 4 * 1024 * 1024  # what a direction may hold back before it stops reading: 1 s of latency at 4 MB/s
_LINGER_S = 1.0  # how long an orderly close waits for the peers to take what was sent
_LINGER_NOT = struct.pack("ii", 1, 0)


class ConnectionCut(Exception):
    """The connection ends here: "close" in order, "reset" with a TCP reset."""

    def __init__(self, how: Literal["close", "reset"]) -> None:
        super().__init__(how)
        self.how = how


class Link:
    """One direction. What is read is due at once, unless a toxic says later; what is due is sent, in order."""

    def __init__(
        self, source: socket.socket, sink: socket.socket, number: int, toxics: ActiveToxics, *, from_client: bool = True
    ) -> None:
        self._source, self._sink, self._from_client = source, sink, from_client
        self._stranded = False
        self._number = number
        self._toxics = toxics
        self._began_s = asyncio.get_running_loop().time()
        self._effects: dict[tuple[str, float], ToxicEffect] = {}
        self._queue: deque[Parcel] = deque()
        self._queued_bytes = 0
        self._sending = False
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def toxics_changed(self) -> None:
        """Look again: what was held may go, or the other way round."""
        self._wake.set()

    def strand(self) -> None:
        """From now on nothing gets through, and neither side learns of the other's end, ever.

        A client that closes lets go of both sides; to the server it is still there until then.
        """
        self._stranded = True
        self._wake.set()

    async def read(self) -> None:
        """Read to the end of the source, or to where a toxic ends it. Raises `ConnectionCut` for a reset source."""
        loop = asyncio.get_running_loop()
        ended = False
        while not ended:
            await self._room.wait()
            try:
                data = await loop.sock_recv(self._source, _CHUNK_BYTES)
            except OSError as error:
                if self._stranded and not self._from_client:
                    await asyncio.Event().wait()
                raise ConnectionCut("reset") from error
            if self._stranded:
                await self._lose(data)
                continue
            if data and not (self._queue or self._sending or self._toxics()):
                await self._pass_on(data)
                continue
            parcels = self._through_toxics(Parcel(loop.time(), data, "" if data else "half"))
            ended = not data or any(parcel.end for parcel in parcels)
            self._queue.extend(parcels)
            self._queued_bytes += sum(len(parcel.data) for parcel in parcels)
            if self._queued_bytes >= _HELD_BYTES:
                self._room.clear()
            self._wake.set()

    async def send(self) -> None:
        """Send what is due until the source has ended and all is sent. Raises `ConnectionCut` at that end."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            held, until_s = self._held()
            if held:
                if until_s is not None and until_s <= loop.time():
                    raise ConnectionCut("close")
            elif self._queue:
                until_s = self._queue[0].due_s
                if until_s <= loop.time():
                    if await self._send_one(self._queue.popleft()):
                        return
                    continue
            await self._woken(until_s)

    async def _lose(self, data: bytes) -> None:
        """What was read from a stranded source goes nowhere. Raises `ConnectionCut` where the client is gone."""
        if not data and self._from_client:
            raise ConnectionCut("close")
        if not data:
            await asyncio.Event().wait()

    def _through_toxics(self, parcel: Parcel) -> list[Parcel]:
        parcels = [parcel]
        for toxic, since_s in self._toxics():
            key = (toxic.label, since_s)
            if key not in self._effects:
                self._effects[key] = toxic.begin(self._number)
            parcels = [after for before in parcels for after in self._effects[key].apply(before)]
        return parcels

    def _held(self) -> tuple[bool, float | None]:
        """Whether nothing may pass at the moment, and when that ends the connection (None: never)."""
        if self._stranded:
            return True, None
        timeouts = [(toxic, since_s) for toxic, since_s in self._toxics() if isinstance(toxic, Timeout)]
        deadlines = [
            max(since_s, self._began_s) + item.timeout_ms / 1000 for item, since_s in timeouts if item.timeout_ms
        ]
        return bool(timeouts), min(deadlines, default=None)

    async def _pass_on(self, data: bytes) -> None:
        """Send what has nothing before it and no toxic in its way; most does not, and another task to wake costs."""
        try:
            await asyncio.get_running_loop().sock_sendall(self._sink, data)
        except OSError as error:
            raise ConnectionCut("reset") from error

    async def _send_one(self, parcel: Parcel) -> bool:
        """Send it; True when the direction has ended with it, in order."""
        self._sending = True
        if parcel.data:
            await self._pass_on(parcel.data)
        self._sending = False
        try:
            if parcel.end == "half":
                self._sink.shutdown(socket.SHUT_WR)
                return True
        except OSError as error:
            raise ConnectionCut("reset") from error
        if parcel.end:
            raise ConnectionCut(parcel.end)
        self._queued_bytes -= len(parcel.data)
        if self._queued_bytes < _HELD_BYTES:
            self._room.set()
        return False

    async def _woken(self, until_s: float | None) -> None:
        loop = asyncio.get_running_loop()
        timer = loop.call_at(until_s, self._wake.set) if until_s is not None else None
        try:
            await self._wake.wait()
        finally:
            if timer is not None:
                timer.cancel()


async def carry(links: Sequence[Link], ends: Sequence[socket.socket], max_lifetime_s: float | None = None) -> None:
    """Run both directions to their end, and end the connection as they did; in order after `max_lifetime_s` seconds.

    Afterwards the sockets are spent; closing them is the caller's.
    """
    cuts: list[str] = []
    try:
        async with asyncio.timeout(max_lifetime_s), asyncio.TaskGroup() as group:
            for link in links:
                group.create_task(link.read())
                group.create_task(link.send())
    except* TimeoutError:
        cuts.append("close")
    except* ConnectionCut as cut:
        cuts += [exception.how for exception in cut.exceptions if isinstance(exception, ConnectionCut)]
    if "reset" in cuts:
        for end in ends:
            reset(end)
    elif cuts:
        await _close_in_order(ends)


def reset(end: socket.socket) -> None:
    """Close it with a TCP reset, whatever is still to be sent or read (RFC 9293 §3.6.1, SO_LINGER of zero)."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    end.close()


async def _close_in_order(ends: Sequence[socket.socket]) -> None:
    """Say that nothing more comes, and let the peers finish: closing with unread bytes would reset, and lose data."""
    loop = asyncio.get_running_loop()

    async def until_closed(end: socket.socket) -> None:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_WR)
            while await loop.sock_recv(end, _CHUNK_BYTES):
                pass

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            await asyncio.gather(*(until_closed(end) for end in ends))
