"""Other containers that a backend talks to: which are dependencies, of which kind, and which are listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.model.environment import Composed, Environment
from tests.envparity.sources.reading import differing, environment, notes, place, put

COMPOSE = """\
services:
  api:
    image: api
    depends_on:
      search: {condition: service_healthy}
      pricing: {condition: service_healthy}
    environment:
      SEARCH_URL: http://search:9200/idx
      PRICES: http://pricing:8080
      STORE_HOST: store
      STORE_PORT: 9000
      STORE_USER: minio
      MODE: worker
      CALLS: amqp://guest:guest@mq:5672/prod
  search:
    image: opensearch:2
    environment: [discovery.type=single-node]
    expose: ["9200"]
  store:
    image: minio/minio
    command: server /data
    environment:
      MINIO_ROOT_PASSWORD: ${STORE_PASSWORD}
      MINIO_REGION: eu
    ports: ["9000:9000"]
    volumes: [data:/data, ./conf:/conf]
    healthcheck: {test: ["CMD", mc, ready, local]}
  pricing:
    build: ./pricing
    command: serve --port 8080
    environment:
      PORT: "8080"
      DB_HOST: db
      DB_PORT: 5432
      RATES: '{"eur": 1}'
      TEXT: '{name}'
    healthcheck: {test: curl localhost:8080/health}
  worker: {build: ., command: work}
  db: {image: postgres}
  mq: {image: "rabbitmq:3-management"}
"""
KNOWN = """\
services:
  api: {{image: api, environment: {{URL: "{url}"}}}}
  server: {{image: "{image}", command: {command}}}
"""


@pytest.fixture
def made(tmp_path: Path) -> Environment:
    """What the backend of that file extends."""
    put(tmp_path, compose__yaml=COMPOSE.replace("discovery.type=single-node", "DISCOVERY=single-node"))
    put(tmp_path, pricing___Dockerfile="FROM x\n")
    return environment(tmp_path, "compose.yaml#api")


def test_a_container_of_another_image_is_a_dependency(made: Environment) -> None:
    """With its port, variables, volumes of the engine's own, its command and its health check."""
    assert set(made.dependencies) == {"search", "store", "pricing", "postgres", "rabbitmq"}
    search, store = made.dependencies["search"], made.dependencies["store"]
    assert (search.kind, search.options["image"], search.options["port"]) == ("image", "opensearch:2", 9200)
    assert search.options["variables"] == {"DISCOVERY": "single-node"}
    assert store.options["command"] == ["server", "/data"]
    assert store.options["volumes"] == ["/data"]
    assert store.options["variables"] == {"MINIO_REGION": "eu"}
    assert store.options["ready"]["command"] == ["mc", "ready", "local"]
    assert place(made, "dependencies.store") == "compose.yaml:19"


def test_a_service_that_is_built_here_is_another_program(made: Environment, tmp_path: Path) -> None:
    """Its settings are composed of the same servers, and braces in them are its own."""
    pricing = made.dependencies["pricing"]
    assert pricing.kind == "service"
    assert pricing.options["built"]["dockerfile"] == str(tmp_path / "pricing" / "Dockerfile")
    assert (pricing.options["port"], pricing.options["command"]) == (8080, ["serve", "--port", "8080"])
    assert pricing.options["settings"] == {
        "DB_HOST": "{postgres.host}",
        "DB_PORT": "{postgres.port}",
        "RATES": '{"eur": 1}',
        "TEXT": "{{name}}",
    }
    assert pricing.options["ready"]["command"] == ["sh", "-c", "curl localhost:8080/health"]


def test_settings_name_them(made: Environment) -> None:
    """By host and port; credentials of somebody else's server stay as they are, those of one made here are its own."""
    settings = {name: value.template for name, value in made.settings.items() if isinstance(value, Composed)}
    assert settings == {
        "SEARCH_URL": "http://{search.host}:{search.port}/idx",
        "PRICES": "http://{pricing.host}:{pricing.port}",
        "STORE_HOST": "{store.host}",
        "STORE_PORT": "{store.port}",
        "CALLS": "amqp://{rabbitmq.user}:{rabbitmq.password|urlencode}@{rabbitmq.host}:{rabbitmq.port}",
    }
    assert (made.settings["MODE"], made.settings["STORE_USER"]) == ("worker", "minio")


