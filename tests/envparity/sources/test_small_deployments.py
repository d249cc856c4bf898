"""Small deployments in the shape of real ones, taken as they are: `diff` says exactly what they hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.envparity.sources.reading import differing, environment, put

COMPOSE = """\
services:
  api:
    build: .
    environment:
      ALLOWED_ORIGINS: '["https://app.example"]'
      LOG_LEVEL: info
      DEBUG_SQL: "1"
      DATABASE_URL: postgres://app:pw@db:5432/app
      JWT_KEY: ${JWT_KEY:?is needed}
    ports: ["8080:8080"]
    stop_grace_period: 30s
    healthcheck:
      test: ["CMD", "curl", "-f", "localhost:8080/health"]
      timeout: 500ms
    depends_on:
      db: {condition: service_healthy}
      migrate: {condition: service_completed_successfully}
  migrate:
    build: .
    command: alembic upgrade head
  db:
    image: postgres:16
    healthcheck: {test: ["CMD", "pg_isready"]}
"""
HELM = """\
---
# Source: api/templates/configmap.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: api}
data:
  ALLOWED_ORIGINS: https://app.example
  LOG_LEVEL: info
  DATABASE_URL: postgres://app:pw@db:5432/app
---
# Source: api/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: api
          ports: [{containerPort: 8080}]
          envFrom: [{configMapRef: {name: api}}]
          env:
            - name: JWT_SECRET
              valueFrom: {secretKeyRef: {name: api, key: jwt}}
          resources: {limits: {memory: 256Mi, cpu: 500m}}
          readinessProbe:
            httpGet: {path: /health, port: 8080}
            timeoutSeconds: 5
---
# Source: api/templates/service.yaml
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: api}}
---
# Source: postgresql/templates/statefulset.yaml
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: postgresql, image: "bitnami/postgresql:16"}]}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}}
---
# Source: api/templates/ingress.yaml
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: api}
spec:
  ingressClassName: nginx
  rules: [{host: api.example, http: {paths: [{path: /, backend: {service: {name: api}}}]}}]
"""
# The patch of the other overlay is there, and commented out: its limits are none.
OVERLAY = (
    HELM.replace("resources: {limits: {memory: 256Mi, cpu: 500m}}", "# resources: {limits: {memory: 256Mi}}")
    .replace("path: /, ", "path: /ws, ")
    .replace("replicas: 2", "replicas: 2  # patch: 4")
)
FLY = """\
app = "api"
kill_timeout = 30
[env]
ORIGINS = '["a"]'
SAME = "1"
[deploy]
release_command = "migrate"
[http_service]
internal_port = 8080
[[vm]]
memory_mb = 256
"""
RENDER = """\
services:
  - type: web
    name: api
    envVars:
      - {key: ORIGINS, value: a}
      - {key: SAME, value: '1'}
      - {key: ONLY, value: x}
"""
HEROKU = """\
{"env": {"ORIGINS": "a", "SAME": "1",
"SECRET": {"generator": "secret"}}}
"""
TASK = """\
{"containerDefinitions": [{"name": "api", "image": "api",
"environment": [{"name": "ORIGINS", "value": "[\\"a\\"]"},
{"name": "SAME", "value": "1"}],
"memory": 512, "secrets": [{"name": "KEY", "valueFrom": "arn:x:secret:key"}]}]}
"""


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """All of them in one folder, with the Dockerfile that compose builds."""
    put(tmp_path, compose__yaml=COMPOSE, helm__yaml=HELM, overlay__yaml=OVERLAY, Dockerfile="FROM a\n")
    put(tmp_path, fly__toml=FLY, render__yaml=RENDER, app__json=HEROKU, **{"task-definition__json": TASK})
    return tmp_path


def test_compose_and_the_output_of_helm(team: Path) -> None:
    """A list against a string, a setting, a migration and a secret of one side, limits of the other, ms against s."""
    here = environment(team, "compose.yaml#api", name="local")
    there = environment(team, "helm.yaml#api")
    said = "said, and no part of a boot"
    assert differing(here, there) == {
        "settings: ALLOWED_ORIGINS": (
            '["https://app.example"] (compose.yaml:5)',
            "https://app.example (helm.yaml:7)",
        ),
        "settings: DEBUG_SQL": ("1 (compose.yaml:7)", "not set"),
        "settings: JWT_KEY": ("not known: made of JWT_KEY, of who deploys (compose.yaml:9)", "not set"),
        "settings: JWT_SECRET": ("not set", "not known: key jwt of the Secret api (helm.yaml:26)"),
        "backend: image": ("Dockerfile (compose.yaml:3)", "api (helm.yaml:22)"),
        "backend: job migrate": ("alembic upgrade head (60 s) (compose.yaml:18)", "none"),
        "platform: cpus": ("no limit", "0.5 (helm.yaml:28)"),
        "platform: memory_mib": ("no limit", "256 (helm.yaml:28)"),
        "platform: replicas": ("1", "2 (helm.yaml:16)"),
        "ingress: kind": ("none", "nginx (helm.yaml:54)"),
        "ingress: host": ("localhost", "api.example (helm.yaml:59)"),
        f"{said}: health": ("CMD curl -f localhost:8080/health (compose.yaml:13)", "/health (helm.yaml:29)"),
        f"{said}: health timeout": ("0.5 s (compose.yaml:14)", "5 s (helm.yaml:31)"),
        f"{said}: ingress paths": ("not said", "/ (helm.yaml:59)"),
    }


def test_two_overlays(team: Path) -> None:
    """A patch that is commented out in one, and the path of the ingress."""
    assert differing(environment(team, "helm.yaml#api", name="local"), environment(team, "overlay.yaml#api")) == {
        "platform: cpus": ("0.5 (helm.yaml:28)", "no limit"),
        "platform: memory_mib": ("256 (helm.yaml:28)", "no limit"),
        "said, and no part of a boot: ingress paths": ("/ (helm.yaml:59)", "/ws (overlay.yaml:59)"),
    }


def test_two_platforms(team: Path) -> None:
    """What Fly is told, and what Render is: a list, a setting, a migration, a limit, the port."""
    found = differing(environment(team, "fly.toml", name="local"), environment(team, "render.yaml"))
    assert {key: cells for key, cells in found.items() if not key.startswith(("ingress", "said"))} == {
        "settings: ORIGINS": ('["a"] (fly.toml:4)', "a (render.yaml:5)"),
        "settings: ONLY": ("not set", "x (render.yaml:7)"),
        "settings: PORT": ("8080", "10000"),
        "backend: image": ("Dockerfile (fly.toml:1)", "the backend file's"),
        "backend: job release": ("migrate (60 s) (fly.toml:7)", "none"),
        "platform: port": ("8080 (fly.toml:9)", "10000 (render.yaml:2)"),
        "platform: memory_mib": ("256 (fly.toml:11)", "no limit"),
    }


def test_two_clouds(team: Path) -> None:
    """What Heroku is told, and a task of ECS: a list, a secret under two names, a limit."""
    found = differing(environment(team, "app.json", name="local"), environment(team, "task-definition.json"))
    assert {key: cells for key, cells in found.items() if not key.startswith(("ingress", "said"))} == {
        "settings: ORIGINS": ("a (app.json:1)", '["a"] (task-definition.json:2)'),
        "settings: SECRET": ("secret, made for every run (32 bytes) (app.json:2)", "not set"),
        "settings: KEY": ("not set", "not known: the secret key (task-definition.json:4)"),
        "backend: image": ("the backend file's", "api (task-definition.json:1)"),
        "platform: memory_mib": ("no limit", "512 (task-definition.json:4)"),
    }
