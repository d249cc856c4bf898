"""Several compose files as one project, and the names of services."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.model.environment import Composed, Dependency
from envparity.sources.compose import SOURCE
from tests.envparity.sources.reading import differing, environment, mistakes, notes, place, put


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
