"""What stands in front of a workload: Ingress, Gateway, and Cloud Run's own front."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envparity.sources.building import Building
from envparity.sources.kubernetes_gateway import put_host, put_route
from envparity.sources.kubernetes_objects import Objects, name_of
from envparity.sources.quantities import seconds, size
from envparity.sources.yaml_nodes import Node, wrong

__all__ = ["put_cloud_run", "put_ingress"]

_PRESETS = {"nginx": "ingress-nginx", "gce": "gke", "gce-internal": "gke", "alb": "alb"}
_NGINX = "nginx.ingress.kubernetes.io/"
_OF_NO_BOOT = (
    "cert-manager.io/",
    "external-dns.",
    "kubectl.kubernetes.io/",
    "meta.helm.sh/",
    "argocd.",
    "app.kubernetes.io/",
)
_LEAST = ("autoscaling.knative.dev/minScale", "run.googleapis.com/minScale")
_OF_WHO_DEPLOYS = frozenset(
    {"run.googleapis.com/client-name", "run.googleapis.com/client-version", "run.googleapis.com/operation-id"}
    | {"serving.knative.dev/creator", "serving.knative.dev/lastModifier", "run.googleapis.com/launch-stage"}
)
_CLASS = "kubernetes.io/ingress.class"
_OTHER_ROUTES = ("VirtualService", "IngressRoute", "TLSRoute", "TCPRoute", "Route", "HTTPProxy", "Mapping")
_LARGEST = 999_999_999
_REWRITTEN = re.compile(r"(?P<prefix>(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+)\(/\|\$\)\(\.\*\)")


def put_ingress(made: Building, found: Objects, workload: Node) -> None:
    """The Ingress or the HTTPRoute that leads to it, where there is one."""
    services = found.services_of(workload)
    for ingress in found.of_kind("Ingress"):
        paths = list(_paths(ingress, services))
        if paths:
            _put(made, ingress, paths)
            _backend_config(made, found)
            return
    if put_route(made, found, services):
        return
    for other in found.of_kind(*_OTHER_ROUTES):
        made.unknown("ingress", f"the {other.text_at('kind')} {name_of(other)}, which is not read", other.place)


def _paths(ingress: Node, services: tuple[str, ...]) -> Iterator[tuple[Node | None, Node | None]]:
    """The host and path of each rule that leads to these services."""
    rules = ingress.at("spec", "rules")
    for rule in rules.items if rules is not None else []:
        paths = rule.at("http", "paths")
        for path in paths.items if paths is not None else []:
            if path.text_at("backend", "service", "name") in services:
                yield rule.at("host"), path.at("path")
    if ingress.text_at("spec", "defaultBackend", "service", "name") in services:
        yield None, None


def _put(made: Building, ingress: Node, paths: list[tuple[Node | None, Node | None]]) -> None:
    annotations = ingress.at("metadata", "annotations")
    noted = annotations.table if annotations is not None else {}
    made.put(("ingress", "kind"), "nginx", ingress.place)
    of_class = ingress.at("spec", "ingressClassName") or noted.get(_CLASS)
    preset = _PRESETS.get(of_class.text or "") if of_class is not None else None
    if of_class is not None and preset is not None:
        made.put(("ingress", "preset"), preset, of_class.place)
    else:
        what = f"those of the class {of_class.text}" if of_class is not None else "those of the cluster's own class"
        made.unknown("ingress limits", what, (of_class or ingress).place)
    tls = ingress.at("spec", "tls")
    if tls is not None and tls.items:
        made.put(("ingress", "tls"), value=True, place=tls.place)
    put_host(made, next((host for host, _ in paths if host is not None), None))
    routed = [path for _, path in paths if path is not None]
    rewrite = noted.get(f"{_NGINX}rewrite-target")
    stripped = _REWRITTEN.fullmatch(routed[0].text or "") if len(routed) == 1 and rewrite is not None else None
    if stripped is not None and rewrite is not None and rewrite.text == "/$2":
        made.put(("ingress", "prefix"), stripped["prefix"], routed[0].place)
        made.put(("ingress", "strip_prefix"), value=True, place=rewrite.place)
    else:
        if routed:
            made.not_taken("ingress paths", ", ".join(path.text or "" for path in routed), routed[0].place)
        if rewrite is not None:
            made.not_taken("ingress rewrite", rewrite.text or "", rewrite.place)
    _annotations(made, noted)


def _annotations(made: Building, noted: dict[str, Node]) -> None:
    for name, node in noted.items():
        short, text = name.removeprefix(_NGINX), node.text or ""
        if short == "proxy-read-timeout":
            made.put(("ingress", "idle_timeout_s"), _amount(seconds(text), node, name), node.place)
        elif short == "proxy-body-size":
            most = _amount(size(text), node, name)
            made.put(("ingress", "max_body_bytes"), int(most) or _LARGEST, node.place)
        elif (short, text) == ("affinity", "cookie"):
            made.put(("ingress", "affinity"), "cookie", node.place)
        elif short == "upstream-hash-by" and text in {"$binary_remote_addr", "$remote_addr"}:
            made.put(("ingress", "affinity"), "address", node.place)
        elif name == "alb.ingress.kubernetes.io/load-balancer-attributes":
            found = re.search(r"idle_timeout\.timeout_seconds=(\d+)", text)
            if found is not None:
                made.put(("ingress", "idle_timeout_s"), float(found[1]), node.place)
            others = [part for part in text.split(",") if not part.strip().startswith("idle_timeout.")]
            if others:
                made.not_taken(f"ingress {name.partition('/')[2]}", ",".join(others), node.place)
        elif name != _CLASS and not name.startswith(_OF_NO_BOOT):
            made.not_taken(f"ingress {short}", text, node.place)


def _amount(value: float | None, node: Node, key: str) -> float:
    if value is None:
        raise wrong(node, key, "an amount", repr(node.text))
    return value


def _backend_config(made: Building, found: Objects) -> None:
    """Google's: how long a connection lasts, and by what a client comes back."""
    for config in found.of_kind("BackendConfig"):
        timeout = config.at("spec", "timeoutSec")
        if timeout is not None and (timeout.text or "").isdecimal():
            made.put(("ingress", "max_lifetime_s"), float(timeout.text or ""), timeout.place)
        kind = config.at("spec", "sessionAffinity", "affinityType")
        affinity = {"CLIENT_IP": "address", "GENERATED_COOKIE": "cookie"}.get((kind.text or "") if kind else "")
        if kind is not None and affinity is not None:
            made.put(("ingress", "affinity"), affinity, kind.place)


