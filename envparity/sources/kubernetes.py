"""Kubernetes objects, rendered: a Deployment or its like, what configures it, and what stands in front of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from envparity.sources.building import Building, dependency_name
from envparity.sources.kubernetes_ingress import put_cloud_run, put_ingress
from envparity.sources.kubernetes_objects import Objects, is_knative, name_of, objects, pod_of
from envparity.sources.neighbours import Settings, named_by, put_neighbour
from envparity.sources.pod_neighbours import pod_neighbour, told_to
from envparity.sources.pod_rest import pod_rest
from envparity.sources.pods import container_limits, container_notes, container_of, container_settings
from envparity.sources.rendering import kustomization_in
from envparity.sources.servers import keys_of_container, kind_of_image, named_hosts, options_left, urls
from envparity.sources.source import Said, Source
from envparity.sources.yaml_nodes import Node, wrong

__all__ = ["SOURCE", "Kubernetes", "backends"]

_GRACE_S = 30.0
"""What a pod has that does not say otherwise; Cloud Run gives ten."""
_CLOUD_RUN_GRACE_S = 10.0
_HERE = ("localhost", "127.0.0.1")


class Kubernetes(Source):
    """`k8s/staging#api`: the workload `api` of a folder or a file; `#api/web` its container `web`, else the first.

    Without a workload: the only one that is no server of a kind that is known. Cloud Run's services are read as well.
    """

    def reads(self, path: Path) -> bool:
        return path.suffix.lower() in {".yaml", ".yml"} or path.is_dir() or path.name == "-"

    def read(self, path: Path, part: str) -> Said:
        found = objects(path)
        asked, _, container_name = part.partition("/")
        workload = _workload(found, path, asked)
        pod = pod_of(workload)
        container = container_of(pod, container_name or (_asked_by_clients(pod) if is_knative(workload) else ""))
        made = Building()
        container_settings(made, container, found)
        container_limits(made, container, pod)
        container_notes(made, container, pod)
        pod_rest(made, container, pod)
        _servers(made, found, workload)
        _sidecar(made, pod, container)
        if found.raw is not None:
            text = f"{found.raw.called} is not installed, and {found.raw.command} was not run: patches are not applied"
            made.unknown("rendered objects", text, (kustomization_in(path) or path, 1))
        if is_knative(workload):
            _grace(made, pod, _CLOUD_RUN_GRACE_S)
            put_cloud_run(made, workload)
        else:
            _grace(made, pod, _GRACE_S)
            _replicas(made, found, workload)
            put_ingress(made, found, workload)
            _jobs(made, found)
        return made.said()


def backends(path: Path) -> tuple[str, ...]:
    """The names of the workloads there that are no server of a known kind. Raises `ConfigurationError`, `OSError`."""
    return tuple(name_of(each) for each in _no_servers(objects(path)))


def _no_servers(found: Objects) -> tuple[Node, ...]:
    return tuple(each for each in found.workloads() if _kind(each) is None)


def _workload(found: Objects, path: Path, asked: str) -> Node:
    candidates = found.workloads() if asked else _no_servers(found)
    chosen = [each for each in candidates if not asked or name_of(each) == asked]
    if len(chosen) == 1:
        return chosen[0]
    known = ", ".join(name_of(each) for each in candidates) or "none"
    got = f"#{asked}, which is none" if asked else "no workload asked for" if chosen else "none"
    raise wrong(Node({}, path, 0), "(file)", f"#WORKLOAD, one of {known}", got, "name it behind the path")


def _kind(workload: Node) -> str | None:
    """The kind of server that a workload is, by the image of its first container but those that tell of it; None for
    what is none, as services of Cloud Run are.
    """
    containers = workload.at("spec", "template", "spec", "containers")
    images = [each.text_at("image") or "" for each in (containers.items if containers is not None else [])]
    first = next((image for image in images if "exporter" not in image), "")
    return None if is_knative(workload) else kind_of_image(first)


def _asked_by_clients(pod: Node) -> str:
    """The name of the one container of a service of Cloud Run that has a port; "" where none has."""
    containers = pod.at("containers")
    having = [each for each in (containers.items if containers is not None else []) if each.at("ports") is not None]
    return (having[0].text_at("name") or "") if having else ""


def _servers(made: Building, found: Objects, backend: Node) -> None:
    named = named_by(made.settings, _others(found, backend))
    for workload in found.workloads():
        kind = _kind(workload)
        names = found.services_of(workload)
        if workload is backend or not names:
            continue
        if kind is None:
            _beside(made, found, workload, names, named)
            continue
        listed = pod_of(workload).at("containers")
        having = [each for each in (listed.items if listed is not None else []) if each.text_at("image")]
        container = next(each for each in having if kind_of_image(each.text_at("image") or "") == kind)
        server = _server(made, names[0], kind, container, workload)
        for host in _hosts(workload, names):
            made.known_as(host, server)
    _elsewhere(made, found)


def _others(found: Objects, backend: Node) -> Iterator[Settings]:
    """What other workloads are told, but servers of a known kind."""
    for workload in found.workloads():
        if workload is not backend and _kind(workload) is None:
            names = found.services_of(workload)
            yield Settings(tuple(_hosts(workload, names)), partial(told_to, workload, found))


def _server(made: Building, name: str, kind: str, container: Node, at: Node) -> str:
    """The dependency that such a container is; options that its table has nothing of are listed."""
    lists = [container.at(key) for key in ("command", "args")]
    command = " ".join(item.text or "" for words in lists if words is not None for item in words.items)
    environment = container.at("env")
    variables = [item.text_at("name") or "" for item in (environment.items if environment is not None else [])]
    left = options_left(kind, command, variables)
    if left:
        made.not_taken(f"services.{name} command", ", ".join(left), container.place)
    return made.dependency(name, keys_of_container(kind, command, variables), at.place)


def _sidecar(made: Building, pod: Node, container: Node) -> None:
    """The one server in the backend's own pod, where URLs of its kind are all that settings name of this machine."""
    listed = pod.at("containers")
    beside = [each for each in (listed.items if listed is not None else []) if each is not container]
    servers = [(each, kind) for each in beside if (kind := kind_of_image(each.text_at("image") or "")) is not None]
    hosts = [host for name, value in made.settings.items() for host, _ in named_hosts(name, value) if host in _HERE]
    kinds = [url.kind for value in made.settings.values() for url in urls(value) if url.host in _HERE]
    if len(servers) != 1 or not hosts or len(kinds) != len(hosts) or set(kinds) != {servers[0][1]}:
        return
    each, kind = servers[0]
    name = each.text_at("name") or kind
    server = _server(made, name, kind, each, each)
    for host in _HERE:
        made.known_as(host, server)
    made.taken(f"containers.{name}")


