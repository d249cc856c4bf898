"""What Fly, Render, Heroku and Amazon ECS are told of an app."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.model.environment import Dependency, FromSource, ImageSource, Job, SecretOf
from tests.envparity.sources.reading import differing, environment, mistakes, notes, place, put

FLY = """\
app = "api"
primary_region = "fra"
kill_timeout = "15s"
[build]
dockerfile = "Dockerfile"
[env]
LOG = "json"
WORKERS = 4
DEBUG = false
[deploy]
release_command = "alembic upgrade head"
[processes]
worker = "celery"
[http_service]
internal_port = 8080
min_machines_running = 2
[[http_service.checks]]
path = "/health"
timeout = "500ms"
[[vm]]
memory = "1gb"
cpus = 2
"""
RENDER = """\
services:
  - type: web
    name: api
    numInstances: 2
    healthCheckPath: /health
    preDeployCommand: alembic upgrade head
    domains: [api.example]
    envVars:
      - {key: LOG, value: json}
      - {key: JWT_SECRET, generateValue: true}
      - {key: API_KEY, sync: false}
      - {key: DATABASE_URL, fromDatabase: {name: main, property: connectionString}}
      - {key: CACHE_HOST, fromService: {type: keyvalue, name: cache, property: host}}
      - {key: OTHER, fromService: {type: web, name: other, property: host}}
      - fromGroup: shared
      - fromGroup: elsewhere
  - {type: keyvalue, name: cache}
databases:
  - name: main
envVarGroups:
  - name: shared
    envVars: [{key: REGION, value: eu}]
