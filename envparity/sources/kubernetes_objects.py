"""Kubernetes objects of files and folders, as they are rendered: found by kind and name, and by labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from envparity.sources.yaml_nodes import Node, documents, wrong

__all__ = ["WORKLOADS", "Objects", "is_knative", "name_of", "objects", "pod_of"]

WORKLOADS = ("Deployment", "StatefulSet", "Rollout", "DaemonSet")
_NOT_RENDERED = frozenset({"kustomization.yaml", "kustomization.yml", "chart.yaml", "values.yaml"})


@dataclass(frozen=True)
class Objects:
    """Every object of the files, in their order."""

    every: tuple[Node, ...]

    def of_kind(self, *kinds: str) -> Iterator[Node]:
        """Those of these kinds."""
        for found in self.every:
            if found.text_at("kind") in kinds:
                yield found

    def named(self, kind: str, name: str) -> Node | None:
        """The last one of that kind and name; None where there is none."""
        return next((found for found in reversed(self.every) if _is(found, kind, name)), None)

    def services_of(self, workload: Node) -> tuple[str, ...]:
        """The names of the Services that select its pods."""
        pod = workload.at("spec", "template", "metadata", "labels")
        labels = {key: label.text for key, label in pod.table.items()} if pod is not None else {}
        names = []
        for service in self.of_kind("Service"):
            selector = service.at("spec", "selector")
            if selector is not None and all(labels.get(key) == at.text for key, at in selector.table.items()):
                names.append(name_of(service))
        return tuple(names)

    def workloads(self) -> tuple[Node, ...]:
        """What runs pods: Deployments and their like, and Cloud Run's services."""
        return tuple(found for found in self.every if found.text_at("kind") in WORKLOADS or is_knative(found))


def _is(found: Node, kind: str, name: str) -> bool:
    return found.text_at("kind") == kind and name_of(found) == name


def name_of(found: Node) -> str:
    """The name of an object; "" where it has none."""
    return found.text_at("metadata", "name") or ""


def is_knative(found: Node) -> bool:
    """Whether it is a service of Knative, as Cloud Run's are."""
    return found.text_at("kind") == "Service" and (found.text_at("apiVersion") or "").startswith("serving.knative.dev/")


def pod_of(workload: Node) -> Node:
    """The specification of its pods. Raises `ConfigurationError` where there is none."""
    found = workload.at("spec", "template", "spec")
    if found is None:
        raise wrong(workload, "spec.template.spec", "the specification of a pod", "none")
    return found


def objects(path: Path) -> Objects:
    """The objects of a file, or of all files below a folder. Raises `ConfigurationError` and `OSError`."""
    files = [path]
    if path.is_dir():
        found = (file for suffix in ("*.yaml", "*.yml") for file in path.rglob(suffix))
        files = sorted(file for file in found if file.name.lower() not in _NOT_RENDERED)
    every: list[Node] = []
    for file in files:
        for document in documents(file):
            every += _listed(document)
    return Objects(tuple(every))


def _listed(document: Node) -> Iterator[Node]:
    kind = document.text_at("kind") or ""
    items = document.at("items")
    if kind.endswith("List") and items is not None:
        yield from items.items
    elif kind and document.text_at("apiVersion"):
        yield document
