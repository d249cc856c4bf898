"""What is asked as a browser asks it, over real sockets."""

from __future__ import annotations

import http

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from envparity.conversation.cross_origin import NOWHERE, ask_from_other_origins
from envparity.model.backend import HealthPaths
from tests.envparity.conversation.one_server import backend, serving, silent

ORIGIN = "Access-Control-Allow-Origin"


def healthy(connection: ServerConnection, request: Request) -> Response:
    """Health, for its own origin alone; an error else."""
    status = http.HTTPStatus.OK if request.path == "/up" else http.HTTPStatus.NOT_FOUND
    response = connection.respond(status, "words\n")
    if (origin := request.headers.get("Origin")) == "http://localhost":
        response.headers[ORIGIN] = origin
    return response


async def test_health_and_an_error_are_asked_from_each_origin_twice() -> None:
    """The endpoint's own origin is told as that."""
    told = msgspec.structs.replace(backend(), health=HealthPaths(live="/up", ready=None))
    async with serving(silent, process_request=healthy) as stack:
        rounds = await ask_from_other_origins(stack, told)
    assert len(rounds) == 2
    for answers in rounds:
        seen = {(answer.request, answer.connection): answer for answer in answers}
        for path, status in (("/up", 200), (NOWHERE, 404)):
            assert {who: seen[f"GET {path}", who].status for who in ("no_origin", "own_origin", "other_origin")} == (
                dict.fromkeys(("no_origin", "own_origin", "other_origin"), status)
            )
            allowed = [
                who
                for (request, who), answer in seen.items()
                if request == f"GET {path}" and any(h.name == ORIGIN.lower() for h in answer.headers)
            ]
            assert allowed == ["own_origin"]
        (own,) = [h.value for h in seen["GET /up", "own_origin"].headers if h.name == ORIGIN.lower()]
        assert own == "{origin}"
        assert {who for request, who in seen if request == "OPTIONS /up"} == {"own_origin", "other_origin"}


async def test_nothing_is_asked_where_health_has_a_port_of_its_own() -> None:
    told = msgspec.structs.replace(backend(), health=HealthPaths(port=9))
    async with serving(silent, process_request=healthy) as stack:
        assert await ask_from_other_origins(stack, told) == ()