"""
HEROKU = """\
{
  "env": {
    "LOG": "json",
    "LEVEL": {"value": "info"},
    "SECRET_KEY": {"generator": "secret"},
    "API_KEY": {"description": "of a partner"},
    "OPTIONAL": {"required": false}
  },
  "addons": ["heroku-postgresql:mini", {"plan": "heroku-redis:mini"}, "papertrail"],
  "formation": {"web": {"quantity": 2}}
}
"""
TASK = """\
{"taskDefinition": {
  "cpu": "512", "memory": "1024",
  "containerDefinitions": [
    {"name": "api", "image": "api:1", "user": "10001:0", "readonlyRootFilesystem": true, "stopTimeout": 60,
     "portMappings": [{"containerPort": 8080}],
     "mountPoints": [{"containerPath": "/data"}, {"containerPath": "/etc/x", "readOnly": true}],
     "linuxParameters": {"tmpfs": [{"containerPath": "/run"}]},
     "environment": [{"name": "LOG", "value": "json"}],
     "secrets": [{"name": "JWT_SECRET", "valueFrom": "arn:aws:secretsmanager:eu-west-1:1:secret:api/jwt"}],
     "healthCheck": {"command": ["CMD"], "timeout": 5}},
    {"name": "agent", "image": "agent:1"}
  ]
}}
"""


def test_fly(tmp_path: Path) -> None:
    """Its settings are texts, its preset has documented limits."""
    put(tmp_path, fly__toml=FLY)
    made = environment(tmp_path, "fly.toml")
    assert made.settings == {"LOG": "json", "WORKERS": "4", "DEBUG": "false"}
    platform = made.platform
    assert (platform.port, platform.replicas, platform.stop_grace_s) == (8080, 2, 15.0)
    assert (platform.memory_mib, platform.cpus) == (1024, 2)
    assert (made.ingress.kind, made.ingress.tls, made.ingress.forwarded_for) == ("nginx", True, "append")
    assert set(notes(made, known=False)) == {"secrets", "ingress host"}
    found = notes(made, known=True)
    assert found["health timeout"] == "0.5 s"
    assert {"processes.worker", "primary_region", "health"} <= set(found)
    assert (made.jobs, place(made, "jobs.release")) == ({"release": Job(("alembic", "upgrade", "head"))}, "fly.toml:11")
    assert "not here" in found["image"]
    (tmp_path / "Dockerfile").touch()
    put(tmp_path, fly__toml=FLY.replace("worker =", 'app = "serve --fast"\nworker ='))
    built = environment(tmp_path, "fly.toml")
    assert built.image == ImageSource(tmp_path / "Dockerfile", tmp_path)
    assert (built.arguments, place(built, "arguments")) == (("serve", "--fast"), "fly.toml:13")
    assert (place(made, "settings.WORKERS"), place(made, "platform.memory_mib")) == ("fly.toml:8", "fly.toml:21")


def test_render(tmp_path: Path) -> None:
    """A generated value is made for each run, a database is a server of its own."""
    put(tmp_path, render__yaml=RENDER)
    made = environment(tmp_path, "render.yaml#api")
    assert made.settings == {
        "LOG": "json",
        "JWT_SECRET": SecretOf(32),
        "DATABASE_URL": FromSource("postgres.url"),
        "CACHE_HOST": FromSource("redis.host"),
        "REGION": "eu",
    }
    assert made.dependencies == {"postgres": Dependency("postgres"), "redis": Dependency("redis", password=False)}
    assert (made.platform.replicas, made.platform.port, made.ingress.host) == (2, 10000, "api.example")
    assert set(notes(made, known=False)) == {"settings.API_KEY", "settings.OTHER", "group elsewhere", "ingress limits"}
    assert set(notes(made, known=True)) == {"health"}
    assert made.jobs == {"release": Job(("alembic", "upgrade", "head"))}
    assert place(made, "settings.REGION") == "render.yaml:22"


def test_what_render_builds_and_starts(tmp_path: Path) -> None:
    """A Dockerfile and its context, both relative to the file; a command that needs a shell is listed."""
    docker = "  - {type: web, name: api, runtime: docker, dockerfilePath: ./api/Dockerfile, dockerContext: ./api,\n"
    put(tmp_path, api___Dockerfile="", render__yaml=f"services:\n{docker}     dockerCommand: serve -w 2}}\n")
    made = environment(tmp_path, "render.yaml")
    assert made.image == ImageSource(tmp_path / "api" / "Dockerfile", tmp_path / "api")
    assert made.arguments == ("serve", "-w", "2")
    put(tmp_path, render__yaml=f"services:\n{docker}     dockerCommand: serve -w 2 && x}}\n")
    assert "arguments" in notes(environment(tmp_path, "render.yaml"), known=True)


def test_heroku(tmp_path: Path) -> None:
    """Addons give the settings that Heroku gives, the Procfile beside it what runs."""
    put(tmp_path, app__json=HEROKU, Procfile="web: gunicorn app\n\n# comment\nrelease: migrate\nworker: rq\n")
    made = environment(tmp_path, "app.json")
    assert made.settings == {
        "LOG": "json",
        "LEVEL": "info",
        "SECRET_KEY": SecretOf(32),
        "DATABASE_URL": FromSource("postgres.url"),
        "REDIS_URL": FromSource("redis.url"),
    }
    assert {name: server.tls for name, server in made.dependencies.items()} == {
        "postgres": "require",
        "redis": "require",
    }
    assert (made.ingress.idle_timeout_s, made.platform.replicas, made.platform.stop_grace_s) == (55.0, 2, 30.0)
    assert set(notes(made, known=False)) == {"settings.API_KEY", "ingress host", "config"}
    assert set(notes(made, known=True)) == {"command", "processes.worker", "addons.papertrail"}
    assert made.jobs == {"release": Job(("migrate",))}
    assert "command" in notes(environment(tmp_path, "Procfile"), known=True)


def test_a_task_of_ecs(tmp_path: Path) -> None:
    """Of a secret the name, of its machine the limits."""
    put(tmp_path, **{"task-definition__json": TASK})
    made = environment(tmp_path, "task-definition.json#api")
    assert made.settings == {"LOG": "json"}
    platform = made.platform
    assert (platform.cpus, platform.memory_mib, platform.user, platform.port) == (0.5, 1024, 10001, 8080)
    assert (platform.read_only_root, platform.writable, platform.stop_grace_s) == (True, ("/run", "/data"), 60.0)
    assert made.image == ImageSource(name="api:1")
    assert notes(made, known=False)["settings.JWT_SECRET"] == "the secret api/jwt"
    assert notes(made, known=True)["health timeout"] == "5 s"
    assert place(made, "settings.LOG") == "task-definition.json:8"


@pytest.mark.parametrize(
    ("name", "text", "part", "line"),
    [
        ("fly.toml", "kill_timeout = 'soon'\n", "", 1),
        ("fly.toml", "app = \n", "", 1),
        ("fly.toml", "app = 'x'\n[env]\n'A.B' = 1\n", "", 3),
        ("fly.toml", "app = 'x'\n", "#web", 0),
        ("render.yaml", "services:\n  - {type: web, name: a}\n", "#b", 1),
        ("app.json", "{", "", 1),
        ("app.json", "{}", "#web", 0),
        ("Procfile", "web: x\nother\n", "", 2),
        ("taskdef.json", '{"containerDefinitions": []}', "", 1),
        ("taskdef.json", '{"containerDefinitions": [{"name": "a"}]}', "#b", 1),
    ],
)
def test_every_mistake_has_its_line(tmp_path: Path, name: str, text: str, part: str, line: int) -> None:
    """In the team's file."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    (mistake,) = mistakes(tmp_path, f"{name}{part}")
    assert (Path(mistake.source).name, mistake.line) == (name, line)


