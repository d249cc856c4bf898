"""What a boot makes is the boot's own: an equal case that is booted beside it neither meets it nor takes it away."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import docker
import pytest
import requests
from docker.errors import APIError

from envparity.launch.cleanup.labels import RUN
from envparity.launch.container.engine import Engine
from envparity.launch.container.launcher import ContainerLauncher
from envparity.launch.images.builder import ImageBuilder
from envparity.launch.images.folder import default_docker_folder
from envparity.model.backend import Backend, HealthPaths, ImageSource
from envparity.model.case import Boot
from envparity.model.environment import Environment, Ingress, OwnConfiguration

pytestmark = pytest.mark.docker

SILENT = HealthPaths(None, None, None, None)
SLEEPS = ("sh", "-c", "echo begun; exec sleep 100")


async def test_two_boots_of_an_equal_case_stand_at_the_same_time() -> None:
    """The second comes and goes while the first stands, which is as it was."""
    engine = Engine()
    images = ImageBuilder(engine.client, default_docker_folder(), lambda _: None).ensure(["ingress"])
    images["backend"] = images["ingress"]  # an image with a shell that is there in any case
    backend = Backend("clock", Path("backend.toml"), ImageSource(name="x"), command=SLEEPS, health=SILENT)
    environment = Environment("staging", ingress=Ingress("nginx", tls=True, host="clock.example"))
    launcher = ContainerLauncher(engine, backend, images, secrets.token_hex(4))
    try:
        async with asyncio.timeout(120), launcher.boot(environment, Boot(), lambda _: None) as first:
            async with launcher.boot(environment, Boot(), lambda _: None) as second:
                assert second.endpoint.address != first.endpoint.address
            seen = await first.observe_replica(0)
            assert (seen.exit_code, seen.log[:1]) == (None, ("begun",))
    finally:
        await launcher.close()


async def test_what_the_engine_does_not_let_go_is_no_matter_of_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The boot ends as it would; the end of the run removes it, and the guard after that."""
    engine = Engine()
    images = ImageBuilder(engine.client, default_docker_folder(), lambda _: None).ensure(["ingress"])
    images["backend"] = images["ingress"]  # an image with a shell that is there in any case
    backend = Backend("clock", Path("backend.toml"), ImageSource(name="x"), command=SLEEPS, health=SILENT)
    launcher = ContainerLauncher(engine, backend, images, secrets.token_hex(4))
    told: list[str] = []

    def refuse(*_: object) -> list[str]:
        response = requests.Response()
        response.status_code = 403
        raise APIError("has active endpoints", response, "has active endpoints")

    try:
        with monkeypatch.context() as patched:
            patched.setattr(f"{ContainerLauncher.__module__}.remove_run", refuse)
            async with asyncio.timeout(120), launcher.boot(Environment("staging"), Boot(), told.append) as stack:
                assert (await stack.observe_replica(0)).exit_code is None
        assert "has active endpoints" in told[-1]
    finally:
        await launcher.close()
    asking = docker.from_env()
    assert asking.containers.list(all=True, filters={"label": f"{RUN}={launcher.run_id}"}) == []
    asking.close()


ANSWERS = """
daemon off; pid /tmp/answers.pid; error_log stderr; events {}
http {
    access_log off; client_body_temp_path /tmp/a; proxy_temp_path /tmp/b;
    fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
    server { listen 8000; location / { return 200 $request_uri; } }
}
"""
OWN = """
server {
    listen {listen};
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location {prefix}/ { proxy_pass http://{upstream}/; }
}
"""


async def test_clients_come_to_the_team_s_own_nginx_and_are_cut_at_their_age() -> None:
    """Below its prefix, by its certificate, and through what counts how old a connection is."""
    engine = Engine()
    images = ImageBuilder(engine.client, default_docker_folder(), lambda _: None).ensure(["ingress"])
    images["backend"] = images["ingress"]  # an image with a server that is there in any case
    answers = ("sh", "-c", f"echo '{ANSWERS}' > /tmp/answers.conf; exec nginx -e stderr -c /tmp/answers.conf")
    backend = Backend("clock", Path("backend.toml"), ImageSource(name="x"), command=answers, health=SILENT)
    config = OwnConfiguration("own.conf", OWN)
    ingress = Ingress("nginx", tls=True, host="clock.example", max_lifetime_s=1.0, prefix="/clock", config=config)
    environment = Environment("staging", ingress=ingress)
    launcher = ContainerLauncher(engine, backend, images, secrets.token_hex(4))
    try:
        async with asyncio.timeout(120), launcher.boot(environment, Boot(), lambda _: None) as stack:
            await stack.until_listening()
            endpoint = stack.endpoint
            assert endpoint.prefix == "/clock"
            reader, writer = await asyncio.open_connection(
                *endpoint.address, ssl=endpoint.tls, server_hostname=endpoint.server_name
            )
            began = asyncio.get_running_loop().time()
            writer.write(b"GET /clock/hand?a=1 HTTP/1.1\r\nHost: clock.example\r\n\r\n")
            answered = await reader.read()  # to the end of the connection, which the server would keep
            assert asyncio.get_running_loop().time() - began > 0.5
            writer.close()
    finally:
        await launcher.close()
    head, _, body = answered.partition(b"\r\n\r\n")
    assert (head.split()[1], body) == (b"200", b"/hand?a=1")
    assert b"X-Envparity-Answered: yes" in head
