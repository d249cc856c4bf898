"""One application: its settings as read, its metrics, its startup, and the conversations that are open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from netra_backend.app.core.components import ComponentSteps
from netra_backend.app.core.startup import Startup
from netra_backend.app.core.startup_order import OrderRefused, startup_order
from netra_backend.app.metrics import Metrics
from netra_backend.app.websocket_core.refusals import SHUTDOWN, SHUTTING_DOWN, STARTING, Ending, startup_failed

if TYPE_CHECKING:
    from netra_backend.app.settings import SettingsReading
    from netra_backend.app.websocket_core.wire import Wire

log = structlog.stdlib.get_logger(__name__)


class Backend:
    """Starts, knows whether it can serve, and drains."""

    def __init__(self, reading: SettingsReading) -> None:
        self.reading = reading
        self.metrics = Metrics()
        self.draining = False
        self._open: set[Wire] = set()
        self._all_closed = asyncio.Event()
        self._order_refused: OrderRefused | None = None
        components = ComponentSteps(reading, self.metrics).components()
        order: tuple[str, ...] = ()
        try:
            order = startup_order(components, reading.settings.startup_order if reading.settings else ())
        except OrderRefused as refused:
            self._order_refused = refused
        timeout_s = reading.settings.startup_step_timeout_s if reading.settings else 1.0
        self.startup = Startup({part.name: part for part in components}, order, timeout_s, self.metrics)

    async def start(self) -> None:
        """Run the startup. Raises nothing: how it went is in `startup`."""
        if self._order_refused is not None:
            self.startup.refuse(self._order_refused)
        else:
            await self.startup.run()

    @property
    def refusal(self) -> Ending | None:
        """Why no conversation can be held now; None when it can."""
        if self.draining:
            return SHUTTING_DOWN
        if self.startup.status == "starting":
            return STARTING
        if self.startup.status == "fail":
            failure = self.startup.failures[0]
            return startup_failed(failure.component, failure.description)
        return None

    def opened(self, wire: Wire) -> None:
        """Count a conversation in."""
        self._open.add(wire)
        self._all_closed.clear()

    def closed(self, wire: Wire) -> None:
        """Count it out."""
        self._open.discard(wire)
        if not self._open:
            self._all_closed.set()

    async def drain(self, timeout_s: float) -> None:
        """End every conversation with 1001, each after the run that it is in; give up on the rest after `timeout_s`."""
        self.draining = True
        log.info("draining", conversations=len(self._open))
        if not self._open:
            return
        for wire in list(self._open):
            wire.end(SHUTDOWN)
        try:
            async with asyncio.timeout(timeout_s):
                await self._all_closed.wait()
        except TimeoutError:
            log.warning("conversations not ended in time", conversations=len(self._open))

    async def close(self) -> None:
        """Close what the startup has opened."""
        await self.startup.services.close()
