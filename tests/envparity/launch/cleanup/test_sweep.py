"""What a removal does about containers that come while it removes."""

from __future__ import annotations

from typing import Any, cast

import docker
import pytest
import requests
from docker.errors import APIError

from envparity.launch.cleanup.labels import RUN
from envparity.launch.cleanup.sweep import remove_run

LABELS = {RUN: "r1"}


class FakeEngine:
    """An engine with one network, which cannot go while a container is in it, or an end of one that is gone."""

    def __init__(self, now: list[str], late: list[str], stale: list[str] | None = None) -> None:
        self.inside, self._late, self.stale = now, late, stale or []
        self.network = True
        self.api = self

    def containers(self, **_: Any) -> list[dict[str, Any]]:
        listed = [{"Id": container, "Names": [f"/{container}"], "Labels": LABELS} for container in self.inside]
        self.inside, self._late = self.inside + self._late, []  # a start that was under way comes to its end
        return listed

    def networks(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Id": "n1", "Name": "net", "Labels": LABELS}]

    def remove_container(self, identifier: str, **_: bool) -> None:
        self.inside.remove(identifier)

    def remove_network(self, _: str) -> None:
        if self.inside or self.stale:
            response = requests.Response()
            response.status_code = 403
            raise APIError("network has active endpoints", response)
        self.network = False

    def inspect_network(self, _: str) -> dict[str, Any]:
        return {"Containers": {name: {"Name": name} for name in (*self.inside, *self.stale)}}

    def disconnect_container_from_network(self, name: str, _: str, *, force: bool) -> None:
        assert force
        (self.stale if name in self.stale else self.inside).remove(name)


def removed(engine: FakeEngine) -> list[str]:
    return remove_run(cast("docker.DockerClient", engine), "r1")


def test_a_container_that_comes_while_its_network_goes_is_removed_as_well() -> None:
    """Whoever was interrupted in the middle of a start does not wait until nobody is in the network any more."""
    engine = FakeEngine(["backend"], ["ingress"])
    assert removed(engine) == ["backend", "ingress", "net"]
    assert (engine.inside, engine.network) == ([], False)


def test_a_network_that_somebody_else_uses_is_told_of_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """And waited for no longer than it may take a container to go."""
    engine = FakeEngine([], ["somebody else's"])
    monkeypatch.setattr(engine, "remove_container", lambda *_, **__: None)
    monkeypatch.setattr("envparity.launch.cleanup.sweep._GOING_S", 0.2)
    with pytest.raises(APIError, match="403 Client Error"):
        removed(engine)


def test_what_a_container_that_is_gone_has_left_in_a_network_is_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine counts it as being there, and nothing that can be listed or removed has that name."""
    engine = FakeEngine([], [], stale=["ep-backend"])
    monkeypatch.setattr("envparity.launch.cleanup.sweep._GOING_S", 0.2)
    assert removed(engine) == ["net"]
    assert (engine.stale, engine.network) == ([], False)
