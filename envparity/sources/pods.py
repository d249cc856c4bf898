"""What a pod's specification says of one of its containers: its settings, its limits, how it is asked for health."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from envparity.sources.building import Building
from envparity.sources.images import put_image_name, put_words
from envparity.sources.kubernetes_objects import Objects
from envparity.sources.quantities import cores, mebibytes
from envparity.sources.rest import list_rest
from envparity.sources.source import UNKNOWN
from envparity.sources.yaml_nodes import Node, wrong

__all__ = ["container_limits", "container_notes", "container_of", "container_settings", "writable_folders"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE = re.compile(r"\$\$|\$\((?P<name>[A-Za-z_][A-Za-z0-9_.-]*)\)")
_PROBES = {"readinessProbe": "health", "livenessProbe": "liveness", "startupProbe": "startup"}
_WRITABLE = frozenset({"csi", "emptyDir", "ephemeral", "nfs", "persistentVolumeClaim"})
_AMOUNTS = {"timeoutSeconds": "timeout", "periodSeconds": "period", "initialDelaySeconds": "start period"}


def container_of(pod: Node, name: str) -> Node:
    """The container of that name, else the first. Raises `ConfigurationError`."""
    containers = pod.at("containers")
    found = [each for each in (containers.items if containers is not None else []) if each.table]
    chosen = next((each for each in found if each.text_at("name") == name), found[0] if found and not name else None)
    if chosen is None:
        raise wrong(pod, "containers", f"a container {name}".rstrip(), "none of it")
    return chosen


def container_settings(made: Building, container: Node, objects: Objects) -> None:
    """Its settings: of ConfigMaps as they are in the files, of Secrets the names alone."""
    sources = container.at("envFrom")
    for source in sources.items if sources is not None else []:
        prefix = source.text_at("prefix") or ""
        map_name, secret = source.text_at("configMapRef", "name"), source.text_at("secretRef", "name")
        if map_name is not None:
            _whole_map(made, objects, map_name, prefix, source)
        elif secret is not None:
            keys = list(_keys_of(objects, secret))
            for key, at in keys:
                made.unknown(f"settings.{prefix}{key}", f"key {key} of the Secret {secret}", at.place)
            if not keys:
                made.unknown(f"Secret {secret}", "every key of it is a setting", source.place)
    values: dict[str, str] = {}
    variables = container.at("env")
    for variable in variables.items if variables is not None else []:
        name = variable.text_at("name")
        if name is None:
            raise wrong(variable, "env", "a name", "none")
        text, place, why = _value(variable, objects)
        if text is None and _is_left_out(variable, objects):
            continue
        if text is None:
            made.unknown(f"settings.{name}", why, variable.place)
            continue
        missing = [
            found["name"] for found in _REFERENCE.finditer(text) if found["name"] and made.is_unknown(found["name"])
        ]
        if missing:
            known = {**made.settings, **values, **dict.fromkeys(missing, UNKNOWN)}
            partly = _REFERENCE.sub(lambda found, known=known: _filled(found, known), text)  # type: ignore[misc]
            made.unknown(f"settings.{name}", f"made of {', '.join(missing)}", variable.place, partly)
            continue
        values[name] = _REFERENCE.sub(lambda found: _filled(found, {**made.settings, **values}), text)
        made.setting(name, values[name], place.place)


def _filled(found: re.Match[str], values: dict[str, str]) -> str:
    return "$" if found[0] == "$$" else values.get(found["name"], found[0])


def _whole_map(made: Building, objects: Objects, name: str, prefix: str, source: Node) -> None:
    found = objects.named("ConfigMap", name)
    if found is None:
        made.unknown(f"ConfigMap {name}", "every key of it is a setting; it is not among the files", source.place)
        return
    data = found.at("data")
    for key, at in data.table.items() if data is not None else ():
        if _NAME.fullmatch(prefix + key):
            made.setting(prefix + key, at.text or "", at.place)
        else:
            made.not_taken(f"{name}.{key}", "no name of a variable, which is passed over", at.place)


def _value(variable: Node, objects: Objects) -> tuple[str | None, Node, str]:
    """Its text, where that stands, and in place of one why there is none."""
    source = variable.at("valueFrom")
    if source is None:
        return variable.text_at("value") or "", variable, ""
    for kind, what in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        name, key = source.text_at(kind, "name"), source.text_at(kind, "key")
        if name is None or key is None:
            continue
        found = objects.named("ConfigMap", name) if what == "ConfigMap" else None
        data = found.at("data") if found is not None else None
        at = data.table.get(key) if data is not None else None
        return (at.text if at is not None else None), at or variable, f"key {key} of the {what} {name}"
    path = source.text_at("fieldRef", "fieldPath") or source.text_at("resourceFieldRef", "resource")
    return None, variable, f"the pod's {path or 'own'}"


def _is_left_out(variable: Node, objects: Objects) -> bool:
    """Whether it is not set, because an optional key is not in a ConfigMap that is here."""
    source = variable.at("valueFrom", "configMapKeyRef")
    optional = source is not None and source.text_at("optional") == "true"
    return optional and source is not None and objects.named("ConfigMap", source.text_at("name") or "") is not None


def _keys_of(objects: Objects, secret: str) -> Iterator[tuple[str, Node]]:
    """The names of a Secret's keys, where the files say them, whoever makes it."""
    for found in objects.of_kind("Secret", "SealedSecret", "ExternalSecret"):
        name = found.text_at("spec", "target", "name") or found.text_at("metadata", "name")
        if name != secret:
            continue
        for way in (("data",), ("stringData",), ("spec", "encryptedData")):
            table = found.at(*way)
            yield from table.table.items() if table is not None else ()
        listed = found.at("spec", "data")
        for entry in listed.items if listed is not None else []:
            key = entry.text_at("secretKey")
            if key is not None:
                yield key, entry


