"""Servers of a deployment's files that no setting leads to: code may look for them by a name that it has itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from envparity.dependency.kind import HOST_NAME, KINDS
from envparity.dependency.usual_ports import port_of_server
from envparity.model.environment import DeploymentNote
from envparity.sources.layer import Layer

__all__ = ["serve_by_name"]

_HOST: Final = re.compile(HOST_NAME)


def serve_by_name(under: Layer, data: dict[str, Any]) -> list[DeploymentNote]:
    """Give each such server the names that it has in the files, so that containers find it there; notes on those that
    cannot be found so.
    """
    notes, ports = list[DeploymentNote](), {port_of_server(table) for table in _having_hosts(data)}
    for name, table in list(_unreached(under, data)):
        hosts = sorted({host for host, server in under.hosts.items() if server == name})
        file, line = under.places["dependencies", name]
        others = {other for other in data["dependencies"] if other != name}
        usable = [host for host in hosts if _HOST.fullmatch(host) and host not in others]
        port = port_of_server(table)
        if usable and port is not None and port not in ports and not _asks_for_password(table):
            data["dependencies"] = {**data["dependencies"], name: {**table, "hosts": usable}}
            under.places["dependencies", name, "hosts"] = file, line
            ports.add(port)
        else:
            text = f"no setting leads there: the backend looks for {' or '.join(hosts)} itself, if at all"
            notes.append(DeploymentNote(f"dependencies.{name}", text, f"{file}:{line}", known=False))
    return notes


def _having_hosts(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    dependencies = data.get("dependencies")
    for table in dependencies.values() if isinstance(dependencies, dict) else ():
        if isinstance(table, dict) and table.get("hosts"):
            yield table


def _unreached(under: Layer, data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Those that the files say, and no text of the environment names; with the tables that they have."""
    dependencies = data.get("dependencies")
    if not under.deployment or not isinstance(dependencies, dict):
        return
    said = str([value for key, value in data.items() if key not in {"differences", "platform", "ingress"}])
    known = set(under.hosts.values())
    for name in under.table("dependencies"):
        table = dependencies.get(name)
        if ("dependencies", name) not in under.places or name not in known or not isinstance(table, dict):
            continue
        if "hosts" not in table and f"{{{name}." not in said and f"'{name}." not in said:
            yield name, table


def _asks_for_password(table: Mapping[str, Any]) -> bool:
    """Whether clients of such a server need a password, which code that names it cannot know: it is made for a run."""
    kind = KINDS.find(table.get("kind"))
    having = kind is not None and any(each.name == "password" for each in msgspec.structs.fields(kind.keys))
    return having and table.get("password") is not False
