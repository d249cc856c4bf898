"""Covering sets at hand: the shipped ones hold, the cache is trusted only as far as it can be proved."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from envparity.orders.covering import CoveringSet, covering_set, improve, remember, verify
from envparity.orders.graph import Graph, GraphStep

BACKEND = Graph.of(
    {
        "settings": (),
        "telemetry": ("settings",),
        "postgres": ("settings",),
        "schema": ("postgres",),
        "redis": ("settings",),
        "token_revocation": ("redis",),
        "auth_service": ("settings", "token_revocation"),
        "user_context_factory": ("auth_service",),
        "websocket_manager_factory": ("user_context_factory",),
        "event_bus": ("redis",),
        "thread_service": ("schema",),
        "tool_registry": ("settings",),
        "agent_registry": ("tool_registry",),
        "agent_supervisor": ("agent_registry", "thread_service"),
        "message_router": ("settings",),
        "agent_websocket_bridge": ("agent_supervisor", "websocket_manager_factory", "event_bus"),
        "message_handlers": ("message_router", "agent_websocket_bridge"),
        "heartbeat": ("websocket_manager_factory",),
        "connection_limits": ("redis",),
    }
)
BACKEND = Graph((*BACKEND.steps, GraphStep("startup_validation", BACKEND.names)))
"""The reference backend's graph, as its documentation has it; the suite reads it from the startup report."""

SQUARE = Graph.of({"a": (), "b": (), "c": ("a",), "d": ("b",)})


@pytest.mark.parametrize(("strength", "most"), [(2, 2), (3, 14), (4, 90)])
def test_a_good_set_for_the_reference_backend_is_shipped(strength: int, most: int) -> None:
    """Found by the graph's digest without a search, proved complete, and no larger than it was when it was made."""
    found = covering_set(BACKEND, strength)
    assert found.origin == "shipped"
    assert found.coverage.complete
    assert found.bound.rows <= len(found.orders) <= most
    assert all(BACKEND.allows(order) for order in found.orders)


def test_shipped_files_say_what_they_are() -> None:
    """Each carries its graph, digest, size and seed, and these are true."""
    shipped = [entry for entry in (files("envparity.orders") / "data").iterdir() if entry.name.endswith(".json")]
    assert len(shipped) >= 3
    for entry in shipped:
        document = json.loads(entry.read_text(encoding="utf-8"))
        graph = Graph.from_report(document["graph"])
        proof = verify(graph, document["orders"], document["strength"])
        assert entry.name == f"{graph.digest[:16]}-t{document['strength']}.json"
        assert document["digest"] == graph.digest
        assert document["size"] == len(document["orders"])
        assert (document["covered"], document["feasible"]) == (proof.covered, proof.feasible)
        assert proof.complete
        assert isinstance(document["seed"], int)


def test_the_verdict_of_a_set_names_coverage_and_bound() -> None:
    """Covered and feasible tuples stand beside the number of orders, and whether it can be beaten."""
    assert str(covering_set(BACKEND, 2)) == "2 orders cover 291/291 sequences of 2 steps (no set is smaller); shipped"


def test_what_was_searched_once_is_remembered(tmp_path: Path) -> None:
    """The second call reads the cache, and gives the same orders."""
    first = covering_set(SQUARE, 2, cache=tmp_path / "made" / "on the way")
    second = covering_set(SQUARE, 2, cache=tmp_path / "made" / "on the way")
    assert (first.origin, second.origin) == ("search", "cache")
    assert first.orders == second.orders


def test_a_better_set_replaces_a_cached_one_and_a_worse_one_does_not(tmp_path: Path) -> None:
    """The cache only ever gets smaller sets."""
    best = improve(SQUARE, 2, moves=20_000)
    padded = CoveringSet(SQUARE, 2, best.orders * 2, 0, 0, "search", best.coverage, best.bound)
    remember(padded, tmp_path)
    assert len(covering_set(SQUARE, 2, cache=tmp_path).orders) == 2 * len(best.orders)
    assert len(improve(SQUARE, 2, moves=20_000, cache=tmp_path).orders) == len(best.orders)
    kept = covering_set(SQUARE, 2, cache=tmp_path)
    improve(SQUARE, 2, moves=0, seed=9, cache=tmp_path)
    assert covering_set(SQUARE, 2, cache=tmp_path).orders == kept.orders


@pytest.mark.parametrize("damage", ["{", "[]", '{"orders": 3, "seed": 0, "moves": 0}', "an order less"])
def test_a_damaged_cache_is_passed_over(tmp_path: Path, damage: str) -> None:
    """Broken JSON, another shape, or a set that does not cover: searched anew, and put right."""
    file = remember(improve(SQUARE, 2, moves=1_000), tmp_path)
    if damage == "an order less":
        document = json.loads(file.read_text(encoding="utf-8"))
        document["orders"].pop()
        damage = json.dumps(document)
    file.write_text(damage, encoding="utf-8")
    assert covering_set(SQUARE, 2, cache=tmp_path).origin == "search"
    assert covering_set(SQUARE, 2, cache=tmp_path).origin == "cache"


def test_the_fallback_covers_a_graph_that_nobody_has_seen() -> None:
    """A graph of twenty steps without a shipped set or a cache, at every strength."""
    graph = Graph.of({f"s{at:02}": (f"s{at - 6:02}",) if at >= 6 else () for at in range(20)})
    for strength in (2, 3, 4):
        found = covering_set(graph, strength)
        assert found.origin == "search"
        assert found.coverage.complete
