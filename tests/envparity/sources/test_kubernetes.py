"""Kubernetes objects: what a workload is configured with, its limits, its ingress, and what only the cluster knows."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from envparity.model.environment import Composed, Dependency, ImageSource, Ingress, Job
from envparity.sources.kubernetes import backends
from tests.envparity.sources.reading import differing, environment, mistakes, notes, place, put

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2
  template:
    metadata:
      labels: {app: api, tier: web}
    spec:
      terminationGracePeriodSeconds: 45
      securityContext: {runAsUser: 10001}
      initContainers:
        - {name: migrate, image: api, command: [alembic, upgrade, head]}
      containers:
        - name: api
          image: registry.example/api:1.4
          args: [gunicorn, "app:app"]
          ports: [{containerPort: 8080}]
          envFrom:
            - configMapRef: {name: api-config}
            - secretRef: {name: api-secrets}
          env:
            - {name: LOG_LEVEL, value: debug}
            - name: REGION
              valueFrom: {configMapKeyRef: {name: api-config, key: region}}
            - name: JWT_SECRET
              valueFrom: {secretKeyRef: {name: jwt, key: signing-key}}
            - name: POD_IP
              valueFrom: {fieldRef: {fieldPath: status.podIP}}
            - {name: BASE, value: "https://$(REGION).example/$$(x)"}
            - {name: SIGNED, value: "$(JWT_SECRET)-x"}
          resources:
            limits: {memory: 256Mi, cpu: 500m}
          readinessProbe:
            httpGet: {path: /health/ready, port: 8080}
            timeoutSeconds: 5
          securityContext: {readOnlyRootFilesystem: true}
          volumeMounts:
            - {name: scratch, mountPath: /scratch}
            - {name: config, mountPath: /etc/api}
        - {name: sidecar, image: proxy}
      volumes:
        - {name: scratch, emptyDir: {}}
        - {name: config, configMap: {name: api-config}}
"""
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: api-config}
data:
  LOG_LEVEL: info
  DATABASE_URL: postgres://api@main.abc.eu-west-1.rds.amazonaws.com:5432/api?sslmode=require
  REDIS_URL: redis://cache.prod.svc.cluster.local:6379/0
  region: eu
  app.properties: "a=b"
---
apiVersion: v1
kind: Secret
metadata: {name: api-secrets}
stringData:
  API_TOKEN: never-to-be-read
"""
FRONT = """\
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Service
    metadata: {name: api}
    spec:
      selector: {app: api}
  - apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata:
      name: api
      annotations:
        nginx.ingress.kubernetes.io/proxy-read-timeout: "3600"
        nginx.ingress.kubernetes.io/proxy-body-size: 8m
        nginx.ingress.kubernetes.io/affinity: cookie
        nginx.ingress.kubernetes.io/rewrite-target: /$2
        nginx.ingress.kubernetes.io/enable-cors: "true"
    spec:
      ingressClassName: nginx
      tls: [{hosts: [api.example]}]
      rules:
        - host: api.example
          http:
            paths:
              - path: /chat(/|$)(.*)
                backend: {service: {name: api, port: {number: 80}}}
"""
CACHE = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: cache, namespace: prod}
spec:
  template:
    metadata: {labels: {app: cache}}
    spec:
      containers: [{name: redis, image: "redis:7"}]
---
apiVersion: v1
kind: Service
metadata: {name: cache, namespace: prod}
spec: {selector: {app: cache}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec:
  scaleTargetRef: {kind: Deployment, name: api}
  minReplicas: 3
  maxReplicas: 9
"""


@pytest.fixture
def team(tmp_path: Path) -> Path:
    put(
        tmp_path,
        k8s___deployment__yaml=DEPLOYMENT,
        k8s___config__yaml=CONFIG,
        k8s___deep___front__yml=FRONT,
        k8s___cache__yaml=CACHE,
    )
    return tmp_path


