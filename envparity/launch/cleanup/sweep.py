"""Removing what carries a label and nothing else: this run's things at its end, a dead run's at the next start."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import docker
from docker.errors import APIError, NotFound

from envparity.launch.cleanup.labels import OWNER, RUN, STARTED
from envparity.launch.cleanup.owner import OwnerState, owner_state

__all__ = ["remove_run", "sweep"]

_GOING_S = 5.0
_AGAIN_S = 0.1
_AT_ONCE = 8


def sweep(client: docker.DockerClient, older_than_s: float | None = None, *, everything: bool = False) -> list[str]:
    """Remove what dead runs left: their owner is known to be gone.

    Where it cannot be asked from here, because it is another host's or another user's, that is what is older than
    `older_than_s` seconds; None leaves it alone. `everything` removes what any run made, also a living one's. Returns
    the names of what was removed.
    """
    states: dict[str, OwnerState] = {}

    def left(labels: dict[str, str]) -> bool:
        owner = labels.get(OWNER, "")
        if owner not in states:
            states[owner] = owner_state(owner)
        if states[owner] is OwnerState.UNKNOWN and older_than_s is not None:
            return everything or _age_s(labels) > older_than_s
        return everything or states[owner] is OwnerState.DEAD

    return _remove(client, RUN, left)


def _age_s(labels: dict[str, str]) -> float:
    """How long ago it was made; for ever where that is not said."""
    started = labels.get(STARTED, "")
    return time.time() - float(started) if started.isdecimal() else math.inf


Chosen = Callable[[dict[str, str]], bool]
"""Whether what has these labels is to go."""


def remove_run(client: docker.DockerClient, run_id: str, boot_label: str | None = None) -> list[str]:
    """Remove every container and network of that run (of one boot of it: `boot_label`, as `key=value`)."""
    return _remove(client, boot_label or f"{RUN}={run_id}", lambda labels: labels.get(RUN) == run_id)


def _remove(client: docker.DockerClient, label: str, chosen: Chosen) -> list[str]:
    """Remove the containers, then the networks, of that label.

    A container may still be on its way into a network that goes: a start that was under way when the run was told to
    stop. Then the containers are looked at again, for `_GOING_S` seconds at most. What the engine still counts then
    as being in it, although its container is gone, is taken out by force. What the
    engine refuses is raised when all else is gone.
    """
    removed = _remove_containers(client, label, chosen)
    refused: APIError | None = None
    for network in client.api.networks(filters={"label": label}):
        if not chosen(network["Labels"]):
            continue
        deadline = time.monotonic() + _GOING_S
        try:
            while not _gone(client.api.remove_network, network["Id"]):
                if time.monotonic() > deadline:
                    _take_out_the_gone(client, network["Id"])
                    _gone(client.api.remove_network, network["Id"], last=True)
                    break
                time.sleep(_AGAIN_S)
                removed += _remove_containers(client, label, chosen)
            removed.append(network["Name"])
        except APIError as error:
            refused = refused or error
    if refused is not None:
        raise refused
    return removed


def _take_out_the_gone(client: docker.DockerClient, network: str) -> None:
    """Take out of it whatever has no container any more: one that is removed while it comes may leave that behind."""
    known = {container["Id"] for container in client.api.containers(all=True)}
    for identifier, endpoint in client.api.inspect_network(network)["Containers"].items():
        if identifier not in known:
            with contextlib.suppress(APIError):  # gone by now
                client.api.disconnect_container_from_network(endpoint["Name"], network, force=True)


def _remove_containers(client: docker.DockerClient, label: str, chosen: Chosen) -> list[str]:
    """Several at a time: a killed run leaves two dozen, and each takes the engine half a second."""
    left = [value for value in client.api.containers(all=True, filters={"label": label}) if chosen(value["Labels"])]

    def remove(container: Mapping[str, str | list[str]]) -> str:
        _gone(client.api.remove_container, str(container["Id"]), last=True, force=True, v=True)
        return str(container["Names"][0]).lstrip("/")

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(remove, left))


def _gone(remove: Callable[..., object], identifier: str, *, last: bool = False, **options: bool) -> bool:
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
