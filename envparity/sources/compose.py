"""Compose files: the service that is the backend, the servers beside it, and what is said of how it runs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from envparity.sources.building import Building
from envparity.sources.compose_files import Missing, Project, as_map, project
from envparity.sources.dotenv import Dotenv
from envparity.sources.quantities import cores, mebibytes, seconds
from envparity.sources.servers import keys_of_container, kind_of_image
from envparity.sources.source import Said, Source
from envparity.sources.yaml_nodes import Node, wrong

__all__ = ["SOURCE", "Compose"]

_PROBE = {"interval": "period", "timeout": "timeout", "start_period": "start period", "retries": "retries"}


class Compose(Source):
    """`compose.yaml#api`: the service `api`. Without a service: the only one that is built, or the only one."""

    def reads(self, path: Path) -> bool:
        name = path.name.lower()
        return path.suffix.lower() in {".yaml", ".yml"} and name.removeprefix("docker-").startswith(
            ("compose.", "compose-")
        )

    def read(self, path: Path, part: str) -> Said:
        found = project(path)
        name, service = _service(found, path, part)
        made = Building()
        _settings(made, service, found)
        _platform(made, service)
        _image(made, service)
        _servers(made, name, service, found)
        _health(made, service)
        return made.said()


def _service(found: Project, path: Path, part: str) -> tuple[str, Node]:
    whole = Node(dict(found.services), path, 0)
    candidates = [name for name, service in found.services.items() if service.at("build") is not None]
    candidates = candidates if len(candidates) == 1 else list(found.services)
    name = part or (candidates[0] if len(candidates) == 1 else "")
    service = found.services.get(name)
    if service is None or not isinstance(service.value, dict):
        known = ", ".join(found.services) or "none"
        got = f"#{part}, which is none" if part else "no service asked for"
        raise wrong(whole, "services", f"#SERVICE, one of {known}", got, "name it behind the path")
    return name, service


def _settings(made: Building, service: Node, found: Project) -> None:
    files = service.at("env_file")
    for entry in files.items if files is not None else []:
        named = entry.text if entry.text is not None else entry.text_at("path")
        if isinstance(named, Missing):
            made.unknown("env_file", f"{named}, made of {_variables(named)}", entry.place)
            continue
        read = entry.path.parent / (named or "")
        if not read.is_file():
            if entry.text_at("required") != "false":
                got = f"{named}, which is none"
                raise wrong(entry, "env_file", "a file", got, "paths are relative to the file that names it")
            made.unknown("env_file", f"{named}, which is not here", entry.place)
            continue
        said = Dotenv().read(read, "")
        for name, value in said.settings.items():
            made.setting(name, value, (read, said.lines[name]))
    environment = service.at("environment")
    for name, node in as_map(environment).table.items() if environment is not None else ():
        text = found.variables.get(name) if node.value is None else node.text
        if isinstance(text, Missing):
            made.unknown(f"settings.{name}", f"made of {_variables(text)}, of who deploys", node.place)
        elif text is not None:
            made.setting(name, text, node.place)
        elif node.value is None:
            made.unknown(f"settings.{name}", "the variable of that name, of who deploys", node.place)


def _variables(text: Missing) -> str:
    return ", ".join(text.variables)


def _known(made: Building, key: str, node: Node | None) -> str | None:
    """The text of that value; of one that is made of what nobody knows a note."""
    text = node.text if node is not None else None
    if node is not None and isinstance(text, Missing):
        made.unknown(key, f"made of {_variables(text)}, of who deploys", node.place)
        return None
    return text


def _platform(made: Building, service: Node) -> None:
    limits = service.at("deploy", "resources", "limits")
    memory = (limits.at("memory") if limits else None) or service.at("mem_limit")
    cpus = (limits.at("cpus") if limits else None) or service.at("cpus")
    replicas = service.at("deploy", "replicas") or service.at("scale")
    for key, node, read in (
        ("memory_mib", memory, mebibytes),
        ("cpus", cpus, cores),
        ("stop_grace_s", service.at("stop_grace_period"), seconds),
        ("replicas", replicas, _integer),
        ("port", _port(service), _integer),
    ):
        text = _known(made, f"platform.{key}", node)
        if node is None or text is None:
            continue
        value = read(text)
        if value is None:
            raise wrong(node, key, "an amount", repr(text))
        made.put(("platform", key), value, node.place)
    user = service.at("user")
    text = _known(made, "platform.user", user)
    if user is not None and text is not None:
        number = _integer(text.partition(":")[0])
        if number is None:
            made.unknown("platform.user", f"the id of {text}, which the image knows", user.place)
        else:
            made.put(("platform", "user"), number, user.place)
    read_only = service.at("read_only")
    if read_only is not None and read_only.text == "true":
        made.put(("platform", "read_only_root"), True, read_only.place)  # noqa: FBT003
        made.put(("platform", "writable"), list(dict.fromkeys(_writable(service))), read_only.place)


def _writable(service: Node) -> Iterator[str]:
    tmpfs = service.at("tmpfs")
    for entry in tmpfs.items if tmpfs is not None else []:
        yield (entry.text or "").partition(":")[0]
    volumes = service.at("volumes")
    for entry in volumes.items if volumes is not None else []:
        if entry.text is None:
            target = entry.text_at("target")
            if target and entry.text_at("read_only") != "true":
                yield target
        else:
            parts = entry.text.split(":")
            if not (len(parts) > 2 and "ro" in parts[2].split(",")):
                yield parts[1] if len(parts) > 1 else parts[0]


def _port(service: Node) -> Node | None:
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


def _integer(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else None


def _image(made: Building, service: Node) -> None:
    build, image = service.at("build"), service.at("image")
    if build is not None:
        context = build.text if build.text is not None else build.text_at("context") or "."
        dockerfile = build.text_at("dockerfile") or "Dockerfile"
        target = build.text_at("target")
        words = f"built from {dockerfile} in {context}" + (f", up to {target}" if target else "")
        made.not_taken("image", words, build.place)
    elif image is not None and image.text is not None:
        made.not_taken("image", image.text, image.place)
    for key in ("entrypoint", "command"):
        node = service.at(key)
        if node is None:
            continue
        parts = [item.text or "" for item in node.items]
        text = shlex.join(parts) if isinstance(node.value, list) else (node.text or "")
        made.not_taken(key, text or "(empty)", node.place)


def _servers(made: Building, name: str, service: Node, found: Project) -> None:
    needed = _conditions(service)
    waits = []
    for other, at in found.services.items():
        if other == name or not isinstance(at.value, dict):
            continue
        image = at.text_at("image")
        kind = kind_of_image(image) if image is not None else None
        profiles = at.at("profiles")
        if profiles is not None and other not in needed:
            words = f"only with the profile {' or '.join(entry.text or '' for entry in profiles.items)}"
            made.not_taken(f"services.{other}", words, profiles.place)
        elif needed.get(other) == "service_completed_successfully":
            if not _is_a_job(made, other, at, service):
                words = f"a job before the backend: {_command_words(at)}"
                made.not_taken(f"jobs.{other}", words, at.place)
        elif kind is not None:
            environment = at.at("environment")
            variables = as_map(environment).table if environment is not None else {}
            made.dependency(other, keys_of_container(kind, _command_words(at), variables), at.place)
            if other in needed:
                waits.append(needed[other] == "service_healthy")
        elif other in needed:
            what = f"the image {image}" if image is not None else "another program of the team's own"
            made.not_taken(f"services.{other}", f"needed, and {what}", at.place)
    depends = service.at("depends_on")
    if waits and depends is not None:
        made.put(("dependencies_first",), all(waits), depends.place)


def _is_a_job(made: Building, name: str, at: Node, service: Node) -> bool:
    """Take what must have completed as a job, where it runs in the backend's own image."""
    command, image = at.at("command"), at.text_at("image")
    same = image is not None and image == service.text_at("image")
    same = same or (at.at("build") is not None and _plain(at.at("build")) == _plain(service.at("build")))
    if not same or command is None or at.at("entrypoint") is not None:
        return False
    try:
        words = [item.text or "" for item in command.items] if command.text is None else shlex.split(command.text)
    except ValueError:
        return False
    return made.job(name, words, at.place)


