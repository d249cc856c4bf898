"""Task definitions of Amazon ECS, as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from envparity.sources.building import Building
from envparity.sources.images import put_image_name, put_words
from envparity.sources.rest import list_rest
from envparity.sources.source import Said, Source
from envparity.sources.yaml_nodes import Node, documents, wrong

__all__ = ["SOURCE", "Ecs"]

_GRACE_S = 30.0
_READ: Final = frozenset(
    (
        *("command", "entryPoint", "environment", "environmentFiles", "healthCheck", "image", "memory", "mountPoints"),
        *(
            "linuxParameters",
            "name",
            "portMappings",
            "readonlyRootFilesystem",
            "secrets",
            "stopTimeout",
            "user",
            "cpu",
            "credentialSpecs",
            "dependsOn",
        ),
        *("dockerLabels", "essential", "firelensConfiguration", "logConfiguration", "memoryReservation"),
        *("repositoryCredentials", "restartPolicy", "versionConsistency"),
    )
)
_ENDED = frozenset({"COMPLETE", "SUCCESS"})
_PROBE = {"interval": "period", "timeout": "timeout", "startPeriod": "start period"}


class Ecs(Source):
    """`task-definition.json#api`: the container `api`, else the only one with a port, or the first."""

    def reads(self, path: Path) -> bool:
        name = path.name.lower().replace("-", "").replace("_", "")
        return path.suffix.lower() == ".json" and ("taskdef" in name or "ecs" in name)

    def read(self, path: Path, part: str) -> Said:
        whole = next(iter(documents(path)), Node({}, path, 1))
        whole = whole.at("taskDefinition") or whole
        listed = whole.at("containerDefinitions")
        containers = [each for each in (listed.items if listed is not None else []) if each.table]
        chosen = [each for each in containers if each.text_at("name") == part] if part else containers
        having = [each for each in chosen if each.at("portMappings") is not None]
        chosen = having if len(having) == 1 else chosen
        if not chosen:
            known = ", ".join(each.text_at("name") or "" for each in containers) or "none"
            raise wrong(whole, "containerDefinitions", f"#CONTAINER, one of {known}", f"#{part}" if part else "none")
        made = Building()
        _settings(made, chosen[0])
        _platform(made, chosen[0], whole)
        _notes(made, chosen[0], containers, whole)
        return made.said()


def _settings(made: Building, container: Node) -> None:
    files = container.at("environmentFiles")
    for file in files.items if files is not None else []:
        made.unknown(f"file {file.text_at('value')}", "every variable of it is a setting", file.place)
    variables = container.at("environment")
    for variable in variables.items if variables is not None else []:
        made.setting(variable.text_at("name") or "", variable.text_at("value") or "", variable.place)
    secrets = container.at("secrets")
    for secret in secrets.items if secrets is not None else []:
        source = (secret.text_at("valueFrom") or "").rpartition(":secret:")[2].rpartition(":parameter")[2]
        made.unknown(f"settings.{secret.text_at('name')}", f"the secret {source}", secret.place)


def _platform(made: Building, container: Node, task: Node) -> None:
    memory = container.at("memory") or task.at("memory")
    if memory is not None and (memory.text or "").isdecimal():
        made.put(("platform", "memory_mib"), int(memory.text or ""), memory.place)
    cpu = task.at("cpu")
    if cpu is not None and (cpu.text or "").isdecimal() and int(cpu.text or "") > 0:
        made.put(("platform", "cpus"), int(cpu.text or "") / 1024, cpu.place)
    user = container.at("user")
    if user is not None:
        number = (user.text or "").partition(":")[0]
        if number.isdecimal():
            made.put(("platform", "user"), int(number), user.place)
        else:
            made.unknown("platform.user", f"the id of {number}, which the image knows", user.place)
    read_only = container.at("readonlyRootFilesystem")
    if read_only is not None and read_only.text == "true":
        made.put(("platform", "read_only_root"), value=True, place=read_only.place)
        made.put(("platform", "writable"), list(dict.fromkeys(_writable(container))), read_only.place)
    grace = container.at("stopTimeout")
    seconds = float(grace.text or "") if grace is not None and (grace.text or "").isdecimal() else _GRACE_S
    made.put(("platform", "stop_grace_s"), seconds, (grace or container).place)
    ports = container.at("portMappings")
    port = ports.items[0].at("containerPort") if ports is not None and ports.items else None
    if port is not None and (port.text or "").isdecimal():
        made.put(("platform", "port"), int(port.text or ""), port.place)


def _writable(container: Node) -> Iterator[str]:
    for way, key in ((("linuxParameters", "tmpfs"), "containerPath"), (("mountPoints",), "containerPath")):
        listed = container.at(*way)
        for each in listed.items if listed is not None else []:
            folder = each.text_at(key)
            if folder and each.text_at("readOnly") != "true":
                yield folder


def _notes(made: Building, container: Node, containers: list[Node], task: Node) -> None:
    platform = task.at("runtimePlatform")
    if platform is not None:
        made.not_taken("runtimePlatform", ", ".join(at.text or "" for at in platform.table.values()), platform.place)
    made.unknown("replicas and ingress", "the service's and its load balancer's", container.place)
    image = container.at("image")
    if image is not None:
        put_image_name(made, image.text or "", image.place)
    for key, what in (("entryPoint", "entrypoint"), ("command", "arguments")):
        node = container.at(key)
        if node is not None:
            put_words(made, what, [item.text or "" for item in node.items], node.place)
    for key, word in _PROBE.items():
        node = container.at("healthCheck", key)
        if node is not None:
            made.not_taken(f"health {word}", f"{node.text} s", node.place)
    test = container.at("healthCheck", "command")
    if test is not None:
        made.not_taken("health", " ".join(item.text or "" for item in test.items), test.place)
    list_rest(made, container, _READ)
    list_rest(made, container.at("linuxParameters"), {"tmpfs"}, "linuxParameters.")
    needed = container.at("dependsOn")
    conditions = {
        each.text_at("containerName"): each.text_at("condition")
        for each in (needed.items if needed is not None else [])
    }
    for each in containers:
        name = each.text_at("name") or ""
        ends = conditions.get(name) in _ENDED
        if each is container or (ends and _is_a_job(made, name, each, container)):
            continue
        what, when = ("jobs", "a job before the backend") if ends else ("containers", "beside the backend")
        made.not_taken(f"{what}.{name}", f"{when}: {each.text_at('image')}", each.place)


def _is_a_job(made: Building, name: str, each: Node, container: Node) -> bool:
    """Take what must have ended in the backend's own image as a job."""
    command = each.at("command")
    if command is None or each.text_at("image") != container.text_at("image"):
        return False
    words = [item.text or "" for node in (each.at("entryPoint"), command) if node is not None for item in node.items]
    return made.job(name, words, each.place)


SOURCE = Ecs()