def test_a_workload_is_an_environment(team: Path) -> None:
    """Its settings from wherever the files have them, each later over the earlier; servers by image and by URL."""
    made = environment(team, "k8s")
    database = "postgres://{postgres.user}:{postgres.password|urlencode}@{postgres.host}:{postgres.port}"
    assert made.settings == {
        "LOG_LEVEL": "debug",
        "DATABASE_URL": Composed(f"{database}/{{postgres.database}}?sslmode=require"),
        "REDIS_URL": Composed("redis://{redis.host}:{redis.port}/0"),
        "region": "eu",
        "REGION": "eu",
        "BASE": "https://eu.example/$(x)",
    }
    assert made.dependencies == {
        "redis": Dependency("redis", password=False),
        "postgres": Dependency("postgres", tls="require"),
    }
    platform = made.platform
    assert (platform.port, platform.cpus, platform.memory_mib, platform.user) == (8080, 0.5, 256, 10001)
    assert (platform.read_only_root, platform.writable) == (True, ("/scratch",))
    assert (platform.stop_grace_s, platform.replicas) == (45.0, 3)


def test_an_ingress_is_one(team: Path) -> None:
    """With what its class does that says nothing else."""
    made = environment(team, "k8s").ingress
    assert (made.kind, made.tls, made.host) == ("nginx", True, "api.example")
    assert (made.prefix, made.strip_prefix, made.affinity) == ("/chat", True, "cookie")
    assert (made.idle_timeout_s, made.max_body_bytes, made.max_header_bytes) == (3600.0, 8 * 1024**2, 8192)


def test_every_value_knows_its_file_and_line(team: Path) -> None:
    """Of the object that says it."""
    made = environment(team, "k8s#api/api")
    expected = {
        "settings.REGION": "config.yaml:8",
        "settings.LOG_LEVEL": "deployment.yaml:23",
        "dependencies.postgres": "config.yaml:6",
        "platform.memory_mib": "deployment.yaml:33",
        "platform.replicas": "cache.yaml:20",
        "ingress.idle_timeout_s": "front.yml:14",
    }
    assert {key: place(made, key) for key in expected} == expected


def test_only_names_of_secrets(team: Path) -> None:
    """Never a value, though it stands there; and what only a pod knows."""
    made = environment(team, "k8s")
    assert notes(made, known=False) == {
        "settings.API_TOKEN": "key API_TOKEN of the Secret api-secrets",
        "settings.JWT_SECRET": "key signing-key of the Secret jwt",
        "settings.POD_IP": "the pod's status.podIP",
        "settings.SIGNED": "made of JWT_SECRET",
    }
    assert "never-to-be-read" not in repr(made.notes) + repr(made.settings)


def test_what_a_container_is_started_with(team: Path) -> None:
    """Its image by name, `command` in place of the entry point, `args` in place of what that is told, with values."""
    made = environment(team, "k8s")
    assert (made.image, made.entrypoint) == (ImageSource(name="registry.example/api:1.4"), ())
    assert (made.arguments, place(made, "arguments")) == (("gunicorn", "app:app"), "deployment.yaml:17")
    started = 'command: [run, "$(LOG_LEVEL)", "$$(x)", "$(OTHER)"]\n          args: ["--key=$(JWT_SECRET)"]'
    put(team, k8s___deployment__yaml=DEPLOYMENT.replace('args: [gunicorn, "app:app"]', started))
    filled = environment(team, "k8s")
    assert (filled.entrypoint, filled.arguments) == (("run", "debug", "$(x)", "$(OTHER)"), ())
    assert notes(filled, known=False)["arguments"] == "made of JWT_SECRET"


def test_what_no_boot_takes_is_listed(team: Path) -> None:
    """Probes, what runs before and beside, what an annotation says beside that."""
    found = notes(environment(team, "k8s"), known=True)
    assert found["health timeout"] == "5 s"
    assert found["jobs.migrate"] == "a job before the backend: alembic upgrade head"
    assert found["ingress enable-cors"] == "true"
    assert {"containers.sidecar", "replicas at most", "api-config.app.properties"} <= set(found)


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


def test_a_service_of_cloud_run(tmp_path: Path) -> None:
    """Its timeout is how long a connection lasts."""
    put(
        tmp_path,
        service__yaml="""\
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: api}
spec:
  template:
    metadata:
      annotations:
        autoscaling.knative.dev/minScale: "2"
        run.googleapis.com/sessionAffinity: "true"
        run.googleapis.com/cloudsql-instances: p:r:main
    spec:
      timeoutSeconds: 900
      containers:
        - image: api
          ports: [{containerPort: 8080}]
          resources: {limits: {cpu: 1000m, memory: 512Mi}}
          env:
            - {name: LOG, value: json}
            - name: KEY
              valueFrom: {secretKeyRef: {name: key, key: latest}}
""",
    )
    made = environment(tmp_path, "service.yaml")
    assert (made.ingress.max_lifetime_s, made.ingress.affinity, made.ingress.tls) == (900.0, "cookie", True)
    assert (made.platform.replicas, made.platform.memory_mib, made.platform.stop_grace_s) == (2, 512, 10.0)
    assert set(notes(made, known=False)) == {"settings.KEY", "ingress host"}
    assert "run.googleapis.com/cloudsql-instances" in notes(made, known=True)


