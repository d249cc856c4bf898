"""What a deployment's file says that no boot takes: it is listed; nothing is without effect in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.envparity.sources.reading import environment, notes, put

POD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    metadata: {labels: {app: api}}
    spec:
      hostAliases: [{ip: 10.0.0.1, hostnames: [db]}]
      nodeSelector: {disk: fast}
      securityContext: {fsGroup: 3, runAsNonRoot: true}
      containers:
        - name: api
          image: api
          imagePullPolicy: Always
          workingDir: /srv
          lifecycle: {preStop: {exec: {command: [sleep, "5"]}}}
          securityContext: {runAsGroup: 3, allowPrivilegeEscalation: false}
          volumeMounts:
            - {name: config, mountPath: /etc/app}
            - {name: keys, mountPath: /etc/keys}
            - {name: scratch, mountPath: /tmp}
      volumes:
        - {name: config, configMap: {name: app-config}}
        - {name: keys, secret: {secretName: app-keys}}
        - {name: scratch, emptyDir: {}}
"""
SERVICE = """\
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: api}, ports: [{port: 80}]}
---
"""
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: api
  annotations:
    cert-manager.io/cluster-issuer: letsencrypt
    nginx.ingress.kubernetes.io/proxy-buffering: "off"
    alb.ingress.kubernetes.io/load-balancer-attributes: idle_timeout.timeout_seconds=600,routing.http2.enabled=true
    haproxy.org/timeout-tunnel: 1h
spec:
  rules: [{http: {paths: [{path: /, backend: {service: {name: api}}}]}}]
"""
ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api}
spec:
  rules: [{backendRefs: [{name: api}], timeouts: {request: 10s}}]
"""
VIRTUAL = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: api}
"""
COMPOSE = """\
x-shared: &shared {restart: always, labels: {owner: me}}
services:
  api:
    <<: *shared
    image: api
    container_name: api
    working_dir: /srv
    stop_signal: SIGINT
    init: true
    secrets: [db_password]
    ulimits: {nofile: 1024}
    extra_hosts: ["db:10.0.0.1"]
    volumes: ["./config:/etc/app:ro", "data:/data"]
    deploy: {restart_policy: {condition: any}, healthy: soon}
"""
TASK = """\
{"containerDefinitions": [{"name": "api", "image": "api", "essential": true, "workingDirectory": "/srv",
  "ulimits": [{"name": "nofile"}], "healthCheck": {"command": ["CMD", "true"]},
  "logConfiguration": {"logDriver": "awslogs"},
  "linuxParameters": {"tmpfs": [{"containerPath": "/tmp"}], "initProcessEnabled": true}}]}
"""
FLY = """\
app = "api"
kill_signal = "SIGINT"
swap_size_mb = 512
[deploy]
strategy = "rolling"
[http_service]
internal_port = 8080
force_https = true
auto_stop_machines = "stop"
[[vm]]
memory = "512mb"
cpu_kind = "shared"
[[mounts]]
source = "data"
"""
RENDER = """\
services:
  - {type: web, name: api, runtime: python, autoDeploy: true, rootDir: api, disk: {name: data, mountPath: /data}}
"""
APP = """\
{"name": "api", "buildpacks": [{"url": "heroku/python"}], "stack": "heroku-24",
 "formation": {"web": {"quantity": 2, "size": "standard-1x"}}}
"""


@pytest.mark.parametrize(
    ("file", "text", "known", "unknown"),
    [
        (
            "k8s.yaml",
            POD,
            {
                "pod hostAliases", "securityContext fsGroup", "workingDir", "lifecycle", "securityContext runAsGroup",
                "files./etc/app",
            },
            {"files./etc/keys"},
        ),
        (
            "k8s.yaml",
            POD + SERVICE + INGRESS,
            {"ingress proxy-buffering", "ingress load-balancer-attributes", "ingress haproxy.org/timeout-tunnel"},
            set(),
        ),
        ("k8s.yaml", POD + SERVICE + ROUTE, set(), {"ingress limits", "ingress timeouts request"}),
        ("k8s.yaml", POD + SERVICE + VIRTUAL, set(), {"ingress"}),
        (
            "compose.yaml",
            COMPOSE,
            {
                "working_dir", "stop_signal", "init", "secrets", "ulimits", "extra_hosts", "volumes./etc/app",
                "deploy.healthy",
            },
            set(),
        ),
        (
            "task-definition.json",
            TASK,
            {"health", "workingDirectory", "ulimits", "linuxParameters.initProcessEnabled"},
            set(),
        ),
        (
            "fly.toml",
            FLY,
            {"kill_signal", "swap_size_mb", "http_service.auto_stop_machines", "vm[0].cpu_kind", "mounts"},
            set(),
        ),
        ("render.yaml", RENDER, {"rootDir", "disk"}, set()),
        ("app.json", APP, {"buildpacks", "stack", "formation.web.size"}, set()),
    ],
)  # fmt: skip
def test_what_no_boot_takes_is_listed(file: str, text: str, known: set[str], unknown: set[str], tmp_path: Path) -> None:
    """By its name; what says nothing of how it runs is not: labels, where it runs, who issues certificates."""
    put(tmp_path, **{file.replace(".", "__"): text})
    made = environment(tmp_path, file)
    listed = notes(made, known=True)
    assert known <= set(listed)
    assert unknown <= set(notes(made, known=False))
    silent = {"container_name", "labels", "restart", "logConfiguration", "essential", "imagePullPolicy", "autoDeploy"}
    silent |= {"pod nodeSelector", "ingress cluster-issuer", "files./tmp", "linuxParameters.tmpfs", "volumes./data"}
    assert not silent & set(listed)


@pytest.mark.parametrize(
    ("image", "command", "left"),
    [
        ("redis:7", "redis-server --requirepass hunter2 --maxmemory 64mb --maxmemory-policy allkeys-lru",
         "--maxmemory, --maxmemory-policy"),
        ("redis:7", "redis-server --requirepass hunter2", None),
        ("postgres:16", "postgres -c max_connections=20 -c shared_buffers=1GB", "shared_buffers"),
        ("memcached", "memcached -m 128 -c 512", "-c"),
        ("nats", "-js -m 8222", "-m"),
    ],
)  # fmt: skip
def test_options_of_a_server_that_its_table_has_not_are_listed(
    image: str, command: str, left: str | None, tmp_path: Path
) -> None:
    """By their names alone, for a value may be a secret: of a service beside the backend, and of a workload."""
    compose = "services:\n  api: {image: api, depends_on: [one]}\n"
    put(tmp_path, compose__yaml=f"{compose}  one: {{image: '{image}', command: '{command}'}}\n")
    words = ", ".join(f'"{word}"' for word in command.split())
    pod = POD.partition("      hostAliases")[0].replace(": api", ": one")
    pod += f"      containers: [{{name: one, image: '{image}', args: [{words}]}}]\n"
    put(tmp_path, k8s__yaml=POD + "---\n" + pod + SERVICE.replace(": api", ": one"))
    for entry in ("compose.yaml#api", "k8s.yaml#api"):
        assert notes(environment(tmp_path, entry), known=True).get("services.one command") == left
