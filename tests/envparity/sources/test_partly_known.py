"""Settings of which only a part is not known: of a server's URL that is what a server made here has of its own."""

from __future__ import annotations

from pathlib import Path

from envparity.model.environment import Composed
from tests.envparity.sources.reading import environment, notes, place, put

PARTLY = """\
services:
  api:
    build: .
    environment:
      DATABASE_URL: postgresql://${DB_USER}:${DB_PASSWORD}@db:5432/${DB_NAME:?is needed}?pool=5
      CACHE: redis://:${CACHE_PASSWORD}@cache:6379/${CACHE_NUMBER}
      OPEN: redis://:${CACHE_PASSWORD}@open:6379
      BROKER: amqp://${USER}:${PASSWORD}@${BROKER_HOST}//
      POOLED: postgresql://${DB_USER}@db/${DB_NAME}?pool=${POOL}
      SITE: https://${SITE}/
  db: {image: postgres}
  cache: {image: redis, command: redis-server --requirepass x}
  open: {image: redis}
"""


def test_what_is_not_known_of_a_servers_url_is_the_servers_own(tmp_path: Path) -> None:
    """Its user, its password, its database, the host of a managed one; what else is not known stays so."""
    put(tmp_path, compose__yaml=PARTLY, Dockerfile="FROM a\n")
    made = environment(tmp_path, "compose.yaml#api")
    assert {name: value.template for name, value in made.settings.items() if isinstance(value, Composed)} == {
        "DATABASE_URL": "postgresql://{postgres.user}:{postgres.password|urlencode}@{postgres.host}:{postgres.port}/"
        "{postgres.database}?pool=5",
        "BROKER": "amqp://{rabbitmq.user}:{rabbitmq.password|urlencode}@{rabbitmq.host}:{rabbitmq.port}//",
    }
    assert place(made, "settings.DATABASE_URL") == "compose.yaml:5"
    unknown = {name for name in notes(made, known=False) if name.startswith("settings.")}
    assert unknown == {f"settings.{name}" for name in ("CACHE", "OPEN", "POOLED", "SITE")}
    assert set(made.dependencies) == {"postgres", "rabbitmq", "cache", "open"}


def test_a_url_with_a_password_of_a_secret_leads_to_the_server(tmp_path: Path) -> None:
    """Though only the cluster knows it: a server made here has its own, also one that is managed elsewhere."""
    secret = "valueFrom: {secretKeyRef: {name: s, key: pw}}"
    variables = [
        f"{{name: PASSWORD, {secret}}}",
        f"{{name: HOST_OF_QUEUE, {secret}}}",
        '{name: URL, value: "postgres://app:$(PASSWORD)@db.managed.example:5432/app"}',
        '{name: QUEUE, value: "amqps://u:$(PASSWORD)@$(HOST_OF_QUEUE)/"}',
        '{name: PAGE, value: "https://$(PASSWORD).example"}',
    ]
    pod = f"containers: [{{name: a, image: a, env: [{', '.join(variables)}]}}]"
    api = f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec: {{template: {{spec: {{{pod}}}}}}}\n"
    put(tmp_path, k__yaml=api)
    made = environment(tmp_path, "k.yaml#api")
    composed = {name: value.template for name, value in made.settings.items() if isinstance(value, Composed)}
    assert composed["QUEUE"].startswith("amqps://{rabbitmq.user}:{rabbitmq.password|urlencode}@{rabbitmq.host}:")
    assert {"settings.PAGE", "settings.PASSWORD"} <= set(notes(made, known=False))
    assert "settings.URL" not in notes(made, known=False)
    assert set(made.dependencies) == {"rabbitmq", "postgres"}


def test_a_url_without_a_host_is_left_as_it_is(tmp_path: Path) -> None:
    """What stands before its `@` is a user: a server behind a socket of the machine's own, as Cloud SQL's."""
    url = "postgresql://app@/app?host=/cloudsql/project:region:name"
    put(tmp_path, compose__yaml=f'services: {{api: {{image: a, environment: {{URL: "{url}"}}}}}}\n')
    made = environment(tmp_path, "compose.yaml#api")
    assert (made.settings, dict(made.dependencies)) == ({"URL": url}, {})


def test_of_two_counts_of_instances_both_hold(tmp_path: Path) -> None:
    """Cloud Run has one for the service, and one for each revision."""
    front = "metadata: {name: api, annotations: {run.googleapis.com/minScale: '1'}}"
    inner = "metadata: {annotations: {autoscaling.knative.dev/minScale: '2'}}, spec: {containers: [{image: a}]}"
    kind = "apiVersion: serving.knative.dev/v1\nkind: Service\n"
    put(tmp_path, service__yaml=f"{kind}{front}\nspec: {{template: {{{inner}}}}}\n")
    assert environment(tmp_path, "service.yaml").platform.replicas == 2
