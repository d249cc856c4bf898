"""The team's own image of a PostgreSQL or a Redis: what it is given, what cannot be, what a process does not show."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from envparity.dependency.kind import image_name, kind_of
from envparity.errors import ConfigurationError
from envparity.launch.images.builder import ImageBuilder
from envparity.launch.images.folder import default_docker_folder
from envparity.launch.process.limits import cannot_check
from envparity.model.backend import ProcessSource
from tests.envparity.dependencies.booting import booted, environment, reached, reaches
from tests.envparity.dependencies.clients import CLIENTS, with_another_password

KINDS = ("postgres", "redis")


def declared(kind: str, image: str, more: str = "") -> str:
    return f'[dependencies.it]\nkind = "{kind}"\nimage = "{image}"\n{more}\n'


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_known_by_its_reference(kind: str, tmp_path: Path) -> None:
    """And left out, by its kind alone, with nothing of it kept."""
    (own,) = environment(tmp_path, declared(kind, "ours:16")).dependencies.values()
    assert image_name(own) == f"{kind} ours:16"
    (usual,) = environment(tmp_path, f'[dependencies.it]\nkind = "{kind}"\n').dependencies.values()
    assert image_name(usual) == kind
    assert usual.options == {}


@pytest.mark.parametrize("kind", KINDS)
def test_tls_is_the_images_own_matter(kind: str, tmp_path: Path) -> None:
    """Which check says, at the key."""
    with pytest.raises(ConfigurationError) as raised:
        environment(tmp_path, declared(kind, "ours:16", 'tls = "require"'))
    (mistake,) = raised.value.mistakes
    assert mistake.key == "dependencies.it.tls"


def test_what_a_postgres_is_given(tmp_path: Path) -> None:
    """The variables that its usual image reads; the limit on its command line, behind the image's own entry point."""
    (own,) = environment(tmp_path, declared("postgres", "ours:16", "max_connections = 30")).dependencies.values()
    plan = kind_of(own).container(own, "pw")
    assert plan.variables == {"POSTGRES_USER": "app", "POSTGRES_PASSWORD": "pw", "POSTGRES_DB": "app"}
    assert plan.command == ("postgres", "-c", "max_connections=30")
    assert plan.memory_mib is None
    assert kind_of(own).kept_together(own)


def test_a_process_says_that_it_does_not_show_it(tmp_path: Path) -> None:
    """The server of this machine stands for it, and the verdict says so."""
    stands = environment(tmp_path, declared("redis", "ours:7"))
    assert any("ours:7" in line for line in cannot_check(ProcessSource(("sleep", "1"), tmp_path), [stands]))


@pytest.mark.docker
@pytest.mark.parametrize("kind", KINDS)
async def test_one_stands_and_asks_for_the_password(kind: str, tmp_path: Path) -> None:
    """An image that nobody has told the launcher of by another name."""
    client = docker.from_env()
    try:
        built = ImageBuilder(client, default_docker_folder(), lambda _line: None).ensure([kind])[kind]
        client.images.get(built).tag("envparity-test-own", tag=kind)
        text = declared(kind, f"envparity-test-own:{kind}")
        async with booted("container", environment(tmp_path, text), tmp_path) as stack:
            assert await reaches(stack, "it")
            assert await CLIENTS[kind](reached(stack, "it"))
            assert not await CLIENTS[kind](with_another_password(reached(stack, "it")))
    finally:
        client.images.remove(f"envparity-test-own:{kind}", noprune=True)
        client.close()
