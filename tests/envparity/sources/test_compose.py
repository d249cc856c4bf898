"""Compose files: what their services say, each value with its file and line, and what nobody here knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.model.environment import Composed, Dependency, ImageSource, Job
from envparity.sources.compose import SOURCE
from envparity.sources.interpolation import interpolated
from tests.envparity.sources.reading import differing, environment, mistakes, notes, place, put

TEAM = """\
x-common: &common
  LOG_LEVEL: info
  WORKERS: "2"

services:
  api:
    build:
      context: .
      target: prod
    command: ["gunicorn", "app:app"]
    user: "1000:1000"
    read_only: true
    tmpfs: [/run:size=8m, /tmp]
    environment:
      <<: *common
      WORKERS: 4
      ALLOWED_ORIGINS: '["https://app.example"]'
      DATABASE_URL: postgresql+asyncpg://app:pw@db:5432/app?timeout=5
      CACHE: redis://cache:6379/1
      BROKERS: cache:6379,elsewhere:1
      DB_HOST: db
      DB_PORT: 5432
      DB_PASSWORD: pw
      JWT_SECRET: ${JWT_SECRET:?is needed}
      REGION:
      DEBUG: off
      PORT: "9000"
    env_file:
      - api.env
      - path: local.env
        required: false
    depends_on:
      db:
        condition: service_healthy
      cache:
        condition: service_started
      migrate:
        condition: service_completed_successfully
    healthcheck:
      test: ["CMD", "curl", "localhost:9000/health"]
      timeout: 5000ms
    stop_grace_period: 1m30s
    mem_limit: 512m
    deploy:
      resources:
        limits: {cpus: "0.5"}
  db:
    image: postgis/postgis:16-3.4
  cache:
    image: docker.io/valkey/valkey:8@sha256:00
  migrate:
    build: .
    command: alembic upgrade head
  debug:
    image: redis
    profiles: [debug]
"""

TMP = "/tmp"  # noqa: S108  what the service says
GROWING = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)
"""Few lines that are forty million values."""


@pytest.fixture
def team(tmp_path: Path) -> Path:
    put(tmp_path, compose__yaml=TEAM, api__env="LOG_LEVEL=debug\nFROM_FILE=1\n")
    return tmp_path


def test_a_service_is_an_environment(team: Path) -> None:
    """Its settings as they are written, the servers beside it by their kinds, its limits."""
    made = environment(team, "compose.yaml#api")
    literal = {name: value for name, value in made.settings.items() if isinstance(value, str)}
    composed = {name: value.template for name, value in made.settings.items() if isinstance(value, Composed)}
    assert literal == {
        "LOG_LEVEL": "info",
        "WORKERS": "4",
        "ALLOWED_ORIGINS": '["https://app.example"]',
        "DEBUG": "off",
        "FROM_FILE": "1",
    }
    assert composed == {
        "DATABASE_URL": "postgresql+asyncpg://{postgres.user}:{postgres.password|urlencode}@{postgres.host}:{postgres.port}/{postgres.database}?timeout=5",
        "CACHE": "redis://{redis.host}:{redis.port}/1",
        "BROKERS": "{redis.host}:{redis.port},elsewhere:1",
        "DB_HOST": "{postgres.host}",
        "DB_PORT": "{postgres.port}",
        "DB_PASSWORD": "{postgres.password}",
    }
    assert made.dependencies == {"postgres": Dependency("postgres"), "redis": Dependency("redis", password=False)}
    assert not made.dependencies_first
    platform = made.platform
    assert (platform.port, platform.cpus, platform.memory_mib, platform.user) == (9000, 0.5, 512, 1000)
    assert (platform.read_only_root, platform.writable, platform.stop_grace_s) == (True, ("/run", TMP), 90.0)


def test_every_value_knows_its_file_and_line(team: Path) -> None:
    """Also what an anchor gives, a file of variables, and the one that composes."""
    made = environment(team, "compose.yaml#api", own="[platform]\ncpus = 2\n")
    expected = {
        "settings.LOG_LEVEL": "compose.yaml:2",
        "settings.WORKERS": "compose.yaml:16",
        "settings.DATABASE_URL": "compose.yaml:18",
        "settings.FROM_FILE": "api.env:2",
        "dependencies.postgres": "compose.yaml:47",
        "platform.port": "compose.yaml:27",
        "platform.memory_mib": "compose.yaml:43",
        "platform.cpus": "staging.toml:4",
    }
    assert {key: place(made, key) for key in expected} == expected
    assert made.platform.cpus == 2


def test_what_nobody_here_knows_is_listed(team: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, though this machine has it; and no longer where the environment's own file says it."""
    monkeypatch.setenv("JWT_SECRET", "of-this-machine")
    made = environment(team, "compose.yaml#api")
    assert set(notes(made, known=False)) == {"settings.JWT_SECRET", "settings.REGION", "env_file local.env"}
    assert "JWT_SECRET" not in made.settings
    own = "[settings]\nJWT_SECRET = { secret = 48 }\nREGION = 'eu'\n"
    assert set(notes(environment(team, "compose.yaml#api", own=own), known=False)) == {"env_file local.env"}


