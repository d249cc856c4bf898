"""Makes the application. Importing this module has no effect; `create_app()` reads the environment."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

import netra_backend
from netra_backend.app.backend import Backend
from netra_backend.app.core.tasks import end_tasks
from netra_backend.app.logs import configure_logging
from netra_backend.app.routes import health, metrics, websocket
from netra_backend.app.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def create_app() -> FastAPI:
    """Read the settings, once, and make the application; it starts in the background of its lifespan."""
    reading = read_settings()
    configure_logging(reading.settings.log_format if reading.settings else "json")
    app = FastAPI(
        title="netra_backend",
        version=netra_backend.__version__,
        lifespan=_lifespan,
        # Plain ones: they take no parameters that FastAPI could check, and for each of its own it reads the sources
        # again at the first request.
        routes=[*health.ROUTES, *metrics.ROUTES, *websocket.ROUTES],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.backend = Backend(reading)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Listen at once, and start meanwhile: whoever comes too early is told so."""
    backend: Backend = app.state.backend
    starting = asyncio.create_task(backend.start(), name="startup")
    try:
        yield
    finally:
        await end_tasks(starting)
        await backend.close()
