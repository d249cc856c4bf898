"""`/health/live`, `/health/ready`, `/health/startup`: alive, able to serve now, and how it started."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

import netra_backend
from netra_backend.app.core.failures import DEPENDENCY_UNREACHABLE, DependencyRefused, DependencyUnavailable
from netra_backend.app.core.startup_report import API_VERSION, MEDIA_TYPE, startup_report

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from netra_backend.app.backend import Backend

PROBE_TIMEOUT_S = 2.0


async def live(_request: Request) -> Response:
    """200 as long as the process answers, whatever its dependencies do."""
    return _health(200, {"status": "pass"})


async def startup(request: Request) -> Response:
    """The startup report: 200 when it passed, 503 while it runs and when it failed."""
    backend: Backend = request.app.state.backend
    return _health(200 if backend.startup.status == "pass" else 503, startup_report(backend.startup, backend.reading))


async def ready(request: Request) -> Response:
    """200 when a conversation can be held now; else 503, naming the component that is in the way."""
    backend: Backend = request.app.state.backend
    refusal = backend.refusal
    if refusal is not None:
        failures = [failure._asdict() for failure in backend.startup.failures]
        return _health(503, {"status": "fail", "output": refusal.reason, "checks": {}, "failures": failures})
    from netra_backend.app.cache.event_bus import EventBus
    from netra_backend.app.cache.redis_link import RedisLink
    from netra_backend.app.db.postgres import Postgres

    services = backend.startup.services
    probed = await asyncio.gather(
        _probe("postgres", services.of(Postgres).ping),
        _probe("redis", services.of(RedisLink).ping),
        # Redis may answer again before the subscription is back, and a message sent then would be refused.
        _probe("event_bus", services.of(EventBus).ping),
    )
    checks = {
        f"{name}:reachable": [{"component": name, "status": "fail" if failure else "pass"}]
        for name, failure in zip(("postgres", "redis", "event_bus"), probed, strict=True)
    }
    unreachable = [failure for failure in probed if failure is not None]
    status = "fail" if unreachable else "pass"
    return _health(503 if unreachable else 200, {"status": status, "checks": checks, "failures": unreachable})


async def _probe(component: str, ping: Callable[[], Awaitable[None]]) -> dict[str, str] | None:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await ping()
    except (DependencyUnavailable, DependencyRefused) as unavailable:
        description = unavailable.description
    except TimeoutError:
        description = "no answer in time"
    else:
        return None
    return {"code": DEPENDENCY_UNREACHABLE, "component": component, "description": f"{component}: {description}."}


def _health(status_code: int, body: dict[str, Any]) -> Response:
    held = {"version": API_VERSION, "releaseId": netra_backend.__version__, **body}
    headers = {"Cache-Control": "no-store"}
    return Response(json.dumps(held), status_code=status_code, media_type=MEDIA_TYPE, headers=headers)


ROUTES = (
    Route("/health/live", live),
    Route("/health/startup", startup),
    Route("/health/ready", ready),
)