def test_what_no_boot_takes_is_listed(team: Path) -> None:
    """With amounts in one unit, so that they can be compared."""
    found = notes(environment(team, "compose.yaml#api"), known=True)
    assert found["health timeout"] == "5 s"
    assert found["jobs.migrate"].endswith("alembic upgrade head")
    assert {"health", "services.debug"} <= set(found)


def test_what_is_built_and_started(team: Path) -> None:
    """The Dockerfile with its stage, where it is here; the command as compose splits it; each with its line."""
    put(team, Dockerfile="FROM a AS prod\nFROM b\n")
    made = environment(team, "compose.yaml#api")
    assert made.image == ImageSource(team / "Dockerfile", team, target="prod")
    assert (made.entrypoint, made.arguments) == ((), ("gunicorn", "app:app"))
    assert (place(made, "image"), place(made, "arguments")) == ("compose.yaml:7", "compose.yaml:10")
    over = "services:\n  api:\n    image: api:2\n    command: serve '--title=a b'\n    entrypoint: [/init]\n"
    put(team, compose__prod__yaml=over)
    later = environment(team, "compose.yaml#api", "compose.prod.yaml")
    assert later.image == ImageSource(name="api:2")
    assert (later.entrypoint, later.arguments) == (("/init",), ("serve", "--title=a b"))
    own = environment(team, "compose.yaml#api", own='command = ["mine"]\nimage = {name = "own"}\n')
    assert (own.command, own.arguments, own.image) == (("mine",), (), ImageSource(name="own"))


@pytest.mark.parametrize(
    ("service", "name", "known"),
    [
        ("build: https://git.example/api.git", "image", True),
        ("build: ./none", "image", True),
        ("build: {context: '.', dockerfile_inline: FROM x}", "image", True),
        ("build: {context: '.', args: {PIP_INDEX: x}}", "image arguments", True),
        ("build: {context: '.', target: '${STAGE}'}", "image", False),
        ("image: 'api:${TAG}'", "image", False),
        ("image: x\n    command: run '${HOW}'", "arguments", False),
        ("image: x\n    command: run 'open", "arguments", True),
        ("image: x\n    entrypoint: []", "entrypoint", True),
    ],
)
def test_what_cannot_be_taken_of_it_is_listed(tmp_path: Path, service: str, name: str, known: bool) -> None:
    """By name: what is elsewhere, what is made of what nobody here knows, what is no list of words."""
    put(tmp_path, Dockerfile="FROM a\n", compose__yaml=f"services:\n  api:\n    {service}\n")
    assert name in notes(environment(tmp_path, "compose.yaml"), known=known)