def _elsewhere(made: Building, found: Objects) -> None:
    """Services that lead to no workload of the files, where a setting names them."""
    named = {host for setting, value in made.settings.items() for host, _ in named_hosts(setting, value)}
    selected = {name for workload in found.workloads() for name in found.services_of(workload)}
    for service in found.of_kind("Service"):
        name, external = name_of(service), service.text_at("spec", "externalName")
        if not is_knative(service) and name not in selected and named.intersection(_hosts(service, (name,))):
            made.unknown(f"services.{name}", f"what answers at {external or 'it'}, which no file says", service.place)


def _hosts(workload: Node, names: Iterable[str]) -> Iterator[str]:
    """The names by which pods know the Services of a workload, or one by itself."""
    namespace = workload.text_at("metadata", "namespace")
    for name in names:
        yield name
        for ending in (namespace, f"{namespace}.svc", f"{namespace}.svc.cluster.local") if namespace else ():
            yield f"{name}.{ending}"


def _beside(
    made: Building, found: Objects, workload: Node, names: tuple[str, ...], named: Mapping[str, object]
) -> None:
    """A workload of another kind, where one of its Services is `named`; else that it is there."""
    hosts = list(_hosts(workload, names))
    if named.keys().isdisjoint(hosts):
        made.not_taken(f"services.{name_of(workload)}", "no setting names it", workload.place)
    elif put_neighbour(made, pod_neighbour(made, names[0], workload, found)):
        for host in hosts:
            made.known_as(host, dependency_name(names[0]))


def _grace(made: Building, pod: Node, usual_s: float) -> None:
    said = pod.at("terminationGracePeriodSeconds")
    if said is not None and (said.text or "").isdecimal():
        made.put(("platform", "stop_grace_s"), float(said.text or ""), said.place)
    else:
        made.put(("platform", "stop_grace_s"), usual_s, pod.place)


def _replicas(made: Building, found: Objects, workload: Node) -> None:
    said = workload.at("spec", "replicas")
    for scaler in found.of_kind("HorizontalPodAutoscaler", "ScaledObject"):
        if scaler.text_at("spec", "scaleTargetRef", "name") == name_of(workload):
            count = "ReplicaCount" if scaler.text_at("kind") == "ScaledObject" else "Replicas"
            said = scaler.at("spec", f"min{count}") or said
            most = scaler.at("spec", f"max{count}")
            if most is not None:
                made.not_taken("replicas at most", most.text or "", most.place)
    if said is not None and (said.text or "").isdecimal():
        made.put(("platform", "replicas"), int(said.text or ""), said.place)


def _jobs(made: Building, found: Objects) -> None:
    for job in found.of_kind("Job", "CronJob"):
        kind = job.text_at("kind")
        made.not_taken(f"jobs.{name_of(job)}", f"a {kind}", job.place)


SOURCE = Kubernetes()
