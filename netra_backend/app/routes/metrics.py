"""`GET /metrics`, for Prometheus."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request


async def metrics(request: Request) -> Response:
    """Everything that is counted, as text."""
    counted = request.app.state.backend.metrics
    counted.tasks.set(len(asyncio.all_tasks()))
    return Response(generate_latest(counted.registry), media_type=CONTENT_TYPE_LATEST)


ROUTES = (Route("/metrics", metrics),)