def test_a_stage_that_the_dockerfile_has_not_is_a_mistake_of_compose(tmp_path: Path) -> None:
    """With the line there."""
    compose = "services:\n  api:\n    build: {context: ., target: prod}\n"
    put(tmp_path, Dockerfile="FROM a AS other\n", compose__yaml=compose)
    (mistake,) = mistakes(tmp_path, "compose.yaml")
    assert (Path(mistake.source).name, mistake.line, mistake.key) == ("compose.yaml", 3, "image.target")


def test_what_must_have_completed_in_the_same_image_is_a_job(tmp_path: Path) -> None:
    """What has a variable of the shell in it, or another image, is listed."""
    put(
        tmp_path,
        compose__yaml="""\
services:
  api:
    build: {context: ., target: prod}
    depends_on:
      migrate: {condition: service_completed_successfully}
      other: {condition: service_completed_successfully}
      shell: {condition: service_completed_successfully}
  migrate: {build: {context: ., target: prod}, command: alembic upgrade 'the head'}
  other: {build: ., command: seed}
  shell: {build: {context: ., target: prod}, command: [sh, -c, "echo $$HOME"]}
""",
    )
    made = environment(tmp_path, "compose.yaml#api")
    assert made.jobs == {"migrate": Job(("alembic", "upgrade", "the head"))}
    assert {"jobs.other", "jobs.shell"} <= set(notes(made, known=True))


def test_later_files_go_over_earlier_ones(team: Path) -> None:
    """A setting of the team's own variables is composed too, and what one file does not know another may say."""
    put(team, staging__env="JWT_SECRET=known\nCACHE=redis://db2:1\nDATABASE_URL=postgres://me:pw@db/app\nREGION=eu\n")
    put(team, compose__prod__yaml="services:\n  api:\n    cpus: 3\n    environment: [WORKERS=8, 'X=a=b']\n")
    made = environment(team, "compose.yaml#api", "compose.prod.yaml", "staging.env")
    assert (made.settings["WORKERS"], made.settings["X"], made.platform.cpus) == ("8", "a=b", 3)
    assert made.settings["JWT_SECRET"] == "known"
    template = (
        "postgres://{postgres.user}:{postgres.password|urlencode}@{postgres.host}:{postgres.port}/{postgres.database}"
    )
    assert made.settings["DATABASE_URL"] == Composed(template)
    assert made.settings["CACHE"] == Composed("redis://{redis-2.host}:{redis-2.port}")
    assert place(made, "dependencies.redis-2") == "staging.env:2"


def test_the_only_server_of_a_kind_is_called_as_its_kind(tmp_path: Path) -> None:
    """In every environment the same; two keep the names of their services, and the file itself says more of one."""
    services = "services:\n  api:\n    build: .\n    environment: [DB_HOST=main]\n  main: {image: postgres}\n"
    put(tmp_path, compose__yaml=services)
    own = '[dependencies.postgres]\nkind = "postgres"\nlatency_ms = 5\n'
    made = environment(tmp_path, "compose.yaml", own=own)
    assert made.dependencies == {"postgres": Dependency("postgres", latency_ms=5)}
    assert made.settings["DB_HOST"] == Composed("{postgres.host}")
    put(tmp_path, compose__yaml=services + "  archive: {image: postgres}\n")
    two = environment(tmp_path, "compose.yaml")
    assert set(two.dependencies) == {"main", "archive"}
    assert two.settings["DB_HOST"] == Composed("{main.host}")


def test_files_include_and_services_extend(tmp_path: Path) -> None:
    """Each with the variables beside it, and every value with its own file."""
    put(
        tmp_path,
        __env="TAG=7\n",
        compose__yaml="""\
include: [data/compose.yaml]
services:
  api:
    extends: {file: base/common.yaml, service: web}
    build: .
    environment:
      TAG: ${TAG}
      KEPT: over
    depends_on: [db]
""",
        data___compose__yaml="services:\n  db:\n    image: pgvector/pgvector:pg16\n",
        base___common__yaml="services:\n  web:\n    environment: [KEPT=under, BASE=1]\n    env_file: base.env\n",
        base___base__env="DEEP=1\nBASE=0\n",
    )
    made = environment(tmp_path, "compose.yaml")
    assert made.settings == {"DEEP": "1", "BASE": "1", "KEPT": "over", "TAG": "7"}
    assert place(made, "settings.BASE") == "common.yaml:3"
    assert place(made, "settings.DEEP") == "base.env:1"
    assert made.dependencies == {"postgres": Dependency("postgres")}