@pytest.mark.parametrize(
    ("text", "part", "line"),
    [
        ("a: 1\n", "", 0),
        (DEPLOYMENT, "#other", 0),
        (DEPLOYMENT, "#api/other", 9),
        (DEPLOYMENT.replace("256Mi", "much"), "", 33),
        (DEPLOYMENT.replace("name: LOG_LEVEL, ", ""), "", 23),
        (DEPLOYMENT.replace("name: LOG_LEVEL", "name: a.b"), "", 23),
        (DEPLOYMENT + "---\n" + DEPLOYMENT.replace("metadata: {name: api}", "metadata: {name: worker}"), "", 0),
    ],
)
def test_every_mistake_has_its_line(tmp_path: Path, text: str, part: str, line: int) -> None:
    """In the team's file."""
    put(tmp_path, all__yaml=text)
    (mistake,) = mistakes(tmp_path, f"all.yaml{part}")
    assert (Path(mistake.source).name, mistake.line) == ("all.yaml", line)


def test_diff_prints_exactly_what_compose_and_kubernetes_make_different(tmp_path: Path) -> None:
    """A bare string and a list as JSON, a setting in one only, limits in one only, a secret, a migration, a path."""
    put(
        tmp_path,
        compose__yaml="""\
services:
  api:
    image: api
    environment:
      ORIGINS: https://a.example
      ONLY_HERE: x
      DATABASE_URL: postgres://a:b@db/a
      JWT_KEY: ${JWT_KEY}
    stop_grace_period: 30s
    healthcheck: {timeout: 5000ms}
  db: {image: postgres}
""",
        k8s___api__yaml="""\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    metadata: {labels: {app: api}}
    spec:
      initContainers: [{name: migrate, image: api, command: [migrate]}]
      containers:
        - name: api
          image: api
          env:
            - {name: ORIGINS, value: '["https://a.example"]'}
            - {name: DATABASE_URL, value: postgres://a:b@db/a}
            - name: JWT_SECRET
              valueFrom: {secretKeyRef: {name: api, key: jwt}}
          resources: {limits: {memory: 256Mi}}
          readinessProbe: {timeoutSeconds: 5}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{image: postgres}]
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: api}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: api}
spec:
  rules: [{http: {paths: [{path: /ws, backend: {service: {name: api}}}]}}]
""",
    )
    here = environment(tmp_path, "compose.yaml#api", name="local")
    there = environment(tmp_path, "k8s", name="staging")
    assert (here.jobs, there.jobs) == ({}, {"migrate": Job(("migrate",))})
    assert place(there, "jobs.migrate") == "api.yaml:8"
    said = "said, and no part of a boot"
    assert differing(here, there) == {
        "settings: ORIGINS": ("https://a.example (compose.yaml:5)", '["https://a.example"] (api.yaml:13)'),
        "settings: ONLY_HERE": ("x (compose.yaml:6)", "not set"),
        "settings: JWT_KEY": ("not known: made of JWT_KEY, of who deploys (compose.yaml:8)", "not set"),
        "settings: JWT_SECRET": ("not set", "not known: key jwt of the Secret api (api.yaml:15)"),
        "backend: job migrate": ("none", "migrate (60 s) (api.yaml:8)"),
        "platform: memory_mib": ("no limit", "256 (api.yaml:17)"),
        "ingress: kind": ("none", "nginx (api.yaml:39)"),
        f"{said}: health": ("not said", " (api.yaml:18)"),
        f"{said}: ingress limits": ("not said", "those of the cluster's own class (api.yaml:39)"),
        f"{said}: ingress paths": ("not said", "/ws (api.yaml:43)"),
    }