def test_what_is_no_dependency_is_listed(made: Environment, tmp_path: Path) -> None:
    """What nothing names, what no key can say, what is of this machine; and it waits for those that are healthy."""
    assert "services.worker" in notes(made, known=True)
    assert notes(made, known=True)["services.store.volumes"] == "./conf, of this machine"
    assert set(notes(made, known=False)) == {"services.store.MINIO_ROOT_PASSWORD"}
    assert made.dependencies_first


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ("{image: x}", "no port"),
        ("{image: x, expose: [1], entrypoint: run}", "entry point"),
        ("{image: x, expose: [1], command: 'run {port} {host} {what}'}", "placeholder"),
        ("{image: '${WHAT}', expose: [1]}", "image"),
        ("{build: ./none, expose: [1]}", "Dockerfile"),
        ("{build: {context: ., target: prod}, expose: [1]}", "stage"),
        ("{image: x, expose: [1], environment: [A.B=1]}", "no name"),
    ],
)
def test_what_cannot_be_said_of_one_is_not_invented(tmp_path: Path, service: str, said: str) -> None:
    """It is listed by name, and is no dependency."""
    compose = f"services:\n  api: {{image: api, depends_on: [other]}}\n  other: {service}\n"
    put(tmp_path, compose__yaml=compose, Dockerfile="FROM a AS prod\n")
    made = environment(tmp_path, "compose.yaml#api")
    assert made.dependencies == {}
    assert said in notes(made, known=True)["services.other"]


@pytest.mark.parametrize(
    ("image", "command", "url", "kind", "said", "template"),
    [
        ("mariadb:11", "[]", "mysql+aiomysql://a:b@server/a", "mariadb", {},
         "mysql+aiomysql://{K.user}:{K.password|urlencode}@{K.host}:{K.port}/{K.database}"),
        ("nats:2.10", "[-js, --auth, x]", "nats://server:4222", "nats", {"jetstream": True},
         "nats://{K.host}:{K.port}"),
        ("memcached", "memcached -m 128", "server:11211", "memcached", {"max_memory_mib": 128}, "{K.host}:{K.port}"),
        ("bitnami/rabbitmq", "[]", "amqp://a:b@server:5672/", "rabbitmq", {},
         "amqp://{K.user}:{K.password|urlencode}@{K.host}:{K.port}/"),
    ],
)  # fmt: skip
def test_every_kind_is_known_by_its_image(
    tmp_path: Path, image: str, command: str, url: str, kind: str, said: dict[str, object], template: str
) -> None:
    """And what its command says of it."""
    put(tmp_path, compose__yaml=KNOWN.format(image=image, command=command, url=url))
    made = environment(tmp_path, "compose.yaml#api")
    assert {name: server.kind for name, server in made.dependencies.items()} == {kind: kind}
    assert said.items() <= made.dependencies[kind].options.items()
    assert made.settings["URL"] == Composed(template.replace("{K.", f"{{{kind}."))


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
    ("setting", "own", "told"),
    [
        ("", "", {"dependencies.redis", "dependencies.broker"}),
        ('CACHE: "redis://cache:6379", ', "", {"dependencies.broker"}),
        ("", '[settings]\nCACHE = "{redis.host}"\nBROKER = { from = "broker.host" }\n', set()),
    ],
)
def test_a_server_that_no_setting_leads_to_is_told(tmp_path: Path, setting: str, own: str, told: set[str]) -> None:
    """It is booted, and the backend looks for it by a name that its code has, where nobody is."""
    compose = f"services:\n  api: {{build: ., environment: {{{setting}A: 1}}, depends_on: [cache, broker]}}\n"
    compose += "  cache: {image: redis, container_name: c}\n  broker: {image: a/b, ports: ['9092']}\n"
    put(tmp_path, compose__yaml=compose, Dockerfile="FROM a\n")
    found = notes(environment(tmp_path, "compose.yaml#api", own=own), known=False)
    assert {name for name in found if name.startswith("dependencies.")} == told
    assert all("c or cache" in text for name, text in found.items() if name == "dependencies.redis")
