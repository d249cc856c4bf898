"""Compose services: what they say, each value with its file and line, and what nobody here knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.model.environment import Composed, Dependency, ImageSource, Job
from envparity.sources.interpolation import interpolated
from tests.envparity.sources.reading import environment, mistakes, notes, place, put

TMP = "/tmp"  # noqa: S108  what the service says
GROWING = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)
"""Few lines that are forty million values."""


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