@pytest.mark.parametrize(
    ("text", "expected", "missing"),
    [
        ("$A-${A}", "1-1", []),
        ("$$A", "$A", []),
        ("${N:-x}${N-y}${E:-z}${E-w}", "xyz", []),
        ("${A:+r}${E:+r}${E+s}${N+s}", "rs", []),
        ("${N:-${A}b}", "1b", []),
        ("${N:-${M:-{}}}", "{}", []),
        ("${A:?no}${N:?no}", "1", ["N"]),
        ("${E:?no}", "", ["E"]),
        ("${E?no}", "", []),
        ("a${N}b", "ab", ["N"]),
        ("cost $", "cost $", []),
    ],
)
def test_every_form_of_a_variable(text: str, expected: str, missing: list[str]) -> None:
    """As compose fills it, but that what nothing gives is said."""
    made = interpolated(text, {"A": "1", "E": ""})
    assert (made.text, made.missing, made.wrong) == (expected, missing, "")


@pytest.mark.parametrize("text", ["${", "${A", "${1}", "$1", "${A!x}", "${}"])
def test_what_is_no_form(text: str) -> None:
    """It is said, not guessed."""
    assert interpolated(text, {"A": "1"}).wrong


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("services:\n  a: {image: x}\n  b: {image: y}\n", 0),
        ("services:\n  api:\n    mem_limit: much\n", 3),
        ("services:\n  api:\n    env_file: none.env\n", 3),
        ("services:\n  api:\n    extends: {service: other}\n", 3),
        ("services:\n  api:\n    extends: {service: api}\n", 3),
        ("include: [compose.yaml]\nservices: {}\n", 1),
        ("services:\n  api:\n    environment:\n      A: ${}\n", 4),
        ("services:\n  api:\n   - [\n", 4),
        ("services:\n  api:\n    environment:\n      A.B: 1\n", 4),
        ("services:\n  api:\n    cpus: 1000\n", 3),
        ("services:\n  api:\n    x: !Ref y\n", 3),
        ("a: &a [*a]\n", 1),
        (GROWING, 1),
    ],
)  # fmt: skip
def test_every_mistake_has_its_line(tmp_path: Path, text: str, line: int) -> None:
    """In the team's file, and none is an exception."""
    put(tmp_path, compose__yaml=text)
    (mistake,) = mistakes(tmp_path, "compose.yaml")
    assert (Path(mistake.source).name, mistake.line) == ("compose.yaml", line)


def test_replicas_without_an_ingress_are_said(tmp_path: Path) -> None:
    """They would need one, which the environment's file may have."""
    put(tmp_path, compose__yaml="services:\n  api:\n    deploy: {replicas: 3}\n")
    alone = environment(tmp_path, "compose.yaml")
    assert alone.platform.replicas == 1
    assert "platform.replicas" in notes(alone, known=True)
    assert environment(tmp_path, "compose.yaml", own='[ingress]\nkind = "nginx"\n').platform.replicas == 3


