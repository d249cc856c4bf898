"""Removing what carries a label and nothing else: this run's things at its end, a dead run's at the next start."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any

import docker
from docker.errors import APIError, NotFound

from envparity.launch.container.labels import OWNER, RUN, STARTED
from envparity.launch.owner import owner_is_dead

__all__ = ["remove_run", "sweep"]

_STALE_S = 3600.0
_GOING_S = 5.0
_AGAIN_S = 0.1


def sweep(client: docker.DockerClient, older_than_s: float = _STALE_S, *, everything: bool = False) -> list[str]:
    """Remove what dead runs left: their owner is known to be gone, or they are older than `older_than_s` seconds.

    `everything` removes what any run made, also a living one's. Returns the names of what was removed.
    """

    def left(labels: dict[str, str]) -> bool:
        age_s = time.time() - float(labels.get(STARTED, "0") or 0)
        return everything or owner_is_dead(labels.get(OWNER, "")) or age_s > older_than_s

    return _remove(client, RUN, left)


def remove_run(client: docker.DockerClient, run_id: str, case_label: str | None = None) -> list[str]:
    """Remove every container and network of that run (of one case of it: `case_label`, as `key=value`)."""
    return _remove(client, case_label or f"{RUN}={run_id}", lambda labels: labels.get(RUN) == run_id)


def _remove(client: docker.DockerClient, label: str, chosen: Any) -> list[str]:
    """Remove the containers, then the networks, of that label.

    A container may still be on its way into a network that goes: a start that was under way when the run was told to
    stop. Then the containers are looked at again, for `_GOING_S` seconds at most.
    """
    removed = _remove_containers(client, label, chosen)
    for network in client.api.networks(filters={"label": label}):
        if not chosen(network["Labels"]):
            continue
        deadline = time.monotonic() + _GOING_S
        while not _gone(client.api.remove_network, network["Id"], last=time.monotonic() > deadline):
            time.sleep(_AGAIN_S)
            removed += _remove_containers(client, label, chosen)
        removed.append(network["Name"])
    return removed


def _remove_containers(client: docker.DockerClient, label: str, chosen: Any) -> list[str]:
    removed = []
    for container in client.api.containers(all=True, filters={"label": label}):
        if chosen(container["Labels"]):
            _gone(client.api.remove_container, container["Id"], last=True, force=True, v=True)
            removed.append(container["Names"][0].lstrip("/"))
    return removed


def _gone(remove: Any, identifier: str, *, last: bool, **options: bool) -> bool:
    """Remove it, and take it well when somebody else was quicker, or is at it.

    False where the engine says that something still uses it; with `last` that is raised.
    """
    try:
        remove(identifier, **options)
    except NotFound:
        return True
    except APIError as error:
        if error.status_code == HTTPStatus.CONFLICT:  # removal is already in progress
            return True
        if error.status_code != HTTPStatus.FORBIDDEN or last:
            raise
        return False
    return True
