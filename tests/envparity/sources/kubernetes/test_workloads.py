"""Kubernetes workloads: what one is configured with, its limits, its ingress, and what only the cluster knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.model.environment import Composed, Dependency, ImageSource
from tests.envparity.sources.kubernetes.objects import DEPLOYMENT
from tests.envparity.sources.reading import environment, notes, place, put

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