STATEFUL = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: hub, namespace: prod}
spec:
  replicas: 2
  volumeClaimTemplates: [{metadata: {name: data}}]
  template:
    spec:
      initContainers:
        - {name: migrate, image: hub, command: [hub, migrate]}
        - {name: proxy, image: hub, command: [hub, proxy], restartPolicy: Always}
      containers:
        - name: hub
          image: hub
          resources: {limits: {memory: 256Mi, ephemeral-storage: 1Gi}}
          securityContext: {readOnlyRootFilesystem: true}
          env:
            - {name: DB_HOST, value: db.prod.svc}
            - {name: FLAG, valueFrom: {configMapKeyRef: {name: hub, key: flag, optional: true}}}
            - {name: NEEDED, valueFrom: {configMapKeyRef: {name: hub, key: needed}}}
            - {name: OTHER, valueFrom: {configMapKeyRef: {name: elsewhere, key: flag, optional: true}}}
          volumeMounts: [{name: data, mountPath: /data}, {name: conf, mountPath: /etc/hub}]
      volumes: [{name: conf, projected: {sources: [{configMap: {name: files}}, {secret: {name: tls}}]}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: hub}
data: {MODE: prod}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: prod}
spec: {type: ExternalName, externalName: main.example}
---
apiVersion: v1
kind: Service
metadata: {name: unused, namespace: prod}
spec: {type: ExternalName, externalName: other.example}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: hub}
spec: {scaleTargetRef: {name: hub}, minReplicaCount: 3, maxReplicaCount: 9}
"""


def test_a_stateful_set(tmp_path: Path) -> None:
    """Folders that it claims can be written, a container that goes on beside is no job, an optional key may be out."""
    put(tmp_path, all__yaml=STATEFUL)
    made = environment(tmp_path, "all.yaml#hub")
    assert made.platform.writable == ("/data",)
    assert notes(made, known=True)["platform.replicas"].startswith("3")
    assert list(made.jobs) == ["migrate"]
    assert {"settings.NEEDED", "settings.OTHER", "services.db"} <= set(notes(made, known=False))
    assert notes(made, known=False)["files./etc/hub"] == "projected of configMap files, secret tls"
    assert not {"settings.FLAG", "services.unused"} & set(notes(made, known=False))
    assert {"containers.proxy", "limits ephemeral-storage"} <= set(notes(made, known=True))


CLOUD_RUN = """\
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: chat, annotations: {run.googleapis.com/minScale: "2", run.googleapis.com/ingress: internal}}
spec:
  template:
    metadata: {annotations: {autoscaling.knative.dev/minScale: "0"}}
    spec:
      containers:
        - {name: cache, image: "redis:7", env: [{name: OF, value: cache}]}
        - {name: chat, image: a/chat, ports: [{containerPort: 8080}], env: [{name: OF, value: chat}]}
"""
PODS = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: {0}}}
spec: {{template: {{spec: {{containers: [{1}]}}}}}}
---
"""


def test_a_server_beside_the_backend_is_not_the_workload(tmp_path: Path) -> None:
    """Of Cloud Run the container with a port is the backend, wherever it stands; of a pod the first one."""
    put(tmp_path, run__yaml=CLOUD_RUN)
    made = environment(tmp_path, "run.yaml")
    assert (made.settings["OF"], made.platform.port) == ("chat", 8080)
    assert made.platform.replicas == 2
    assert {"containers.cache", "run.googleapis.com/ingress"} <= set(notes(made, known=True))
    web, cache, exporter = (
        "{name: web, image: a/web}",
        "{name: x, image: 'redis:7'}",
        "{name: y, image: 'o/redis_exporter'}",
    )
    pods = PODS.format("web", f"{web}, {cache}") + PODS.format("cache", f"{exporter}, {cache}")
    put(tmp_path, pods__yaml=pods)
    assert backends(tmp_path / "pods.yaml") == ("web",)


@pytest.mark.parametrize(
    ("more", "taken"),
    [
        ("", True),
        (", {name: OTHER_URL, value: 'http://localhost:9000/'}", False),
        (", {name: STATSD_HOST, value: localhost}", False),
    ],
)
def test_a_server_in_the_backends_own_pod_is_a_dependency(tmp_path: Path, more: str, taken: bool) -> None:
    """Where settings name nothing else of this machine: else nobody knows which of them is which."""
    url = "{name: CACHE_URL, value: 'redis://localhost:6379/1'}"
    text = CLOUD_RUN.replace("[{name: OF, value: chat}]", f"[{url}{more}]")
    put(tmp_path, run__yaml=text)
    made = environment(tmp_path, "run.yaml")
    assert ("redis" in made.dependencies, "containers.cache" in notes(made, known=True)) == (taken, not taken)
    composed = made.settings["CACHE_URL"]
    assert (composed == "redis://localhost:6379/1") != taken
