"""Kubernetes objects of files and folders, as they are rendered: found by kind and name, and by labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envparity.errors import ConfigurationError
from envparity.sources.helm_places import Chart, charts_near, sources_of
from envparity.sources.kustomize_names import Renaming, renaming_of, with_images
from envparity.sources.kustomize_patches import inline_objects, operations, with_operations
from envparity.sources.rendering import (
    STANDARD_INPUT,
    Rendering,
    folders_of,
    generated,
    kustomization_in,
    rendering_of,
    standard_input,
)
from envparity.sources.yaml_nodes import Node, documents, wrong
from envparity.support.toml.bounds import bounded_content

__all__ = ["WORKLOADS", "Objects", "is_knative", "name_of", "objects", "pod_of"]

WORKLOADS = ("Deployment", "StatefulSet", "Rollout", "DaemonSet")
_HASH = re.compile(r"-[a-z0-9]{10}$")
_SOURCE = b"# Source: "
_NOT_RENDERED = frozenset({"kustomization.yaml", "kustomization.yml", "chart.yaml", "values.yaml"})


@dataclass(frozen=True)
class Objects:
    """Every object of the files, in their order. `raw` is how they should have been rendered, and were not."""

    every: tuple[Node, ...]
    raw: Rendering | None = None

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


def _is(found: Node, kind: str, *names: str) -> bool:
    return found.text_at("kind") == kind and name_of(found) in names


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
    """The objects of a file, of all files below a folder, or of what a program renders of it.

    What is rendered has its place in the team's own file that says it; what none of them says is at the first line of
    the template, or of the kustomization. Raises `ConfigurationError` and `OSError`.
    """
    if path.name == "-":
        return Objects(tuple(_of_charts(STANDARD_INPUT, standard_input())))
    rendering = rendering_of(path)
    if rendering is None:
        return Objects(tuple(_in_files(path)))
    content = rendering.content()
    if content is None and rendering.is_chart:
        raise rendering.missing()
    if content is None:
        return Objects(tuple(_in_files(path)), rendering)
    if rendering.is_chart:
        chart = Chart(path) if path.is_dir() else Chart(path.parent, (path,))
        return Objects(tuple(_of_chart(path, content, chart)))
    folders = dict.fromkeys(folders_of(path if path.is_dir() else path.parent))
    own = [found for folder in folders for found in (*_in_files(folder, rendered=True), *inline_objects(folder))]
    said = [found for folder in folders for found in operations(folder)]
    maps = [found for folder in folders for found in generated(folder)]
    renaming, start = renaming_of(folders), (kustomization_in(path) or path, 1)
    made = []
    for each in _all(path, content):
        names = renaming.before(name_of(each))
        told = [
            *_generated(each, renaming, maps),
            *(node for node in own if _is(node, each.text_at("kind") or "", *names)),
        ]
        made.append(with_operations(with_places(each, told, start), said, names))
    return Objects(tuple(with_images(each, renaming.images) for each in made))


def _generated(found: Node, renaming: Renaming, maps: Sequence[tuple[str, dict[str, Node]]]) -> list[Node]:
    """What kustomizations say of an object where they make it: its name has a hash behind it then."""
    if found.text_at("kind") != "ConfigMap":
        return []
    names = {*renaming.before(name_of(found)), *renaming.before(_HASH.sub("", name_of(found)))}
    told = [data for name, data in maps if name in names]
    return [Node({"data": Node(data, found.path, 0)}, found.path, 0) for data in told]


def with_places(rendered: Node, own: Sequence[Node], start: tuple[Path, int]) -> Node:
    """What was rendered, each text at the place where the last of these says the same; what none says is at `start`."""
    if isinstance(rendered.value, dict):
        value: dict[str, Node] | list[Node] | str | None = {
            key: with_places(at, [node.table[key] for node in own if key in node.table], start)
            for key, at in rendered.value.items()
        }
    elif isinstance(rendered.value, list):
        lists = [node.value for node in own if isinstance(node.value, list)]
        value = [
            with_places(item, [alike for items in lists if (alike := _like(item, index, items)) is not None], start)
            for index, item in enumerate(rendered.value)
        ]
    else:
        value = rendered.value
        own = [node for node in own if node.value == rendered.value]
    path, line = own[-1].place if own else start
    return replace(rendered, value=value, path=path, line=line)


def _like(item: Node, index: int, items: Sequence[Node]) -> Node | None:
    """That of these with the same name, which a list of Kubernetes is merged by; without names the one at its place."""
    name = item.text_at("name")
    if name is not None:
        return next((node for node in items if node.text_at("name") == name), None)
    return items[index] if index < len(items) else None


def _in_files(path: Path, *, rendered: bool = False) -> Iterator[Node]:
    """The objects of the files as they stand there; of what is `rendered` only files that are YAML by themselves."""
    files = [path]
    if path.is_dir():
        found = (file for suffix in ("*.yaml", "*.yml") for file in path.rglob(suffix))
        files = sorted(file for file in found if file.name.lower() not in _NOT_RENDERED)
    for file in files:
        try:
            yield from _of_charts(file, bounded_content(file))
        except ConfigurationError:
            if not rendered:
                raise


def _of_charts(path: Path, content: bytes | None) -> Iterator[Node]:
    """The objects of a file or of standard input: of what a chart of this project was rendered to with the places in
    that, where it says so.
    """
    found = list(_all(path, content))
    if content is None or _SOURCE not in content:
        yield from found
        return
    sources, charts = sources_of(content.decode(errors="replace")), charts_near(path)
    for each in found:
        chart, file = next((said for line, said in reversed(sources.items()) if line < each.line), ("", ""))
        yield charts[chart].placed(each, file) if chart in charts else each


def _of_chart(path: Path, content: bytes, chart: Chart) -> Iterator[Node]:
    """The objects that it was rendered to, with the places in it."""
    sources = sources_of(content.decode(errors="replace"))
    for each in _all(path, content):
        yield chart.placed(each, next((file for line, (_, file) in reversed(sources.items()) if line < each.line), ""))


def _all(path: Path, content: bytes | None = None) -> Iterator[Node]:
    for document in documents(path, content):
        yield from _listed(document)


def _listed(document: Node) -> Iterator[Node]:
    kind = document.text_at("kind") or ""
    items = document.at("items")
    if kind.endswith("List") and items is not None:
        yield from items.items
    elif kind and document.text_at("apiVersion"):
        yield document
