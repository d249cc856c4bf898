"""Other workloads that a backend of a cluster talks to, and servers that settings name or do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.model.environment import Composed
from tests.envparity.sources.reading import differing, environment, notes, place, put

CLUSTER = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec:
      containers:
        - name: api
          image: api
          env: [{name: PRICES, value: "http://pricing.prod.svc:80/v1"}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: prices, namespace: prod}
spec:
  template:
    metadata: {labels: {app: prices}}
    spec:
      containers:
        - image: prices:3
          args: [serve]
          ports: [{containerPort: 8080}]
          env:
            - {name: LEVEL, value: info}
            - name: KEY
              valueFrom: {secretKeyRef: {name: prices, key: key}}
          readinessProbe: {httpGet: {path: /ready}}
          volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: pricing, namespace: prod}
spec: {selector: {app: prices}}
"""


def test_a_workload_of_a_cluster_is_one_too(tmp_path: Path) -> None:
    """Behind its Service, by the port of its container."""
    put(tmp_path, all__yaml=CLUSTER)
    made = environment(tmp_path, "all.yaml#api")
    pricing = made.dependencies["pricing"]
    assert (pricing.kind, pricing.options["image"], pricing.options["port"]) == ("image", "prices:3", 8080)
    assert (pricing.options["variables"], pricing.options["command"]) == ({"LEVEL": "info"}, ["serve"])
    assert (pricing.options["volumes"], pricing.options["ready"]["http"]) == (["/data"], "/ready")
    assert made.settings["PRICES"] == Composed("http://{pricing.host}:{pricing.port}/v1")
    assert "services.pricing.KEY" in notes(made, known=False)
    put(tmp_path, all__yaml=CLUSTER.replace("http://pricing.prod.svc:80/v1", "none"))
    assert "services.prices" in notes(environment(tmp_path, "all.yaml#api"), known=True)


def test_diff_says_how_one_differs_and_no_secret_of_it(tmp_path: Path) -> None:
    """Key by key."""
    text = "services:\n  api: {image: api, depends_on: [s]}\n  s: {image: x, expose: [1], environment: [PASSWORD=%s]}\n"
    put(
        tmp_path,
        compose__yaml=text % "one-secret",
        compose__staging__yaml=(text % "other-secret").replace(": x", ": y"),
    )
    here = environment(tmp_path, "compose.yaml#api", name="local")
    there = environment(tmp_path, "compose.staging.yaml#api")
    found = differing(here, there)
    assert set(found) == {"s: image", "s: variables"}
    assert "secret" not in str(found["s: variables"])
    assert found["s: image"][0].startswith("x")


def test_what_a_secret_holds_beside_a_host_is_the_servers_own(tmp_path: Path) -> None:
    """The password of a server that is made here is known; what stands beside no host stays unknown."""
    put(tmp_path, k8s__yaml=BESIDE_A_HOST)
    made = environment(tmp_path, "k8s.yaml#api")
    assert "DB_PASSWORD" in made.settings
    assert made.places["settings.DB_PASSWORD"].endswith("k8s.yaml:13")
    assert list(notes(made, known=False)) == ["settings.API_PASSWORD"]
    told = environment(tmp_path, "k8s.yaml#api", own='[settings]\nDB_PASSWORD = "mine"\n')
    assert told.settings["DB_PASSWORD"] == "mine"


BESIDE_A_HOST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec:
      containers:
        - name: api
          image: api
          env:
            - {name: DB_HOST, value: db}
            - {name: DB_PORT, value: "5432"}
            - {name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: s, key: db}}}
            - {name: API_PASSWORD, valueFrom: {secretKeyRef: {name: s, key: api}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "postgres:16"}]}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}}