def container_limits(made: Building, container: Node, pod: Node) -> None:
    """Its limits and its user, as a platform: memory, cores, root, the folders that can be written, its port."""
    for key, way, read in (
        ("memory_mib", "memory", lambda text: mebibytes(text, decimal=True)),
        ("cpus", "cpu", cores),
    ):
        node = container.at("resources", "limits", way)
        if node is not None and node.text is not None:
            amount = read(node.text)
            if amount is None:
                raise wrong(node, f"resources.limits.{way}", "an amount", repr(node.text))
            made.put(("platform", key), amount, node.place)
    list_rest(made, container.at("resources", "limits"), {"cpu", "memory"}, "limits ")
    user = container.at("securityContext", "runAsUser") or pod.at("securityContext", "runAsUser")
    if user is not None and (user.text or "").isdecimal():
        made.put(("platform", "user"), int(user.text or ""), user.place)
    read_only = container.at("securityContext", "readOnlyRootFilesystem")
    if read_only is not None and read_only.text == "false":
        made.put(("platform", "read_only_root"), value=False, place=read_only.place)
    elif read_only is not None and read_only.text == "true":
        made.put(("platform", "read_only_root"), value=True, place=read_only.place)
        made.put(("platform", "writable"), list(dict.fromkeys(writable_folders(container, pod))), read_only.place)
    ports = container.at("ports")
    numbers = [port.at("containerPort") for port in (ports.items if ports is not None else [])]
    if numbers and numbers[0] is not None and (numbers[0].text or "").isdecimal():
        made.put(("platform", "port"), int(numbers[0].text or ""), numbers[0].place)


def writable_folders(container: Node, pod: Node) -> Iterator[str]:
    """The folders of its that can be written whatever its root is; what no volume of the pod is named as is claimed
    by its StatefulSet.
    """
    listed = pod.at("volumes")
    volumes = {volume.text_at("name"): volume for volume in (listed.items if listed is not None else [])}
    mounts = container.at("volumeMounts")
    for mount in mounts.items if mounts is not None else []:
        folder = mount.text_at("mountPath")
        volume = volumes.get(mount.text_at("name"))
        is_writable = volume is None or not _WRITABLE.isdisjoint(volume.table)
        if folder and is_writable and mount.text_at("readOnly") != "true":
            yield folder


def container_notes(made: Building, container: Node, pod: Node) -> None:
    """Its image and what that is started with, what runs before it; and that no boot takes probes, other containers."""
    image = container.at("image")
    if image is not None:
        put_image_name(made, image.text or "", image.place)
    for key, what in (("command", "entrypoint"), ("args", "arguments")):
        node = container.at(key)
        if node is not None:
            _started(made, what, node)
    for key, what in _PROBES.items():
        probe = container.at(key)
        if probe is None:
            continue
        target = probe.at("httpGet", "path") or probe.at("exec", "command")
        kind = next((kind for kind in ("tcpSocket", "grpc") if kind in probe.table), "")
        made.not_taken(what, _words(target) if target is not None else kind, probe.place)
        for amount, word in _AMOUNTS.items():
            node = probe.at(amount)
            if node is not None:
                made.not_taken(f"{what} {word}", f"{node.text} s", node.place)
    for key, what in (("initContainers", "jobs"), ("containers", "containers")):
        beside = pod.at(key)
        for each in beside.items if beside is not None else []:
            if each is not container:
                command = each.at("command") or each.at("args")
                words = _words(command) if command is not None else each.text_at("image") or ""
                is_job = key == "initContainers" and each.text_at("restartPolicy") != "Always"
                when = "a job before the backend: " if is_job else "beside the backend: "
                if is_job and _is_a_job(made, each, container):
                    continue
                name = what if is_job else "containers"
                made.not_taken(f"{name}.{each.text_at('name')}", when + words, each.place)


def _started(made: Building, what: str, node: Node) -> None:
    """Words in which `$(NAME)` is a setting's value; of a setting that nobody here knows only that."""
    words = [item.text or "" for item in node.items]
    named = {found["name"] for word in words for found in _REFERENCE.finditer(word) if found["name"]}
    unknown = sorted(name for name in named if made.is_unknown(name))
    if unknown:
        made.unknown(what, f"made of {', '.join(unknown)}", node.place)
        return
    values = dict(made.settings)
    filled = [_REFERENCE.sub(lambda found: _filled(found, values), word) for word in words]
    put_words(made, what, filled, node.place)


def _is_a_job(made: Building, each: Node, container: Node) -> bool:
    """Take what runs first in the backend's own image as a job."""
    command, arguments = each.at("command"), each.at("args")
    if command is None or each.text_at("image") != container.text_at("image"):
        return False
    words = [item.text or "" for node in (command, arguments) if node is not None for item in node.items]
    return made.job(each.text_at("name") or "", words, each.place)


def _words(node: Node) -> str:
    return shlex.join(item.text or "" for item in node.items) if isinstance(node.value, list) else node.text or ""