def _plain(node: Node | None) -> object:
    """The value without its places."""
    if node is None or node.text is not None:
        return node.text if node is not None else None
    if isinstance(node.value, list):
        return [_plain(item) for item in node.value]
    return {key: _plain(value) for key, value in node.table.items()}


def _conditions(service: Node) -> Mapping[str, str]:
    """The services that it needs, and what must be true of each before it starts."""
    depends = service.at("depends_on")
    if depends is None:
        return {}
    if isinstance(depends.value, list):
        return {entry.text or "": "service_started" for entry in depends.items}
    return {name: at.text_at("condition") or "service_started" for name, at in depends.table.items()}


def _command_words(service: Node) -> str:
    command = service.at("command")
    return " ".join(item.text or "" for item in command.items) if command is not None else "its image's own command"


def _health(made: Building, service: Node) -> None:
    check = service.at("healthcheck")
    for key, word in _PROBE.items() if check is not None else ():
        node = check.at(key) if check is not None else None
        if node is None or node.text is None:
            continue
        amount = seconds(node.text)
        text = node.text if key == "retries" or amount is None else f"{amount:g} s"
        made.not_taken(f"health {word}", text, node.place)
    test = check.at("test") if check is not None else None
    if test is not None:
        made.not_taken("health", " ".join(item.text or "" for item in test.items), test.place)


SOURCE = Compose()
