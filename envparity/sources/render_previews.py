"""Previews of a blueprint of Render: the copy of all that it makes for a pull request, and what is other in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from envparity.sources.yaml_nodes import Node, wrong

__all__ = ["PREVIEW", "Preview", "has_previews", "preview_of"]

PREVIEW: Final = "preview"
_GENERATED: Final = frozenset({"automatic", "manual"})
_OF_PRODUCTION: Final = frozenset({"domain", "domains"})
"""What a service has and its previews have not."""
_AT_MOST: Final = "maxInstances"


@dataclass(frozen=True)
class Preview:
    """A blueprint as its previews are made of it, and the variables of it that these have not."""

    whole: Node
    left: tuple[Node, ...]


def has_previews(whole: Node) -> bool:
    """Whether a blueprint makes previews of any of its services."""
    services = whole.at("services")
    return any(_is_made(each, whole) for each in (services.items if services is not None else []))


def preview_of(whole: Node) -> Preview:
    """The blueprint of its previews, each value where it is said. Raises `ConfigurationError` where it makes none."""
    left: list[Node] = []
    table = dict(whole.table)
    for key in ("services", "databases"):
        listed = whole.at(key)
        made = [each for each in (listed.items if listed is not None else []) if _is_made(each, whole)]
        if listed is not None:
            table[key] = replace(listed, value=[_service(each, left) for each in made])
    if not table.get("services", Node([], *whole.place)).items:
        named = whole.at("previews") or whole.at("previewsEnabled") or whole
        got = named.text or named.text_at("generation") or "nothing"
        raise wrong(named, "previews.generation", "automatic or manual", got, "a preview is named that nobody makes")
    groups = whole.at("envVarGroups")
    if groups is not None:
        table["envVarGroups"] = replace(groups, value=[_with_variables(each, left) for each in groups.items])
    return Preview(replace(whole, value=table), tuple(left))


def _is_made(node: Node, whole: Node) -> bool:
    for said in (node.text_at("previews", "generation"), whole.text_at("previews", "generation")):
        if said is not None:
            return said in _GENERATED
    return whole.text_at("previewsEnabled") == "true"


def _service(node: Node, left: list[Node]) -> Node:
    """A service, or a database, as a preview has it: its own size, no name of production's, no scaling."""
    table = {key: at for key, at in node.table.items() if key not in _OF_PRODUCTION}
    older = node.at("previewPlan")
    said = {**({"plan": older} if older is not None else {}), **(node.at("previews") or Node({}, *node.place)).table}
    table |= {key: said[key] for key in ("plan", "numInstances") if key in said}
    scaling = node.at("scaling")
    if scaling is not None:
        table["scaling"] = replace(
            scaling,
            value={key: at for key, at in scaling.table.items() if key != _AT_MOST and "numInstances" not in said},
        )
    return _with_variables(replace(node, value=table), left)


def _with_variables(node: Node, left: list[Node]) -> Node:
    listed = node.at("envVars")
    if listed is None:
        return node
    made = []
    for variable in listed.items:
        value = variable.at("previewValue")
        if value is not None and variable.at("key") is not None:
            made.append(replace(variable, value={"key": variable.table["key"], "value": value}))
        elif variable.text_at("sync") == "false":
            left.append(variable)
        else:
            made.append(variable)
    return replace(node, value={**node.table, "envVars": replace(listed, value=made)})
