"""Other containers that a backend talks to: which are dependencies, of which kind, and which are listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.model.environment import Composed, Environment
from tests.envparity.sources.reading import environment, notes, place, put

KNOWN = """\
services:
  api: {{image: api, environment: {{URL: "{url}"}}}}
  server: {{image: "{image}", command: {command}}}
"""


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


TOGETHER = """\
services:
  api: {image: api, environment: {AUTH_URL: "http://auth:9999"}}
  auth:
    image: team/auth
    environment:
      DATABASE_URL: postgres://auth:${DB_PASSWORD}@db:5432/auth?sslmode=disable
      API_URL: http://api:8000
      MAIL_HOST: mail
      MAIL_PORT: 1025
      OTHER: ${ELSEWHERE}
      DB_HOST: db
      DB_PASSWORD: ${DB_PASSWORD}
      MODE: strict
      SHAPE: '{"a": 1}'
  mail: {image: axllent/mailpit}
  idle: {image: x, expose: [1]}
  db: {image: "postgres:16"}
"""


def test_a_container_of_an_image_is_told_of_the_others(tmp_path: Path) -> None:
    """As the backend is; also of one that only it names, and where a part is a server's own. What nobody knows stays
    not known, and what names nobody is as it was.
    """
    put(tmp_path, compose__yaml=TOGETHER)
    made = environment(tmp_path, "compose.yaml#api")
    assert set(made.dependencies) == {"auth", "mail", "postgres"}
    auth = made.dependencies["auth"]
    known = "{postgres.user}:{postgres.password|urlencode}@{postgres.host}:{postgres.port}/{postgres.database}"
    assert auth.options["settings"] == {
        "DATABASE_URL": f"postgres://{known}?sslmode=disable",
        "MAIL_HOST": "{mail.host}",
        "MAIL_PORT": "{mail.port}",
        "DB_HOST": "{postgres.host}",
        "DB_PASSWORD": "{postgres.password}",
    }
    assert auth.options["variables"] == {"API_URL": "http://api:8000", "MODE": "strict", "SHAPE": '{"a": 1}'}
    assert (made.dependencies["mail"].options["port"], auth.options["port"]) == (1025, 9999)
    assert {name for name in notes(made, known=False) if "auth" in name} == {"services.auth.OTHER"}
    assert "services.idle" in notes(made, known=True)