def test_diff_prints_exactly_what_two_files_make_different(tmp_path: Path) -> None:
    """A list as JSON and a bare string, a setting in one only, a secret under two names, a limit, a health check."""
    common = "services:\n  api:\n    build: .\n    environment:\n      SAME: 1\n"
    put(
        tmp_path,
        compose__yaml=common + "      ORIGINS: '[\"https://a.example\"]'\n      ONLY: x\n      API_KEY: ${API_KEY}\n"
        "    healthcheck: {timeout: 5s}\n  db: {image: postgres}\n",
        compose__staging__yaml=common + "      ORIGINS: https://a.example\n      API_KEY: ${STAGING_KEY}\n"
        "    healthcheck: {timeout: 5000us}\n    mem_limit: 1g\n  db: {image: postgres}\n",
    )
    here = environment(tmp_path, "compose.yaml#api", name="local")
    there = environment(tmp_path, "compose.staging.yaml#api")
    assert differing(here, there) == {
        "settings: ORIGINS": ('["https://a.example"] (compose.yaml:6)', "https://a.example (compose.staging.yaml:6)"),
        "settings: ONLY": ("x (compose.yaml:7)", "not set"),
        "settings: API_KEY": (
            "not known: made of API_KEY, of who deploys (compose.yaml:8)",
            "not known: made of STAGING_KEY, of who deploys (compose.staging.yaml:7)",
        ),
        "platform: memory_mib": ("no limit", "1024 (compose.staging.yaml:9)"),
        "said, and no part of a boot: health timeout": (
            "5 s (compose.yaml:9)",
            "0.005 s (compose.staging.yaml:8)",
        ),
    }


def test_names_of_files() -> None:
    """As teams have them."""
    names = ("compose.yaml", "docker-compose.yml", "docker-compose.prod.yml", "compose.toml", "deploy.yaml")
    assert [name for name in names if SOURCE.reads(Path(name))] == list(names[:3])


BASE = """\
services:
  api:
    image: api
    env_file: base.env
    environment: {LOG_LEVEL: info, OLD: "1", DATABASE_URL: "postgresql://app@db/app", CACHE_URL: "redis://cache:6379"}
    read_only: true
    tmpfs: /run
    volumes: ["data:/data", "./conf:/etc/api"]
    depends_on: [db]
    deploy: {resources: {limits: {memory: 512M, pids: 100}}}
  db: {image: "postgres:16", command: postgres -c max_connections=20}
  cache: {image: "redis:7", command: redis-server --requirepass pw}
"""
OVERRIDE = """\
services:
  api:
    env_file: [more.env]
    environment: {LOG_LEVEL: debug, OLD: !reset null}
    tmpfs: [/cache]
    volumes: ["./conf:/etc/api:ro"]
    depends_on: {cache: {condition: service_healthy}}
  db: {command: postgres -c max_connections=50}
  cache: {command: !override redis-server}
"""


def test_files_of_a_folder_are_one_project(tmp_path: Path) -> None:
    """What an override says of a server, and of a list, goes over the file before; each value has its own place."""
    put(tmp_path, compose__yaml=BASE, compose__eu__yaml=OVERRIDE, base__env="A=1\nB=1\n", more__env="B=2\n")
    made = environment(tmp_path, "compose.yaml#api", "compose.eu.yaml#api")
    assert {name: made.settings.get(name) for name in ("A", "B", "LOG_LEVEL", "OLD")} == {
        "A": "1",
        "B": "2",
        "LOG_LEVEL": "debug",
        "OLD": None,
    }
    assert made.platform.writable == ("/run", "/cache", "/data")
    assert made.dependencies["postgres"].max_connections == 50
    assert made.dependencies["redis"].password is False
    assert made.dependencies_first is False
    assert (place(made, "settings.LOG_LEVEL"), place(made, "platform.memory_mib")) == (
        "compose.eu.yaml:4",
        "compose.yaml:10",
    )
    assert "deploy limits pids" in notes(made, known=True)


def test_an_override_may_say_nothing_of_the_service(tmp_path: Path) -> None:
    """Or take back what it was given."""
    for text, memory, read_only in (
        ("services: {db: {command: postgres}}\n", 512, True),
        ("services: {api: {read_only: false, deploy: !reset {}}}\n", None, False),
        (
            "services: {api: {tmpfs: !override [/only], deploy: {resources: !override {limits: {memory: 1g}}}}}\n",
            1024,
            True,
        ),
    ):
        put(tmp_path, compose__yaml=BASE, compose__eu__yaml=text, base__env="")
        made = environment(tmp_path, "compose.yaml#api", "compose.eu.yaml#api")
        assert (made.platform.memory_mib, made.platform.read_only_root) == (memory, read_only)
    assert made.platform.writable == ("/only", "/data", "/etc/api")


