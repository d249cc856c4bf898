"""Routes of a gateway: what they lead to, and what they do to a request."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from envparity.model.environment import Ingress
from tests.envparity.sources.kubernetes.objects import DEPLOYMENT
from tests.envparity.sources.reading import environment, notes, put


def test_a_route_of_a_gateway(tmp_path: Path) -> None:
    """TLS is its listener's, limits are nobody's here."""
    put(
        tmp_path,
        all__yaml=DEPLOYMENT
        + """---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: api}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: front}
spec:
  listeners: [{protocol: HTTPS}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api}
spec:
  parentRefs: [{name: front}]
  hostnames: [api.example]
  rules: [{backendRefs: [{name: api}]}]
""",
    )
    made = environment(tmp_path, "all.yaml")
    assert (made.ingress.kind, made.ingress.tls, made.ingress.host) == ("nginx", True, "api.example")
    assert {"ingress limits", "ConfigMap api-config", "Secret api-secrets"} <= set(notes(made, known=False))


ROUTE = """---
apiVersion: v1
kind: Service
metadata: {{name: api}}
spec: {{selector: {{app: api}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: front}}
spec:
  gatewayClassName: {of_class}
  listeners: [{{protocol: HTTPS}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: api}}
spec:
  parentRefs: [{{name: front}}]
  rules:
    - {rule}
"""
LEADS = "backendRefs: [{name: api}]"
MODIFIES = """filters: [{type: RequestHeaderModifier, requestHeaderModifier: {
      remove: [X-Debug, Upgrade], set: [{name: X-Site, value: hidden}], add: [{name: X-More, value: hidden}]}}]"""
REWRITES = """matches: [{{path: {{type: PathPrefix, value: /chat}}}}], filters: [{{type: URLRewrite,
      urlRewrite: {{path: {{type: ReplacePrefixMatch, replacePrefixMatch: {}}}}}}}]"""


@pytest.mark.parametrize(
    ("rule", "taken", "listed"),
    [
        (
            MODIFIES,
            {"drop_headers": ("x-debug",)},
            {"headers removed": "upgrade", "headers set": "X-Site", "headers add": "X-More"},
        ),
        (
            REWRITES.format("/"),
            {"prefix": "/chat", "strip_prefix": True},
            {},
        ),
        (
            REWRITES.format("/ws"),
            {},
            {"URLRewrite": "path /ws", "paths": "/chat"},
        ),
        (
            "matches: [{path: {value: /}}], filters: [{type: URLRewrite, urlRewrite: {hostname: inner.example}}]",
            {},
            {"URLRewrite": "hostname inner.example"},
        ),
        (
            "filters: [{type: RequestRedirect, requestRedirect: {scheme: https, statusCode: 301}}]",
            {},
            {"RequestRedirect": "scheme https, statusCode 301"},
        ),
        ("sessionPersistence: {sessionName: at}", {"affinity": "cookie"}, {}),
        ("matches: [{path: {value: /}, headers: [{name: X-Version, value: v2}]}]", {}, {"matches headers": ""}),
    ],
)
def test_what_a_route_does_to_a_request(
    tmp_path: Path, rule: str, taken: dict[str, object], listed: dict[str, str]
) -> None:
    """A trait where there is one, a line where there is none, and no value of a header."""
    put(tmp_path, all__yaml=DEPLOYMENT + ROUTE.format(of_class="eg", rule=f"{{{rule}, {LEADS}}}"))
    made = environment(tmp_path, "all.yaml")
    usual = Ingress(kind="nginx", tls=True)
    assert made.ingress == msgspec.structs.replace(usual, **taken)
    found = {name.removeprefix("ingress "): text for name, text in notes(made, known=True).items()}
    for name, text in listed.items():
        assert text in found.pop(name)
    assert not {name for name in found if name.split()[0] in {"URLRewrite", "headers", "paths", "RequestRedirect"}}
    assert "hidden" not in str(made.notes)


def test_timeouts_of_a_route_are_the_gateways_to_read(tmp_path: Path) -> None:
    """What they do to a WebSocket no document says; of a class that states its figures these are known."""
    rule = "{timeouts: {request: 30s, backendRequest: 10s}, " + LEADS + "}"
    put(tmp_path, all__yaml=DEPLOYMENT + ROUTE.format(of_class="gke-l7-global-external-managed", rule=rule))
    made = environment(tmp_path, "all.yaml")
    unknown = notes(made, known=False)
    assert unknown["ingress timeouts request"].startswith("30s")
    assert unknown["ingress timeouts backendRequest"].startswith("10s")
    assert "ingress limits" not in unknown
    assert made.ingress.max_lifetime_s == 30
