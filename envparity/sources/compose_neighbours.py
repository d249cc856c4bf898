"""Another service of a compose file, as a dependency: its port, its variables, its volumes, when it is ready."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import msgspec

from envparity.sources.building import Building
from envparity.sources.compose_files import ComposeProject, Missing
from envparity.sources.compose_settings import service_settings
from envparity.sources.images import built_table, words_of
from envparity.sources.neighbours import Neighbour, Settings
from envparity.sources.servers import kind_of_image
from envparity.sources.yaml_nodes import Node

__all__ = ["command_of", "hosts_of", "neighbour", "others_of", "port_of", "volumes_of"]


def neighbour(made: Building, name: str, at: Node, found: ComposeProject, port: int | None) -> Neighbour:
    """What the file says of another container; settings that nobody here knows are noted."""
    inside, prefix = Building(), f"services.{name}"
    service_settings(inside, at, found)
    for note in inside.notes:
        made.note(msgspec.structs.replace(note, name=f"{prefix}.{note.name.removeprefix('settings.')}"))
    build, published = at.at("build"), port_of(at)
    built, lacking = None, ""
    if at.at("entrypoint") is not None:
        lacking = "it has an entry point that a dependency has not"
    if build is not None:
        context = build.text or build.text_at("context") or "."
        built = built_table(build.path.parent, context=context, dockerfile=build.text_at("dockerfile") or "Dockerfile")
        if build.at("target") is not None:
            lacking = f"it is built up to the stage {build.text_at('target')}, which is none of a dependency's keys"
        lacking = lacking if built is not None else "its Dockerfile is not here"
    image = at.text_at("image")
    if build is None and (image is None or isinstance(image, Missing)):
        lacking = "its image is not said"
    command = at.at("command")
    for bound in _bound(at):
        made.not_taken(f"{prefix}.volumes", f"{bound}, of this machine", at.place)
    number = published.text if published is not None else None
    return Neighbour(
        name,
        at.place,
        int(number) if number is not None and number.isdecimal() else port,
        image=image or "",
        built=built,
        variables=inside.settings,
        partly=inside.partly,
        command=(command_of(command) or ()) if command is not None else (),
        volumes=[folder for folder in _mounted(at) if folder.startswith("/")],
        ready=_ready(at),
        lacking=lacking,
    )


def others_of(name: str, found: ComposeProject) -> Iterator[Settings]:
    """What the containers beside the service of that name are told, but servers of a known kind."""
    for other, at in found.services.items():
        image = at.text_at("image")
        if other != name and not (image is not None and kind_of_image(image)):
            yield Settings(hosts_of(other, at, found.services[name]), partial(_told, at, found))


def _told(service: Node, found: ComposeProject) -> Mapping[str, str]:
    inside = Building()
    service_settings(inside, service, found)
    return {**inside.settings, **inside.partly}


def _bound(service: Node) -> Iterator[str]:
    """The folders and files of this machine that are mounted."""
    for entry, source, _ in volumes_of(service):
        if source.startswith((".", "/", "~")) or entry.text_at("type") == "bind":
            yield source


def _mounted(service: Node) -> Iterator[str]:
    """Where volumes of the engine's own are mounted."""
    for entry, source, target in volumes_of(service):
        if not source.startswith((".", "/", "~")) and entry.text_at("type") in {None, "volume"}:
            yield target


def volumes_of(service: Node) -> Iterator[tuple[Node, str, str]]:
    """What is mounted: each entry with its source, "" for none, and where it is mounted."""
    volumes = service.at("volumes")
    for entry in volumes.items if volumes is not None else []:
        if entry.text is None:
            yield entry, entry.text_at("source") or "", entry.text_at("target") or ""
        else:
            source, parted, rest = entry.text.partition(":")
            yield entry, source if parted else "", rest.partition(":")[0] if parted else source


def _ready(service: Node) -> dict[str, str | list[str]] | None:
    """Its health check as a command; None where it has none, or none that is run."""
    test = service.at("healthcheck", "test")
    if test is None or service.text_at("healthcheck", "disable") == "true":
        return None
    first, *words = [item.text or "" for item in test.items] or [""]
    if test.text is not None:
        return {"command": ["sh", "-c", test.text]}
    command = {"CMD": words, "CMD-SHELL": ["sh", "-c", *words]}.get(first) if words else None
    return None if command is None else {"command": command}


def port_of(service: Node) -> Node | None:
    """The port in the container, of the first that is published or exposed."""
    for key in ("ports", "expose"):
        found = service.at(key)
        for entry in found.items if found is not None else []:
            if isinstance(entry.value, dict):
                return entry.at("target")
            text = (entry.text or "").partition("/")[0].rpartition(":")[2]
            if not isinstance(entry.text, Missing) and text.isdecimal():
                return Node(text, entry.path, entry.line)
    return None


def hosts_of(name: str, service: Node, backend: Node) -> tuple[str, ...]:
    """The names by which others of the project reach that service; `backend` may have links of its own to it."""
    names = [name, service.text_at("container_name"), service.text_at("hostname")]
    networks = service.at("networks")
    for network in networks.table.values() if networks is not None else ():
        aliases = network.at("aliases")
        names += [alias.text for alias in (aliases.items if aliases is not None else [])]
    links = backend.at("links")
    for link in links.items if links is not None else []:
        to, parted, alias = (link.text or "").partition(":")
        names += [alias] if parted and to == name else []
    return tuple(dict.fromkeys(host for host in names if host and not isinstance(host, Missing)))


def command_of(node: Node) -> list[str] | None:
    """A command as compose splits it; None for what is none."""
    return words_of(node.text) if node.text is not None else [item.text or "" for item in node.items]
