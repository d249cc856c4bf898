"""Another workload of a cluster, as a dependency: what its first container says."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from envparity.sources.building import Building
from envparity.sources.kubernetes_objects import Objects, pod_of
from envparity.sources.neighbours import Neighbour
from envparity.sources.pods import container_of, container_settings, writable_folders
from envparity.sources.yaml_nodes import Node

__all__ = ["pod_neighbour", "told_to"]


def pod_neighbour(made: Building, name: str, workload: Node, found: Objects) -> Neighbour:
    """That workload, which settings know as `name`; variables that only the cluster knows are noted."""
    pod = pod_of(workload)
    container = container_of(pod, "")
    inside, prefix = Building(), f"services.{name}"
    container_settings(inside, container, found)
    for note in inside.notes:
        made.note(msgspec.structs.replace(note, name=f"{prefix}.{note.name.removeprefix('settings.')}"))
    ports, image, arguments = container.at("ports"), container.text_at("image"), container.at("args")
    number = ports.items[0].text_at("containerPort") if ports is not None and ports.items else None
    lacking = "" if image else "its image is not said"
    if container.at("command") is not None:
        lacking = "it has an entry point that a dependency has not"
    return Neighbour(
        name,
        workload.place,
        int(number) if number is not None and number.isdecimal() else None,
        image=image or "",
        variables=inside.settings,
        command=[item.text or "" for item in arguments.items] if arguments is not None else (),
        volumes=tuple(dict.fromkeys(writable_folders(container, pod))),
        ready=_ready(container),
        lacking=lacking,
    )


def told_to(workload: Node, found: Objects) -> Mapping[str, str]:
    """The settings of its first container; none for what has no pods."""
    inside = Building()
    if workload.at("spec", "template", "spec") is not None:
        container_settings(inside, container_of(pod_of(workload), ""), found)
    return inside.settings


def _ready(container: Node) -> dict[str, str | list[str]] | None:
    """Its readiness probe, where a dependency can be asked so."""
    probe = container.at("readinessProbe")
    path, command = (probe.text_at("httpGet", "path"), probe.at("exec", "command")) if probe else (None, None)
    if command is not None:
        return {"command": [item.text or "" for item in command.items]}
    return {"http": path} if path is not None else None