NAMED = """\
services:
  api:
    build: .
    links: ["broker:queue"]
    environment: {CACHE: "redis://the-cache:6379", BROKER: "queue:9092", DB_HOST: database, DB_PORT: 5432, A: "b:9092"}
  cache: {image: redis, container_name: the-cache}
  db: {image: postgres, networks: {inner: {aliases: [database]}}}
  broker: {image: a/broker, hostname: b, ports: ["9092"]}
"""


def test_a_service_is_known_by_its_other_names(tmp_path: Path) -> None:
    """Those of its container and of its networks, and the names that links give it."""
    put(tmp_path, compose__yaml=NAMED, Dockerfile="FROM a\n")
    made = environment(tmp_path, "compose.yaml#api")
    assert set(made.dependencies) == {"redis", "postgres", "broker"}
    assert {name: value.template for name, value in made.settings.items() if isinstance(value, Composed)} == {
        "CACHE": "redis://{redis.host}:{redis.port}",
        "BROKER": "{broker.host}:{broker.port}",
        "DB_HOST": "{postgres.host}",
        "DB_PORT": "{postgres.port}",
        "A": "{broker.host}:{broker.port}",
    }


def test_what_is_said_of_the_password_of_a_server_without_one_is_left_as_it_is(tmp_path: Path) -> None:
    """It was one of the placeholder's mistakes: nothing can be composed of what there is not."""
    settings = 'REDIS_HOST: cache, REDIS_PORT: 6379, REDIS_PASSWORD: ""'
    compose = f"services:\n  api: {{build: ., environment: {{{settings}}}}}\n  cache: {{image: redis}}\n"
    put(tmp_path, compose__yaml=compose, Dockerfile="FROM a\n")
    assert environment(tmp_path, "compose.yaml#api").settings["REDIS_PASSWORD"] == ""


def test_a_user_that_nobody_names_is_the_images(tmp_path: Path) -> None:
    put(tmp_path, compose__yaml='services: {a: {image: a}, b: {image: a, user: "0"}}\n')
    here, there = (environment(tmp_path, f"compose.yaml#{name}", name=name) for name in "ab")
    assert differing(here, there)["platform: user"] == ("the image's", "0 (compose.yaml:1)")


MERGING = """\
x-first: &first {ONLY_FIRST: "1", BOTH: first}
x-second: &second {ONLY_SECOND: "1", BOTH: second, OWN: second}
services:
  a:
    image: a
    environment: {<<: [*first, *second], OWN: own}
"""


def test_of_what_is_merged_the_first_that_says_it_counts(tmp_path: Path) -> None:
    """And over all of it what the mapping says itself, each with the line where it stands."""
    put(tmp_path, compose__yaml=MERGING)
    made = environment(tmp_path, "compose.yaml#a")
    assert made.settings == {"ONLY_FIRST": "1", "BOTH": "first", "ONLY_SECOND": "1", "OWN": "own"}
    assert (place(made, "settings.BOTH"), place(made, "settings.ONLY_SECOND")) == ("compose.yaml:1", "compose.yaml:2")
    put(tmp_path, compose__yaml="services: {a: {image: a, environment: {<<: [text]}}}\n")
    assert len(mistakes(tmp_path, "compose.yaml#a")) == 1


@pytest.mark.parametrize(("active", "there"), [("other,debug", True), ("other", False)])
def test_a_profile_that_the_projects_variables_switch_on_is_on(tmp_path: Path, active: str, there: bool) -> None:
    compose = (
        'services:\n  a: {image: a, environment: {URL: "redis://cache"}}\n  cache: {image: redis, profiles: [debug]}\n'
    )
    put(tmp_path, compose__yaml=compose, __env=f"COMPOSE_PROFILES={active}\n")
    assert ("services.cache" in notes(environment(tmp_path, "compose.yaml#a"), known=True)) is not there
