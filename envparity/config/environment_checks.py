"""What no schema can say of an environment's file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from envparity.config.command import command_mistakes
from envparity.config.deployed import deployed_mistakes
from envparity.config.image import image_mistakes
from envparity.config.ingress_keys import ingress_mistakes, without_an_ingress
from envparity.config.settings import source_mistakes
from envparity.dependency.kind import KINDS
from envparity.dependency.usual_ports import port_of_server
from envparity.errors import Mistake
from envparity.model.commands import HEALTH_PORT, PORT
from envparity.model.environment import Platform
from envparity.support.patterns import pattern_problem
from envparity.support.toml.document import Document, in_words
from envparity.support.toml.meant import did_you_mean
from envparity.support.zones import TIMEZONE_VARIABLE, UTC, known_zones

__all__ = ["cross_checks"]

_POSIX_ZONE = re.compile(r"(?:<[^>]+>|[A-Za-z]{3,})[+-]?\d.*")


def cross_checks(document: Document, literal: Collection[str] = ()) -> Iterator[Mistake]:
    """The mistakes of it. The document may be wrong in any way: what the schema reports is passed over.

    `literal` are the names of the settings that the files give which it extends.
    """
    name = document.data.get("name")
    if isinstance(name, str) and name != document.path.stem:
        action = f"rename the file to {name}.toml, or set name = {document.path.stem!r}"
        yield document.mistake(("name",), f"{document.path.stem}, as the file is called", in_words(name), action)
    yield from source_mistakes(document)
    yield from _dependency_mistakes(document)
    yield from _host_mistakes(document)
    yield from image_mistakes(document)
    yield from command_mistakes(document, ("command",), document.data.get("command"), {PORT, HEALTH_PORT})
    for key in ("entrypoint", "arguments"):
        if key in document.data and "command" in document.data:
            action = f"remove one of them: {key} is of containers alone, command of both launchers"
            yield document.mistake((key,), "nothing beside command", "both", action)
    for table in ("jobs", "processes"):
        for name, program in document.table(table).items():
            command = program.get("command") if isinstance(program, dict) else None
            yield from command_mistakes(document, (table, name, "command"), command, ())
    yield from _readiness_mistakes(document)
    yield from _port_mistakes(document)
    yield from _timezone_mistakes(document, literal)
    yield from _ingress_mistakes(document)
    yield from _difference_mistakes(document)
    yield from deployed_mistakes(document)


def _readiness_mistakes(document: Document) -> Iterator[Mistake]:
    """What says when a further program is there, and does not."""
    for name, program in document.table("processes").items():
        if not isinstance(program, dict):
            continue
        ready = program.get("ready")
        problem = pattern_problem(ready) if isinstance(ready, str) else ""
        if problem:
            yield document.mistake(("processes", name, "ready"), "a regular expression", problem)
        if not ready and "ready_s" in program:
            action = "say what it writes when it is there: ready"
            yield document.mistake(("processes", name, "ready_s"), "nothing without ready", "a time", action)


def _dependency_mistakes(document: Document) -> Iterator[Mistake]:
    """What the kinds say against the tables of their dependencies."""
    for name, table in document.table("dependencies").items():
        kind = KINDS.find(table.get("kind")) if isinstance(table, dict) else None
        if kind is None:
            continue
        with KINDS.guarding(kind):
            for key, expected, got, action in kind.mistakes(table, document.path.parent):
                yield document.mistake(("dependencies", name, *key), expected, got, action)


def _host_mistakes(document: Document) -> Iterator[Mistake]:
    """Hosts that two dependencies would have, or one that is called as another; all hosts are at one address, so that
    of a port there is one.
    """
    owners, ports = {name: name for name in document.table("dependencies")}, dict[object, str]()
    for name in owners.copy():
        table = document.table("dependencies", name)
        hosts = table.get("hosts")
        if not isinstance(hosts, list) or not hosts:
            continue
        for index, host in enumerate(hosts):
            owner = owners.setdefault(host, name) if isinstance(host, str) else name
            if owner != name:
                got = f"{in_words(host)}, which is {owner}"
                yield document.mistake(("dependencies", name, "hosts", index), "a host of its own", got, "keep one")
        port = port_of_server(table)
        owner = ports.setdefault(port, name) if port is not None else name
        if owner != name:
            got, action = f"{port}, where hosts of {owner} are", "tell the backend where it is, by a setting"
            yield document.mistake(("dependencies", name, "hosts"), "a port that no other host has", got, action)


def _port_mistakes(document: Document) -> Iterator[Mistake]:
    """The platform says the port; a literal beside it would be overridden in silence."""
    setting = document.table("platform").get("port_setting", Platform().port_setting)
    settings = document.table("settings")
    if isinstance(setting, str) and setting in settings and settings[setting] != {"from": "platform.port"}:
        action = "set platform.port, and remove the setting"
        yield document.mistake(("settings", setting), "the port from [platform] alone", "a setting as well", action)


def _timezone_mistakes(document: Document, literal: Collection[str]) -> Iterator[Mistake]:
    """A zone of which this machine has no data: where it is not found a program is at UTC, and says nothing.

    So is a runtime that knows zones by their names alone (Node, Go) and is given a POSIX string (`NPT-5:45`).
    """
    name = document.table("platform").get("timezone")
    if not isinstance(name, str) or not name:
        return
    if TIMEZONE_VARIABLE in {*document.table("settings"), *literal}:
        action = "keep platform.timezone, and remove the setting"
        expected = "the time zone from [platform] alone"
        yield document.mistake(("settings", TIMEZONE_VARIABLE), expected, "a setting as well", action)
    known = known_zones()
    if name in known:
        return
    expected = 'the name of a time zone, such as "Asia/Kathmandu" or "UTC"'
    if known == {UTC}:
        action = "install the time zones of this machine: the package tzdata, of the system or of Python"
    elif _POSIX_ZONE.fullmatch(name):
        action = "write the name of a place with that time: a string of POSIX is UTC to runtimes that know names alone"
    else:
        action = did_you_mean(name, known)
    yield document.mistake(("platform", "timezone"), expected, in_words(name), action)


def _ingress_mistakes(document: Document) -> Iterator[Mistake]:
    ingress = document.table("ingress")
    if ingress.get("kind", "none") != "none":
        yield from ingress_mistakes(document)
        return
    replicas = document.table("platform").get("replicas", 1)
    if isinstance(replicas, int) and replicas > 1:
        action = 'add [ingress] with kind = "nginx", or set replicas = 1'
        expected = "1, for without an ingress nothing spreads the connections"
        yield document.mistake(("platform", "replicas"), expected, in_words(replicas), action)
    if ingress.get("tls") is True:
        action = 'set kind = "nginx", or tls = false'
        yield document.mistake(("ingress", "tls"), "false, for without an ingress nothing speaks TLS", "true", action)
    yield from without_an_ingress(document)


def _difference_mistakes(document: Document) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for index, difference in enumerate(document.tables("differences")):
        path = difference.get("path")
        if not isinstance(path, str):
            continue
        if path in first:
            got = f"{path}, which differences[{first[path]}] has too"
            yield document.mistake(("differences", index, "path"), "a path of its own", got, "keep one of them")
        first.setdefault(path, index)
