"""What a kustomization makes of the names in its files: with a prefix or a suffix, and images under other names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envparity.sources.rendering import kustomization_in
from envparity.sources.yaml_nodes import Node, documents

__all__ = ["Renaming", "renaming_of", "with_images"]


@dataclass(frozen=True)
class Renaming:
    """The prefixes and suffixes that the kustomizations set, and the images by what they are then called."""

    around: tuple[tuple[str, str], ...]
    images: Mapping[str, Node]

    def before(self, name: str) -> tuple[str, ...]:
        """The names that an object may have in the files, where this is the one that it has been given."""
        known = [name]
        for each in known:
            for prefix, suffix in self.around:
                bare = each.removeprefix(prefix).removesuffix(suffix)
                if bare not in known and each == f"{prefix}{bare}{suffix}":
                    known.append(bare)
        return tuple(known)


def renaming_of(folders: Iterable[Path]) -> Renaming:
    """What the kustomizations of these folders say of names, those that go over others last."""
    around: list[tuple[str, str]] = []
    images: dict[str, Node] = {}
    for folder in folders:
        named = kustomization_in(folder)
        for document in documents(named) if named is not None else []:
            affixes = document.text_at("namePrefix") or "", document.text_at("nameSuffix") or ""
            around += [affixes] if any(affixes) else []
            listed = document.at("images")
            images |= {_image(each): _said(each) for each in (listed.items if listed is not None else [])}
    return Renaming(tuple(around), images)


def _image(entry: Node) -> str:
    name, tag, digest = (entry.text_at(key) or "" for key in ("newName", "newTag", "digest"))
    called = name or entry.text_at("name") or ""
    return f"{called}@{digest}" if digest else f"{called}:{tag}" if tag else called


def _said(entry: Node) -> Node:
    found = (entry.at(key) for key in ("digest", "newTag", "newName"))
    return next((node for node in found if node is not None), entry)


def with_images(rendered: Node, images: Mapping[str, Node]) -> Node:
    """What was rendered, each image of a container where a kustomization says what it is called."""
    if isinstance(rendered.value, list):
        return replace(rendered, value=[with_images(item, images) for item in rendered.value])
    if not isinstance(rendered.value, dict):
        return rendered
    table = {key: with_images(at, images) for key, at in rendered.value.items()}
    for containers in (table.get(key) for key in ("containers", "initContainers")):
        if containers is not None:
            _place(containers.items, images)
    return replace(rendered, value=table)


def _place(containers: Sequence[Node], images: Mapping[str, Node]) -> None:
    for container in containers:
        image = container.at("image")
        said = images.get(image.text or "") if image is not None else None
        if image is not None and said is not None:
            container.table["image"] = replace(image, path=said.path, line=said.line)