"""


@pytest.mark.parametrize(
    ("variables", "kinds", "composed", "unknown"),
    [
        ({"REDIS_HOST": "cache.abc.cloud.example", "REDIS_PORT": "6379"}, ["redis"], {"REDIS_HOST", "REDIS_PORT"}, []),
        ({"APP_POSTGRES_HOST": "10.0.0.7"}, [], set(), []),
        ({"API_HOST": "api.example", "REDIS_HOST": "localhost"}, [], set(), []),
        ({"REDIS_HOST": "a.example"}, ["redis"], {"REDIS_HOST"}, ["settings.REDIS_PORT"]),
    ],
)
def test_a_managed_server_is_known_by_the_name_of_its_setting(
    variables: dict[str, str], kinds: list[str], composed: set[str], unknown: list[str], tmp_path: Path
) -> None:
    """Where that is one of a kind and the value a host; a port that nobody says is told, for each boot has another."""
    lines = "".join(f"      {name}: '{value}'\n" for name, value in variables.items())
    put(tmp_path, compose__yaml=f"services:\n  api:\n    image: api\n    environment:\n{lines}")
    made = environment(tmp_path, "compose.yaml#api")
    assert sorted(made.dependencies) == kinds
    assert {name for name in variables if isinstance(made.settings[name], Composed)} == composed
    assert list(notes(made, known=False)) == unknown
    assert not unknown or not notes(
        environment(tmp_path, "compose.yaml#api", own="[settings]\nREDIS_PORT = '1'\n"), known=False
    )


@pytest.mark.parametrize(
    ("setting", "own", "told", "named"),
    [
        ("", "", {"dependencies.redis"}, {"broker": ("broker",), "nats": ("b", "bus")}),
        ('CACHE: "redis://:x@cache:6379", ', "", set(), {"broker": ("broker",), "nats": ("b", "bus")}),
        ("", '[settings]\nCACHE = "{redis.url}"\nBROKER = { from = "broker.host" }\n', set(), {"nats": ("b", "bus")}),
        (
            "",
            '[dependencies.nats]\nhosts = ["mine"]\n',
            {"dependencies.redis"},
            {"broker": ("broker",), "nats": ("mine",)},
        ),
    ],
)
def test_a_server_that_no_setting_leads_to_has_its_names(
    tmp_path: Path, setting: str, own: str, told: set[str], named: dict[str, tuple[str, ...]]
) -> None:
    """Where code that names it can find it in containers; one that asks for a password of the run is told."""
    compose = f"services:\n  api: {{build: ., environment: {{{setting}A: 1}}, depends_on: [cache, broker]}}\n"
    compose += "  cache: {image: redis, command: redis-server --requirepass x, container_name: c}\n"
    compose += "  broker: {image: a/b, ports: ['9092']}\n  bus: {image: nats, container_name: b}\n"
    put(tmp_path, compose__yaml=compose, Dockerfile="FROM a\n")
    made = environment(tmp_path, "compose.yaml#api", own=own)
    assert {name for name in notes(made, known=False) if name.startswith("dependencies.")} == told
    assert {name: server.hosts for name, server in made.dependencies.items() if server.hosts} == named
    assert place(made, "dependencies.broker") == "compose.yaml:4"


CHAIN = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{image: "{image}", ports: [{{containerPort: 80}}], env: [{env}]}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}}}
---
"""


def test_workloads_that_name_each_other_are_told_of_each_other(tmp_path: Path) -> None:
    """One that only another one names is there too, and each is told of the servers; who is named by nobody is not."""
    secret = "{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: a, key: b}}}"
    chain = [
        ("api", "api", '{name: PRICES, value: "http://prices:80"}'),
        ("prices", "prices:3", '{name: RATES_URL, value: "http://rates/v1"}'),
        ("rates", "rates:3", f"{{name: DB_HOST, value: db}}, {secret}"),
        ("idle", "idle:3", '{name: PRICES, value: "http://prices"}'),
        ("db", "postgres:16", ""),
    ]
    put(tmp_path, all__yaml="".join(CHAIN.format(name=name, image=image, env=env) for name, image, env in chain))
    made = environment(tmp_path, "all.yaml#api")
    assert set(made.dependencies) == {"prices", "rates", "postgres"}
    assert made.dependencies["prices"].options["settings"] == {"RATES_URL": "http://{rates.host}:{rates.port}/v1"}
    rates = {"DB_HOST": "{postgres.host}", "DB_PASSWORD": "{postgres.password}"}
    assert made.dependencies["rates"].options["settings"] == rates
    assert "services.rates.DB_PASSWORD" not in notes(made, known=False)
    assert "services.idle" in notes(made, known=True)
