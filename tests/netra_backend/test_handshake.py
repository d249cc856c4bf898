"""Handshakes and requests, with a real backend on real servers."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.exceptions import InvalidStatus

from tests.netra_backend.running import BackendProcess, talk, token
from tests.netra_backend.somebody import somebody


@pytest.mark.parametrize(
    ("origin", "headers"),
    [
        ("https://app.example", {}),
        (None, {}),
        ("http://{own}", {}),
        ("https://chat.example", {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "chat.example"}),
        ("https://chat.example:443", {"X-Forwarded-Proto": "wss", "X-Forwarded-Host": "chat.example"}),
    ],
)
async def test_an_allowed_origin_connects(backend: BackendProcess, origin: str | None, headers: dict[str, str]) -> None:
    """Listed, absent, or the backend's own as the ingress forwarded it."""
    origin = origin.format(own=f"127.0.0.1:{backend.port}") if origin else None
    async with talk(backend, token(somebody()), origin=origin, headers=headers):
        pass


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://app.example", "https://app.example.evil"])
async def test_a_forbidden_origin_gets_403_before_the_upgrade(backend: BackendProcess, origin: str) -> None:
    """The one refusal before the upgrade."""
    before = backend.metric("netra_websocket_handshakes_total", status="403")
    with pytest.raises(InvalidStatus) as refused:
        async with talk(backend, token(), origin=origin):
            pass
    assert refused.value.response.status_code == 403
    assert backend.metric("netra_websocket_handshakes_total", status="403") == before + 1


async def test_headers_that_pretend_to_be_a_test_change_nothing(backend: BackendProcess) -> None:
    """No header, and no environment's name, is a way around authentication."""
    headers = {"X-Test-Mode": "true", "X-Environment": "test", "X-Bypass-Auth": "1", "X-E2E-Test": "true"}
    async with talk(backend, headers=headers) as talking:
        await talking.say(type="ping")
        assert (await talking.hear())["code"] == "auth_required"


async def test_what_happens_is_counted(backend: BackendProcess) -> None:
    """Handshakes, attempts, messages, runs and closes stand in the metrics."""
    counted = {
        "netra_websocket_handshakes_total": {"status": "101"},
        "netra_auth_attempts_total": {"outcome": "accepted"},
        "netra_messages_total": {"type": "user_message", "outcome": "ok"},
        "netra_agent_run_seconds_count": {},
        "netra_websocket_closes_total": {"code": "1000", "reason": "client"},
    }
    before = {name: backend.metric(name, **labels) for name, labels in counted.items()}
    async with talk(backend, token(somebody())) as talking:
        await talking.ask("usage, please", "m1")
    async with talk(backend, token(somebody())):  # by now the close of the first has been counted
        assert backend.metric("netra_connections") >= 1
        after = {name: backend.metric(name, **labels) for name, labels in counted.items()}
    assert all(after[name] > before[name] for name in counted)
    assert backend.metric("netra_startup_step_seconds", step="postgres") > 0


async def test_a_plain_request_is_told_what_the_path_speaks(backend: BackendProcess) -> None:
    """GET /ws without an upgrade gets 426."""
    assert backend.get("/ws")[0] == 426


async def test_nothing_secret_is_logged_or_reported(backend: BackendProcess, settings: dict[str, str]) -> None:
    """Neither log nor report nor metrics hold a secret or a token."""
    good = token(somebody())
    async with talk(backend, good):
        pass
    shown = backend.log + json.dumps(backend.get("/health/startup")[1]) + backend.get("/metrics")[1]
    for secret in (settings["JWT_SECRET"], settings["DATABASE_URL"], "made-up-for-tests", good, good.split(".")[2]):
        assert secret not in shown


@pytest.mark.parametrize("size", [3 * 1024, 6 * 1024, 15 * 1024])
async def test_tokens_of_identity_providers_are_long(backend: BackendProcess, size: int) -> None:
    """Groups and roles make them some KiB long, and one header of that size is taken."""
    good = token(somebody(), groups="g" * size)
    async with talk(backend, headers={"Authorization": f"Bearer {good}"}, subprotocols=["netra.v1"]) as talking:
        assert (await talking.hear())["type"] == "connection_established"


@pytest.mark.parametrize(
    ("headers", "size"),
    [(1, 200_000), (1, 65_536), (1, 66_000), (200, 1), (150, 300)],
    ids=["no end", "a byte too long", "a little too long", "many headers", "many long headers"],
)
async def test_a_head_that_is_too_long_is_refused_at_once(backend: BackendProcess, headers: int, size: int) -> None:
    """With an answer (h11 says 400, websockets 431), and not with silence."""
    padding = {f"Padding-{number}": "x" * size for number in range(headers)}
    with pytest.raises(InvalidStatus) as caught:
        async with asyncio.timeout(5), talk(backend, headers=padding, subprotocols=["netra.v1"]):
            pass
    assert caught.value.response.status_code in {400, 431}
