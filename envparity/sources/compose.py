"""Compose files: the service that is the backend, the servers beside it, and what is said of how it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from envparity.sources.building import Building
from envparity.sources.compose_files import ComposeProject, as_map, project, target_of
from envparity.sources.compose_neighbours import (
    command_of,
    hosts_of,
    neighbour,
    others_of,
    port_of,
    volumes_of,
)
from envparity.sources.compose_settings import known_text, service_settings
from envparity.sources.images import put_built, put_image_name, put_words
from envparity.sources.neighbours import named_by, put_neighbour
from envparity.sources.quantities import cores, mebibytes, seconds
from envparity.sources.rest import list_rest
from envparity.sources.servers import keys_of_container, kind_of_image, options_left
from envparity.sources.source import Said, Source
from envparity.sources.yaml_nodes import Node, wrong

__all__ = ["SOURCE", "Compose"]

_READ: Final = frozenset(
    (
        *(
            "build",
            "command",
            "cpus",
            "depends_on",
            "deploy",
            "entrypoint",
            "env_file",
            "environment",
            "expose",
            "extends",
        ),
        *("healthcheck", "image", "mem_limit", "ports", "profiles", "read_only", "scale", "stop_grace_period", "tmpfs"),
        *("user", "volumes", "annotations", "attach", "container_name", "develop", "labels", "logging", "networks"),
        *("links", "oom_score_adj", "pull_policy", "restart", "stdin_open", "tty"),
    )
)
"""What of a service is read, and what says nothing of how it is reached and what it may do."""
_READ_OF_DEPLOY: Final = frozenset(
    (
        "endpoint_mode",
        "labels",
        "mode",
        "placement",
        "replicas",
        "resources",
        "restart_policy",
        "rollback_config",
        "update_config",
    )
)
_PROBE = {"interval": "period", "timeout": "timeout", "start_period": "start period", "retries": "retries"}


class Compose(Source):
    """`compose.yaml#api`: the service `api`. Without a service: the only one that is built, or the only one.

    Several files of a folder for one service are one project, the later over the earlier.
    """

    def reads(self, path: Path) -> bool:
        name = path.name.lower()
        return path.suffix.lower() in {".yaml", ".yml"} and name.removeprefix("docker-").startswith(
            ("compose.", "compose-")
        )

    def read(self, path: Path, part: str) -> Said:
        return self.read_together((path,), part)

    def read_together(self, paths: Sequence[Path], part: str) -> Said:
        path, found = paths[-1], project(*paths)
        name, service = _service(found, path, part)
        made = Building()
        service_settings(made, service, found)
        _platform(made, service)
        _image(made, service)
        _servers(made, name, service, found)
        _health(made, service)
        _beside(made, service)
        return made.said()


def _service(found: ComposeProject, path: Path, part: str) -> tuple[str, Node]:
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
        ("port", port_of(service), _integer),
    ):
        text = known_text(made, f"platform.{key}", node)
        if node is None or text is None:
            continue
        value = read(text)
        if value is None:
            raise wrong(node, key, "an amount", repr(text))
        made.put(("platform", key), value, node.place)
    user = service.at("user")
    text = known_text(made, "platform.user", user)
    if user is not None and text is not None:
        number = _integer(text.partition(":")[0])
        if number is None:
            made.unknown("platform.user", f"the id of {text}, which the image knows", user.place)
        else:
            made.put(("platform", "user"), number, user.place)
    read_only = service.at("read_only")
    if read_only is not None and read_only.text == "false":
        made.put(("platform", "read_only_root"), value=False, place=read_only.place)
    elif read_only is not None and read_only.text == "true":
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
                yield target_of(entry)


def _integer(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else None


def _image(made: Building, service: Node) -> None:
    build, image = service.at("build"), service.at("image")
    if build is not None:
        _built(made, build)
    elif image is not None and (name := known_text(made, "image", image)) is not None:
        put_image_name(made, name, image.place)
    for key, what in (("entrypoint", "entrypoint"), ("command", "arguments")):
        node = service.at(key)
        if node is None or not all(known_text(made, what, item) is not None for item in node.items):
            continue
        words = command_of(node)
        put_words(made, what, words, node.place, node.text or "")


def _built(made: Building, build: Node) -> None:
    said = {key: build.at(key) for key in ("context", "dockerfile", "target")}
    texts = {key: known_text(made, "image", node) for key, node in said.items()}
    context = known_text(made, "image", build) if build.text is not None else texts["context"] or "."
    if context is None or any(said[key] is not None and texts[key] is None for key in said):
        return  # it is made of what nobody here knows, which is said
    if build.at("dockerfile_inline") is not None:
        made.not_taken("image", "built from a Dockerfile in the compose file itself", build.place)
        return
    dockerfile, target = texts["dockerfile"] or "Dockerfile", texts["target"]
    put_built(made, build.path.parent, build.place, context=context, dockerfile=dockerfile, target=target)
    arguments = build.at("args")
    if arguments is not None:
        made.not_taken("image arguments", ", ".join(as_map(arguments).table), arguments.place)


def _servers(made: Building, name: str, service: Node, found: ComposeProject) -> None:
    needed = _conditions(service)
    named = named_by(made.settings, others_of(name, found))
    active = set(found.variables.get("COMPOSE_PROFILES", "").split(","))
    waits = []
    for other, at in found.services.items():
        if other == name or not isinstance(at.value, dict):
            continue
        image = at.text_at("image")
        kind = kind_of_image(image) if image is not None else None
        hosts = hosts_of(other, at, service)
        profiles = at.at("profiles")
        if profiles is not None and other not in needed and active.isdisjoint(entry.text for entry in profiles.items):
            words = f"only with the profile {' or '.join(entry.text or '' for entry in profiles.items)}"
            made.not_taken(f"services.{other}", words, profiles.place)
        elif needed.get(other) == "service_completed_successfully":
            if not _is_a_job(made, other, at, service):
                words = f"a job before the backend: {_command_words(at)}"
                made.not_taken(f"jobs.{other}", words, at.place)
        elif kind is not None:
            environment = at.at("environment")
            variables = as_map(environment).table if environment is not None else {}
            command = at.at("command")
            words = _command_words(at) if command is not None else ""
            made.dependency(other, keys_of_container(kind, words, variables), at.place, hosts)
            left = options_left(kind, words, variables)
            if left and command is not None:
                made.not_taken(f"services.{other} command", ", ".join(left), command.place)
            if other in needed:
                waits.append(needed[other] == "service_healthy")
        elif other in needed or not named.keys().isdisjoint(hosts):
            taken = put_neighbour(made, replace(neighbour(made, other, at, found, _first(named, hosts)), hosts=hosts))
            if taken and other in needed:
                waits.append(needed[other] == "service_healthy")
        else:
            made.not_taken(f"services.{other}", "no setting and no depends_on names it", at.place)
    depends = service.at("depends_on")
    if waits and depends is not None:
        made.put(("dependencies_first",), all(waits), depends.place)


def _first(ports: Mapping[str, int | None], hosts: Sequence[str]) -> int | None:
    """The first port that is said of one of the hosts."""
    return next((port for host in hosts if (port := ports.get(host)) is not None), None)


def _is_a_job(made: Building, name: str, at: Node, service: Node) -> bool:
    """Take what must have completed as a job, where it runs in the backend's own image."""
    command, image = at.at("command"), at.text_at("image")
    same = image is not None and image == service.text_at("image")
    built, ours = at.at("build"), service.at("build")
    same = same or (built is not None and ours is not None and built.data == ours.data)
    if not same or command is None or at.at("entrypoint") is not None:
        return False
    words = command_of(command)
    return words is not None and made.job(name, words, at.place)


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


def _beside(made: Building, service: Node) -> None:
    """What no boot takes: folders of this machine, and whatever else is said of it."""
    for entry, source, target in volumes_of(service):
        if source.startswith((".", "/", "~")):
            made.not_taken(f"volumes.{target}", f"a folder of this machine: {source}", entry.place)
    list_rest(made, service, _READ)
    list_rest(made, service.at("deploy"), _READ_OF_DEPLOY, "deploy.")
    list_rest(made, service.at("deploy", "resources", "limits"), {"memory", "cpus"}, "deploy limits ")


SOURCE = Compose()