def put_cloud_run(made: Building, service: Node) -> None:
    """Cloud Run's front, with the timeout of requests and what keeps clients at an instance."""
    made.put(("ingress", "kind"), "nginx", service.place)
    made.put(("ingress", "preset"), "cloud-run", service.place)
    made.put(("ingress", "tls"), value=True, place=service.place)
    made.unknown("ingress host", "the name that Cloud Run gives, or that is mapped to it", service.place)
    template = service.at("spec", "template")
    timeout = template.at("spec", "timeoutSeconds") if template is not None else None
    if timeout is not None and (timeout.text or "").isdecimal():
        made.put(("ingress", "max_lifetime_s"), float(timeout.text or ""), timeout.place)
    annotations = [each.at("metadata", "annotations") for each in (template, service) if each is not None]
    least = 1
    for name, node in (pair for each in annotations if each is not None for pair in each.table.items()):
        text = node.text or ""
        if name in _OF_WHO_DEPLOYS:
            continue
        if name in _LEAST and text.isdecimal():
            if int(text) == 0:
                continue
            if int(text) >= least:  # what is said of the service and of its revisions holds for both
                least = int(text)
                made.put(("platform", "replicas"), least, node.place)
        elif (name, text) == ("run.googleapis.com/sessionAffinity", "true"):
            made.put(("ingress", "affinity"), "cookie", node.place)
        else:
            made.not_taken(name, text, node.place)
    concurrency = template.at("spec", "containerConcurrency") if template is not None else None
    if concurrency is not None:
        made.not_taken("containerConcurrency", concurrency.text or "", concurrency.place)