def test_diff_prints_exactly_what_two_platforms_make_different(tmp_path: Path) -> None:
    """A port, a list as JSON, a secret of one name in both that nobody here knows."""
    put(
        tmp_path,
        fly__toml='[env]\nORIGINS = \'["a"]\'\nSAME = "1"\n[http_service]\ninternal_port = 8080\n',
        app__json='{"env": {"ORIGINS": "a",\n "SAME": "1", "KEY": {}}}',
    )
    here, there = environment(tmp_path, "fly.toml", name="local"), environment(tmp_path, "app.json", name="staging")
    found = {name: cells for name, cells in differing(here, there).items() if name.startswith("settings")}
    assert found == {
        "settings: ORIGINS": ('["a"] (fly.toml:2)', "a (app.json:1)"),
        "settings: KEY": ("not set", "not known: what heroku config holds (app.json:2)"),
        "settings: PORT": ("8080", "8000"),
    }


def test_what_stands_beside_a_service_of_render(tmp_path: Path) -> None:
    """Its own variables go over its groups', wherever they stand; what scales has its least; others are told."""
    put(
        tmp_path,
        render__yaml="""\
envVarGroups: [{name: shared, envVars: [{key: LOG_LEVEL, value: info}, {key: MODE, value: a}]}]
services:
  - {type: worker, name: jobs}
  - type: web
    name: chat
    scaling: {minInstances: 2, maxInstances: 4}
    envVars: [{key: LOG_LEVEL, value: debug}, {fromGroup: shared}]
  - {type: pserv, name: engine}
""",
    )
    made = environment(tmp_path, "render.yaml#chat")
    assert (made.settings, made.platform.replicas) == ({"LOG_LEVEL": "debug", "MODE": "a"}, 2)
    assert {"services.jobs", "services.engine", "replicas at most"} <= set(notes(made, known=True))
    assert environment(tmp_path, "render.yaml#engine").ingress.kind == "none"


def test_containers_of_a_task(tmp_path: Path) -> None:
    """The one with a port is the backend; what must have ended in its image is a job, what goes on is told."""
    containers = """[{"name": "logs", "image": "fluent-bit"}, {"name": "wait", "image": "busybox", "command": ["sh"]},
      {"name": "migrate", "image": "api:1", "entryPoint": ["/app"], "command": ["migrate"]},
      {"name": "api", "image": "api:1", "portMappings": [{"containerPort": 8080}], "dependsOn": [
        {"containerName": "migrate", "condition": "SUCCESS"}, {"containerName": "wait", "condition": "COMPLETE"},
        {"containerName": "logs", "condition": "START"}]}]"""
    text = f'{{"runtimePlatform": {{"cpuArchitecture": "ARM64"}}, "containerDefinitions": {containers}}}'
    put(tmp_path, taskdef__json=text)
    made = environment(tmp_path, "taskdef.json")
    assert (made.platform.port, made.jobs) == (8080, {"migrate": Job(("/app", "migrate"))})
    assert {"containers.logs", "jobs.wait", "runtimePlatform"} == set(notes(made, known=True))


def test_all_of_a_service_of_fly_is_listed(tmp_path: Path) -> None:
    """Also where it is the first of several: its bounds, and checks by TCP."""
    bounds = "[services.concurrency]\nhard_limit = 9\n[[services.tcp_checks]]\ninterval = '15s'\n"
    put(tmp_path, fly__toml=f"app = 'x'\n[[services]]\ninternal_port = 8080\n{bounds}")
    found = notes(environment(tmp_path, "fly.toml"), known=True)
    assert {"services[0].concurrency", "services[0].tcp_checks"} <= set(found)


@pytest.mark.parametrize(
    ("addon", "setting", "server"),
    [
        ('"rediscloud:30"', "REDISCLOUD_URL", ("redis", "off")),
        ('"cloudamqp"', "CLOUDAMQP_URL", ("rabbitmq", "require")),
        ('{"plan": "jawsdb-maria:kitefin"}', "JAWSDB_MARIA_URL", ("mariadb", "off")),
        ('{"plan": "heroku-postgresql", "as": "STORE"}', "STORE_URL", ("postgres", "require")),
    ],
)
def test_an_addon_of_heroku_is_a_server_by_its_plan(
    tmp_path: Path, addon: str, setting: str, server: tuple[str, str]
) -> None:
    """Whoever offers it, under the name that its setting has there."""
    put(tmp_path, app__json=f'{{"addons": [{addon}]}}')
    made = environment(tmp_path, "app.json")
    ((name, dependency),) = made.dependencies.items()
    assert (dependency.kind, dependency.tls) == server
    assert made.settings == {setting: FromSource(f"{name}.url")}
