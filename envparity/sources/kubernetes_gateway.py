"""Routes of a Gateway (gateway.networking.k8s.io) that lead to a workload, and what their filters do to a request."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from envparity.sources.building import Building
from envparity.sources.kubernetes_objects import Objects, name_of
from envparity.sources.rest import list_rest, words_of_node
from envparity.sources.yaml_nodes import Node

__all__ = ["put_host", "put_route"]

_HOST: Final = re.compile(r"[a-z0-9.-]+")
_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
_KEPT: Final = frozenset(
    {"connection", "content-length", "expect", "host", "te", "transfer-encoding", "upgrade"}
    | {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-real-ip"}
)
"""Headers that an ingress needs, or sets itself: what removes them is the matter of who does."""
_GKE: Final = "gke-l7-"
_POLICIES: Final = ("BackendTrafficPolicy", "ClientTrafficPolicy", "GCPBackendPolicy", "HTTPRouteFilter")


def put_host(made: Building, host: Node | None) -> None:
    """The name that clients ask for, where it is one."""
    if host is not None and _HOST.fullmatch(host.text or ""):
        made.put(("ingress", "host"), host.text, host.place)
    elif host is not None:
        made.not_taken("ingress host", host.text or "", host.place)


def put_route(made: Building, found: Objects, services: Collection[str]) -> bool:
    """The first HTTPRoute that leads to one of these Services, with its Gateway; False where none does."""
    for route in found.of_kind("HTTPRoute"):
        rules = _items(route.at("spec", "rules"))
        leading = [rule for rule in rules if any(name in services for name in _backends(rule))]
        if leading:
            made.put(("ingress", "kind"), "nginx", route.place)
            hosts = _items(route.at("spec", "hostnames"))
            put_host(made, hosts[0] if hosts else None)
            _gateway(made, found, route)
            for rule in leading:
                _rule(made, rule, alone=len(leading) == 1)
            for rule in (each for each in rules if each not in leading):
                for kind, node in _filters(rule):
                    made.not_taken(f"ingress {kind}", f"of another rule: {words_of_node(node)}", node.place)
            return True
    return False


def _items(node: Node | None) -> list[Node]:
    return list(node.items) if node is not None else []


def _backends(rule: Node) -> Iterator[str]:
    for backend in _items(rule.at("backendRefs")):
        yield backend.text_at("name") or ""


def _gateway(made: Building, found: Objects, route: Node) -> None:
    """TLS of its listener; limits of its class, which most state nowhere."""
    named = [parent.text_at("name") for parent in _items(route.at("spec", "parentRefs"))]
    of_class: Node | None = None
    for gateway in found.of_kind("Gateway"):
        if name_of(gateway) not in named:
            continue
        of_class = gateway.at("spec", "gatewayClassName")
        for listener in _items(gateway.at("spec", "listeners")):
            if listener.text_at("protocol") == "HTTPS":
                made.put(("ingress", "tls"), value=True, place=listener.place)
    if of_class is not None and (of_class.text or "").startswith(_GKE):
        made.put(("ingress", "preset"), "gke", of_class.place)
    else:
        made.unknown("ingress limits", "those of the Gateway's own class", (of_class or route).place)
    for policy in found.of_kind(*_POLICIES):
        kind = policy.text_at("kind")
        made.unknown(f"ingress {kind}", f"{name_of(policy)}, which its Gateway's controller reads alone", policy.place)


def _rule(made: Building, rule: Node, *, alone: bool) -> None:
    list_rest(made, rule, {"backendRefs", "name", "filters", "matches", "timeouts", "sessionPersistence"}, "ingress ")
    paths = [path for match in _items(rule.at("matches")) if (path := match.at("path")) is not None]
    for match in _items(rule.at("matches")):
        list_rest(made, match, {"path"}, "ingress matches ")
    stripped = False
    for kind, node in _filters(rule):
        if kind == "RequestHeaderModifier":
            _headers(made, node)
        elif kind == "URLRewrite" and alone and _strips(node, paths):
            stripped = True
            made.put(("ingress", "prefix"), paths[0].text_at("value"), paths[0].place)
            made.put(("ingress", "strip_prefix"), value=True, place=node.place)
        else:
            made.not_taken(f"ingress {kind}", _told(node), node.place)
    routed = [path.text_at("value") or "/" for path in paths]
    if not stripped and any(path != "/" for path in routed):
        made.not_taken("ingress paths", ", ".join(routed), paths[0].place)
    _timeouts(made, rule.at("timeouts"))
    _persistence(made, rule.at("sessionPersistence"))


def _filters(rule: Node) -> Iterator[tuple[str, Node]]:
    """Each filter of a rule by its type, with what it says."""
    for each in _items(rule.at("filters")):
        kind = each.text_at("type") or "filter"
        said = each.at(kind[:1].lower() + kind[1:]) or each.at("urlRewrite") or each
        yield kind, said


def _headers(made: Building, node: Node) -> None:
    """Headers that are removed are dropped; no trait adds any, and their values are nobody's to tell."""
    removed = [(each.text or "").lower() for each in _items(node.at("remove"))]
    dropped = [name for name in removed if name not in _KEPT]
    if dropped:
        made.put(("ingress", "drop_headers"), dropped, node.place)
    kept = [name for name in removed if name in _KEPT]
    if kept:
        made.not_taken("ingress headers removed", ", ".join(kept), node.place)
    for key in ("set", "add"):
        names = [each.text_at("name") or "" for each in _items(node.at(key))]
        if names:
            made.not_taken(f"ingress headers {key}", ", ".join(names), node.place)


def _strips(node: Node, paths: list[Node]) -> bool:
    """Whether it does no more than to leave out the one prefix that is matched."""
    alone = set(node.table) == {"path"} and node.text_at("path", "type") == "ReplacePrefixMatch"
    if not alone or node.text_at("path", "replacePrefixMatch") not in {"/", "", None} or len(paths) != 1:
        return False
    is_prefix = (paths[0].text_at("type") or "PathPrefix") == "PathPrefix"
    return is_prefix and _PREFIX.fullmatch(paths[0].text_at("value") or "") is not None


def _told(node: Node) -> str:
    """What a filter says, in one line."""
    told = [f"{key} {words_of_node(at)}" for key, at in node.table.items() if key != "path"]
    path = node.at("path")
    told += [f"path {at.text}" for key, at in (path.table.items() if path is not None else ()) if key != "type"]
    return ", ".join(told)


def _timeouts(made: Building, node: Node | None) -> None:
    """Of a request, not of a WebSocket: whether one is cut by them, its class decides."""
    for key, at in node.table.items() if node is not None else ():
        text = f"{at.text}; whether a WebSocket is cut by it is of the Gateway's own class: ingress.max_lifetime_s"
        made.unknown(f"ingress timeouts {key}", text, at.place)


def _persistence(made: Building, node: Node | None) -> None:
    if node is None:
        return
    if (node.text_at("type") or "Cookie") == "Cookie":
        made.put(("ingress", "affinity"), "cookie", node.place)
    else:
        made.not_taken("ingress sessionPersistence", words_of_node(node), node.place)
