"""EP407: what browsers are told from each origin, held between environments."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from envparity.judge import judge
from envparity.judge.finding import Finding
from envparity.observe.frame import JsonFrame, TextFrame
from envparity.observe.transcript import Header, HttpAnswered
from tests.envparity.judge.builders import allows, observation, project

Answers = tuple[HttpAnswered, ...]
ALLOWED = (Header("access-control-allow-origin", "*"),)


def answer(method: str = "GET", who: str = "no_origin", status: int = 200, **more: Any) -> HttpAnswered:
    """An answer to a request for health."""
    whole = HttpAnswered(0.0, who, "http", f"{method} /health/live", "/health/live", status, answered_by="replica")
    return replace(whole, **more)


USUAL: Answers = (answer(), answer(who="other_origin"), answer("OPTIONS", "other_origin", 405))


def found(local: Answers, staging: Answers, again: Answers | None = None, *paths: str) -> list[Finding]:
    """What is found where the second environment answers otherwise, and `again` in another round."""
    seen = [
        observation("local", cross_origin=(local, local)),
        observation("staging", cross_origin=(staging, staging if again is None else again)),
    ]
    return list(judge(project(allows("local"), allows("staging", *paths)), seen).findings)


def test_a_header_for_another_origin_is_a_difference_at_its_path() -> None:
    """Also where it is none of the others'. What is the same is none."""
    assert found(USUAL, USUAL) == []
    told = (USUAL[0], replace(USUAL[1], headers=ALLOWED), USUAL[2])
    (finding,) = found(USUAL, told)
    path = "http.GET:/health/live.other_origin.headers.access-control-allow-origin"
    assert (finding.code, finding.where, finding.environments, finding.paths) == (
        "EP407", "http.GET:/health/live", ("staging",), (path,)
    )  # fmt: skip
    assert found(USUAL, told, None, path) == []


def test_a_preflight_that_is_refused_is_a_difference() -> None:
    (finding,) = found((*USUAL[:2], answer("OPTIONS", "other_origin", 204, headers=ALLOWED)), USUAL)
    assert finding.where == "http.OPTIONS:/health/live"
    assert {path.rpartition("other_origin.")[2] for path in finding.paths} == {
        "status", "headers.access-control-allow-origin"
    }  # fmt: skip


def test_a_path_that_asks_for_an_upgrade_is_not_compared() -> None:
    """It is a WebSocket's: its handshakes are compared."""
    asking = (USUAL[0], replace(USUAL[1], status=426), USUAL[2])
    assert found(USUAL, asking) == []


def test_methods_in_another_order_are_the_same() -> None:
    """Servers make them of sets."""
    local, staging = (
        (*USUAL[:2], answer("OPTIONS", "other_origin", 405, headers=(Header("allow", value),)))
        for value in ("GET, HEAD", "HEAD, GET")
    )
    assert found(local, staging) == []


def test_a_body_is_compared_without_numbers_and_moments() -> None:
    """And told once, not of each origin."""
    bodies = (
        {"status": "ok", "mode": "open", "uptime_s": 3, "connections": 1},
        {"status": "ok", "mode": "closed", "uptime_s": 90, "connections": 7},
    )
    local, staging = (tuple(replace(answer, body=JsonFrame(body)) for answer in USUAL[:2]) for body in bodies)
    (finding,) = found(local, staging)
    assert finding.paths == ("http.GET:/health/live.no_origin.body.mode",)


def test_what_changes_from_round_to_round_is_no_promise() -> None:
    """Nor is it where the other environment did not change."""
    other = tuple(replace(answer, body=TextFrame("moment")) for answer in USUAL[:2])
    assert found(USUAL[:2], USUAL[:2], other) == []


def test_a_path_that_the_ingress_keeps_to_itself_is_not_compared() -> None:
    """An answer of the ingress to another method is: it may answer preflights for the backend."""
    kept = tuple(replace(answer, status=404, answered_by="ingress") for answer in USUAL)
    assert found(USUAL, kept) == []
    (finding,) = found(USUAL, (*USUAL[:2], answer("OPTIONS", "other_origin", 204, answered_by="ingress")))
    assert finding.where == "http.OPTIONS:/health/live"
