"""What every kind of dependency keeps to, in both launchers: it answers, is cut, late, absent and started again."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.dependency.kind import KINDS, RunsAsProcess, Server, kind_of
from envparity.launch.process.servers import HasServer
from envparity.model.case import Boot
from tests.envparity.dependencies.booting import booted, environment, reached, reaches
from tests.envparity.dependencies.clients import CLIENTS, with_another_password

# The keys beside `kind` of one of each; and whether there can be TLS and a password.
DECLARED = {
    "postgres": 'tls = "require"',
    "redis": 'tls = "require"',
    "nats": 'tls = "require"\nmax_payload = 4096\njetstream = true',
    "mariadb": 'tls = "require"\nmax_connections = 20',
    "memcached": "max_connections = 128\nmax_memory_mib = 16",
    "rabbitmq": 'tls = "require"',
    "identity-provider": 'client_id = "another"',
    "service": 'image = "IMAGE"\nport = 6379\nprocess = ["python3", "-m", "http.server", "{port}"]',
    "image": (
        'image = "IMAGE"\nport = 6379\nprocess = ["python3", "-m", "http.server", "{port}", "--bind", "127.0.0.1"]\n'
        'url = "http://{address}/"'
    ),
}
BOTH = [
    *(pytest.param(name, "container", marks=pytest.mark.docker, id=f"{name}-container") for name in DECLARED),
    *(pytest.param(name, "process", marks=pytest.mark.processes, id=f"{name}-process") for name in DECLARED),
]


def declared(name: str, keys: str, references: str = "") -> str:
    return f"""
        [settings]
        PORT_OF_IT = {{ from = "it.port" }}
        [dependencies.it]
        kind = "{name}"
    """ + "\n".join(f"        {line}" for line in keys.replace("IMAGE", references).splitlines())


@pytest.fixture(scope="session")
def redis_image() -> str:
    """The reference of an image that the engine has: it is said by its name alone."""
    import docker

    from envparity.launch.images.builder import ImageBuilder
    from envparity.launch.images.folder import default_docker_folder

    client = docker.from_env()
    try:
        return ImageBuilder(client, default_docker_folder(), lambda _line: None).ensure(["redis"])["redis"]
    finally:
        client.close()


@pytest.fixture
def image(request: pytest.FixtureRequest) -> str:
    """An image for those who need one: the engine's where there is one."""
    launcher = request.node.callspec.params.get("launcher")
    return str(request.getfixturevalue("redis_image")) if launcher == "container" else "redis:7"


def test_every_kind_that_is_built_in_is_tried() -> None:
    """Whoever adds one adds it here."""
    assert set(DECLARED) == {name for name, entry in KINDS.entries().items() if entry.built_in}


@pytest.mark.parametrize("name", DECLARED)
def test_what_it_says_of_itself(name: str, tmp_path: Path) -> None:
    """Its plan is of its own port and has no secret in the image; settings get what it offers, and its URL is one."""
    (it,) = environment(tmp_path, declared(name, DECLARED[name], "redis:7")).dependencies.values()
    kind = kind_of(it)
    plan = kind.container(it, "made-for-this-run")
    assert 1 <= plan.port <= 65535
    assert "made-for-this-run" not in repr(plan)
    url = kind.url(it, Server("it", 4711, "made-for-this-run"), "/ca.crt")
    assert "it:4711" in url
    assert set(kind.offered(it, url, "made-for-this-run")) <= set(kind.offers_of({"kind": name, "url": url}))
    assert isinstance(kind, RunsAsProcess | HasServer)


@pytest.mark.parametrize(("name", "launcher"), BOTH)
async def test_it_is_there_cut_restored_and_started_again(name: str, launcher: str, tmp_path: Path, image: str) -> None:
    """As the backend reaches it: through the proxy, with the URL that it is told."""
    stands = environment(tmp_path, declared(name, DECLARED[name], image))
    async with booted(launcher, stands, tmp_path) as stack:
        assert stack.settings["PORT_OF_IT"] == str(stack.dependencies["it"].proxy.port)
        assert await reaches(stack, "it")
        await stack.cut_dependency("it")
        assert not await reaches(stack, "it")
        await stack.restore_dependency("it")
        assert await reaches(stack, "it")
        await stack.restart_dependency("it")
        assert await reaches(stack, "it")
        if name in CLIENTS:
            server = reached(stack, "it")
            assert await CLIENTS[name](server)
            assert not await CLIENTS[name](with_another_password(server))
        logs = await stack.infrastructure_logs()
        password = stack.dependencies["it"].password
        assert not password or password not in "\n".join(logs["it"])


@pytest.mark.parametrize(("name", "launcher"), BOTH)
async def test_it_is_absent_or_late(name: str, launcher: str, tmp_path: Path, image: str) -> None:
    """Down in a boot it cannot be reached; where the backend may come first, it can once that has begun."""
    text = declared(name, DECLARED[name], image)
    async with booted(launcher, environment(tmp_path, text), tmp_path, Boot(down=("it",))) as stack:
        assert not await reaches(stack, "it")
        assert not stack.dependencies["it"].there
    async with booted(launcher, environment(tmp_path, "dependencies_first = false\n" + text), tmp_path) as stack:
        assert await reaches(stack, "it")
