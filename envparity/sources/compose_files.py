"""Compose files as one project: what they include, what services extend, and variables from the files beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from envparity.errors import ConfigurationError, Mistake
from envparity.sources.dotenv import Dotenv
from envparity.sources.interpolation import interpolated
from envparity.sources.source import UNKNOWN
from envparity.sources.yaml_nodes import Node, documents, wrong
from envparity.support.toml.document import shown_path

__all__ = ["ComposeProject", "Missing", "as_map", "project", "target_of", "variables_of"]

_DEEPEST = 20
_REPLACED = frozenset({"command", "entrypoint", "test"})
_SHORT = {"build": "context", "depends_on": ""}
_LISTS = frozenset({"env_file", "profiles", "tmpfs"})
_MAPS = frozenset({"environment", "labels", "args", "sysctls", "extra_hosts"})


class Missing(str):
    """A text of which nothing here knows a part: `variables` are the names of what nobody gives, and `marked` is the
    text with `UNKNOWN` for it.
    """

    __slots__ = ("marked", "variables")
    variables: tuple[str, ...]
    marked: str

    @classmethod
    def of(cls, text: str, variables: Iterable[str], marked: str) -> Missing:
        """Such a text."""
        made = cls(text)
        made.marked = marked
        made.variables = tuple(dict.fromkeys(variables))
        return made


@dataclass(frozen=True)
class ComposeProject:
    """The services of a project, whole; `variables` are those of its own `.env`."""

    services: Mapping[str, Node]
    variables: Mapping[str, str]


def variables_of(path: Path) -> dict[str, str]:
    """The variables of a file of them; none where there is no such file."""
    return dict(Dotenv().read(path, "").settings) if path.is_file() else {}


def project(first: Path, *over: Path) -> ComposeProject:
    """The project of a compose file, and of others over it. Raises `ConfigurationError` and `OSError`."""
    variables = variables_of(first.parent / ".env")
    services = _services(first, variables, (first.resolve(),))
    for path in over:
        services = _over(services, _services(path, variables, (path.resolve(),)))
    return ComposeProject(services, variables)


def _over(under: Mapping[str, Node], over: Mapping[str, Node]) -> dict[str, Node]:
    return {**under, **{name: _merged(under[name], at) if name in under else at for name, at in over.items()}}


def _services(path: Path, variables: Mapping[str, str], way: tuple[Path, ...]) -> dict[str, Node]:
    whole = _filled(path, variables)
    services: dict[str, Node] = {}
    included = whole.at("include")
    for entry in included.items if included is not None else []:
        paths = entry.items or (entry.table["path"].items if "path" in entry.table else [])
        found: dict[str, Node] = {}
        for place, named in enumerate(paths):
            other = path.parent / (named.text or "")
            inner = variables
            if place == 0 or "env_file" not in entry.table:
                inner = {**variables_of(other.parent / ".env"), **variables}
            for env_file in entry.table["env_file"].items if "env_file" in entry.table else []:
                inner = {**variables_of(path.parent / (env_file.text or "")), **variables}
            read = _services(_there(other, named, way), inner, (*way, other.resolve()))
            found = _over(found, read)
        services.update(found)
    own = whole.at("services")
    for name, service in own.table.items() if own is not None else ():
        made = _extended(service, path, variables, own.table if own is not None else {}, way)
        services[name] = _merged(services[name], made) if name in services else made
    return services


def _extended(
    service: Node, path: Path, variables: Mapping[str, str], beside: Mapping[str, Node], way: tuple[Path, ...]
) -> Node:
    """The service over the one that it extends."""
    if not isinstance(service.value, dict):
        return service
    extends = service.at("extends")
    if extends is None:
        return service
    file, name = extends.text_at("file"), extends.text or extends.text_at("service")
    if len(way) > _DEEPEST:
        raise wrong(extends, "extends", f"at most {_DEEPEST} services, one over the other", "more: a circle")
    home, found = path, beside
    if file is not None:
        home = path.parent / file
        if not home.is_file():
            raise wrong(extends, "extends.file", "a file", f"{file}, which is none", "paths are relative to this file")
        services = _filled(home, variables).at("services")
        found = services.table if services is not None else {}
    if name is None or name not in found:
        raise wrong(extends, "extends.service", "a service of that file", name or "none")
    base = _extended(found[name], home, variables, found, (*way, home))
    kept = {key: value for key, value in base.table.items() if key not in {"extends", "depends_on"}}
    return _merged(replace(base, value=kept), service)


def _there(path: Path, named: Node, way: tuple[Path, ...]) -> Path:
    if not path.is_file():
        raise wrong(named, "include", "a file", f"{named.text}, which is none", "paths are relative to this file")
    if path.resolve() in way:
        raise wrong(named, "include", "files that do not include themselves", f"{named.text}, which does")
    return path


def _filled(path: Path, variables: Mapping[str, str]) -> Node:
    found = documents(path)
    if len(found) > 1 or (found and not isinstance(found[0].value, dict)):
        raise ConfigurationError([Mistake(shown_path(path), 1, "(file)", "one document, a mapping", "something else")])
    return _interpolated(found[0], variables, "") if found else Node({}, path, 1)


def _interpolated(node: Node, variables: Mapping[str, str], key: str) -> Node:
    if isinstance(node.value, dict):
        return replace(node, value={name: _interpolated(value, variables, name) for name, value in node.value.items()})
    if isinstance(node.value, list):
        return replace(node, value=[_interpolated(item, variables, key) for item in node.value])
    if node.value is None or "$" not in node.value:
        return node
    made = interpolated(node.value, variables)
    if made.wrong:
        raise wrong(node, key or "(value)", "${NAME} or $$", made.wrong, "write $$ for a dollar")
    if not made.missing:
        return replace(node, value=made.text)
    marked = interpolated(node.value, {**variables, **dict.fromkeys(made.missing, UNKNOWN)}).text
    return replace(node, value=Missing.of(made.text, made.missing, marked))


def _merged(under: Node, over: Node, key: str = "") -> Node:
    """One value over another, as compose merges them."""
    if key in _REPLACED or over.value is None or over.tag:
        return over
    if key in _MAPS:
        under, over = as_map(under), as_map(over)
    elif key in _SHORT:
        under, over = _long(under, _SHORT[key]), _long(over, _SHORT[key])
    elif key in _LISTS:
        under, over = replace(under, value=under.items), replace(over, value=over.items)
    if isinstance(under.value, dict) and isinstance(over.value, dict):
        merged = {**under.value}
        for name, value in over.value.items():
            if value.tag == "!reset":
                merged.pop(name, None)
            else:
                merged[name] = _merged(merged[name], value, name) if name in merged and key not in _MAPS else value
        return Node(merged, over.path, over.line)
    if isinstance(under.value, list) and isinstance(over.value, list):
        targets = {target_of(item) for item in over.value} if key == "volumes" else set()
        kept = [item for item in under.value if target_of(item) not in targets] if targets else under.value
        return Node([*kept, *over.value], over.path, over.line)
    return over


def _long(node: Node, name: str) -> Node:
    """The short form of a value as the mapping that it is: a text under that name, a list as its names."""
    if node.text is not None and name:
        return replace(node, value={name: replace(node)})
    if isinstance(node.value, list):
        return replace(node, value={item.text or "": replace(item, value={}) for item in node.value})
    return node


def target_of(volume: Node) -> str:
    """Where a volume is found in the container."""
    if volume.text is None:
        return volume.text_at("target") or ""
    parts = volume.text.split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def as_map(node: Node) -> Node:
    """A list of `NAME=value` as the mapping that it is; `NAME` alone has no value."""
    if not isinstance(node.value, list):
        return node
    made = {}
    for item in node.value:
        name, given, value = re.match(r"([^=]*)(=?)(.*)", item.text or "", re.DOTALL).groups()  # type: ignore[union-attr]
        text = value
        if isinstance(item.value, Missing):
            text = Missing.of(value, item.value.variables, item.value.marked.partition("=")[2])
        made[name] = Node(text if given else None, item.path, item.line)
    return Node(made, node.path, node.line)
