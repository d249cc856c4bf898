"""Other kinds of workloads, mistakes, and what is made different from compose."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.model.environment import Job
from envparity.sources.kubernetes import backends
from tests.envparity.sources.kubernetes.objects import DEPLOYMENT
from tests.envparity.sources.reading import differing, environment, mistakes, notes, place, put


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
