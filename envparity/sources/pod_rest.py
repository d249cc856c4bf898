"""What a pod says of a container that no boot takes: files that are mounted, and all that nothing else reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from envparity.sources.building import Building
from envparity.sources.rest import list_rest
from envparity.sources.yaml_nodes import Node

__all__ = ["pod_rest"]

_READ: Final = frozenset(
    (
        *(
            "args",
            "command",
            "env",
            "envFrom",
            "image",
            "livenessProbe",
            "name",
            "ports",
            "readinessProbe",
            "resources",
        ),
        *("securityContext", "startupProbe", "volumeMounts", "imagePullPolicy", "stdin", "tty"),
        *("terminationMessagePath", "terminationMessagePolicy"),
    )
)
_READ_OF_POD: Final = frozenset(
    (
        *(
            "containers",
            "initContainers",
            "securityContext",
            "terminationGracePeriodSeconds",
            "timeoutSeconds",
            "volumes",
        ),
        *("affinity", "automountServiceAccountToken", "containerConcurrency", "dnsPolicy", "enableServiceLinks"),
        *("imagePullSecrets", "nodeSelector", "preemptionPolicy", "priorityClassName", "restartPolicy"),
        *("runtimeClassName", "schedulerName", "serviceAccount", "serviceAccountName", "tolerations"),
        "topologySpreadConstraints",
    )
)
"""What of it is read, and what says where it runs alone."""
_READ_OF_SECURITY: Final = frozenset(
    ("allowPrivilegeEscalation", "readOnlyRootFilesystem", "runAsNonRoot", "runAsUser", "seccompProfile")
)


def pod_rest(made: Building, container: Node, pod: Node) -> None:
    """List it."""
    list_rest(made, container, _READ)
    list_rest(made, pod, _READ_OF_POD, "pod ")
    for each in (pod, container):
        list_rest(made, each.at("securityContext"), _READ_OF_SECURITY, "securityContext ")
    _mounted_files(made, container, pod)


def _mounted_files(made: Building, container: Node, pod: Node) -> None:
    """Files that are mounted: no boot takes them, and of Secrets and of the node nobody here knows what is in them."""
    volumes = pod.at("volumes")
    known = {volume.text_at("name"): volume for volume in (volumes.items if volumes is not None else [])}
    mounts = container.at("volumeMounts")
    for mount in mounts.items if mounts is not None else []:
        volume, where = known.get(mount.text_at("name")), f"files.{mount.text_at('mountPath')}"
        if volume is None:
            continue
        config, secret = volume.text_at("configMap", "name"), volume.text_at("secret", "secretName")
        if config is not None:
            made.not_taken(where, f"the ConfigMap {config}", mount.place)
        elif secret is not None:
            made.unknown(where, f"the Secret {secret}", mount.place)
        elif volume.at("projected") is not None:
            made.unknown(where, f"projected of {', '.join(_projected(volume))}", mount.place)
        elif volume.at("hostPath") is not None:
            made.unknown(where, "a path of the node", mount.place)


def _projected(volume: Node) -> Iterator[str]:
    """What a volume is put together of, by kind and name."""
    sources = volume.at("projected", "sources")
    for each in sources.items if sources is not None else []:
        for kind, said in each.table.items():
            yield f"{kind} {said.text_at('name') or ''}".rstrip()
