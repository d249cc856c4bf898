"""An environment's own image, stage and command, a port in a command, health at another port, in containers."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.project import load_project
from envparity.launch.choose import choose_launcher
from envparity.launch.controls import RanJobs, ReplicaControls, RunsPrograms
from envparity.model.case import Boot

pytestmark = pytest.mark.docker

SERVER = """use IO::Socket::INET; use IO::Select; $| = 1;
my ($stage) = do { local @ARGV = ('/stage'); <> }; print "stage $stage";
my @all = map { IO::Socket::INET->new(LocalPort => $_, Listen => 9, ReuseAddr => 1) or die } @ARGV[0, 1];
my $ready = IO::Select->new(@all);
while (my @asked = $ready->can_read) { for my $port (@asked) { my $client = $port->accept; my $line = <$client>;
  my $answer = $port == $all[1] ? "403 Forbidden" : "404 Not Found";
  print $client "HTTP/1.1 $answer\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n"; close $client; } }
"""
DOCKERFILE = """FROM debian:bookworm-slim AS base
COPY server.pl /server.pl
RUN echo base > /stage
FROM base AS prod
RUN echo prod > /stage
"""
BACKEND = """name = "stages"
command = ["perl", "/server.pl", "{port}", "{health_port}"]
[image]
dockerfile = "Dockerfile"
target = "base"
[health]
up = { path = "/healthz", status = [200, 403] }
port = 8222
"""
LOCAL = """name = "local"
[jobs.sleeps]
command = ["sleep", "60"]
timeout_s = 0.5
[processes.beats]
command = ["sh", "-c", "cat /stage; exec sleep 600"]
ready = "^base$"
"""
PROD = """name = "prod"
settings = { COLOUR = "{{blue}}", SECRET_KEY = { secret = 32 } }
image = { dockerfile = "../Dockerfile", target = "prod" }
command = ["perl", "-w", "/server.pl", "{port}", "{health_port}"]
[platform]
port = 8100
read_only_root = true
[files."/etc/app.conf"]
template = "app.conf"
[jobs.fails]
command = ["sh", "-c", "cat /stage /etc/app.conf; exit 3"]
[jobs.never]
command = ["true"]
[processes.goes]
command = ["sh", "-c", "cat /etc/app.conf; exit 4"]
ready = "never"
"""
COMPOSE = """services:
  api:
    build: {context: ., target: prod}
    entrypoint: [perl, -W]
    command: /server.pl 8100 8222
    expose: ["8100"]
"""
COMPOSED = """name = "composed"
extends = ["../compose.yaml#api"]
"""


async def test_each_environment_runs_its_own(tmp_path: Path) -> None:
    """And is up by the answer of the other port, whatever the first one says."""
    files = {"server.pl": SERVER, "Dockerfile": DOCKERFILE, "backend.toml": BACKEND}
    (tmp_path / "environments").mkdir()
    files |= {"environments/local.toml": LOCAL, "environments/prod.toml": PROD}
    files["environments/app.conf"] = "{colour} {setting:COLOUR}\n{setting:SECRET_KEY}\n"
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    project = load_project(tmp_path / "backend.toml", tmp_path / "environments")
    launcher = choose_launcher("container", project, lambda _: None)
    seen: dict[str, tuple[float | None, str, list[str]]] = {}
    jobs: list[tuple[str, int | None, tuple[str, ...]]] = []
    programs: list[tuple[str, int | None, bool, tuple[str, ...]]] = []
    try:
        for name in ("local", "prod"):
            async with launcher.boot(project.environments[name], Boot(), lambda _: None) as stack:
                assert isinstance(stack, RanJobs)
                assert isinstance(stack, ReplicaControls)
                await stack.until_decided()
                await stack.until_ready()
                replica = await stack.observe_replica(0)
                seen[name] = (replica.undecided_after_s, replica.log[0], stack.ground.argv()[1:])  # type: ignore[attr-defined]
                jobs += [(job.name, job.exit_code, job.log) for job in stack.jobs]
                assert isinstance(stack, RunsPrograms)
                programs += [
                    (run.name, run.exit_code, run.ready_after_s is not None, run.log)
                    for run in await stack.observe_programs()
                ]
                await stack.start_replica(0)
    finally:
        await launcher.close()
    assert seen == {
        "local": (None, "stage base", ["/server.pl", "{port}", "{health_port}"]),
        "prod": (None, "stage prod", ["-w", "/server.pl", "{port}", "{health_port}"]),
    }
    assert jobs == [("sleeps", None, ()), ("fails", 3, ("prod", "{colour} {blue}", "{setting:SECRET_KEY}"))]
    assert programs == [
        ("beats", None, True, ("base",)),
        ("goes", 4, False, ("{colour} {blue}", "{setting:SECRET_KEY}")),
    ]
    assert [record.name for record in launcher.images] == ["backend", "backend of prod"]


@pytest.mark.parametrize("own", ["", "settings = { SECRET_KEY = { secret = 32 } }"])
async def test_what_compose_starts_is_started(tmp_path: Path, own: str) -> None:
    """Its stage, its entry point in place of the image's, its command; also where a shell gives secrets on before."""
    (tmp_path / "environments").mkdir()
    files = {"server.pl": SERVER, "Dockerfile": DOCKERFILE, "backend.toml": BACKEND, "compose.yaml": COMPOSE}
    for name, text in (files | {"environments/composed.toml": COMPOSED + own}).items():
        (tmp_path / name).write_text(text)
    project = load_project(tmp_path / "backend.toml", tmp_path / "environments")
    launcher = choose_launcher("container", project, lambda _: None)
    try:
        async with launcher.boot(project.environments["composed"], Boot(), lambda _: None) as stack:
            await stack.until_decided()
            replica = await stack.observe_replica(0)
            seen = replica.undecided_after_s, replica.log[0], stack.ground.argv()  # type: ignore[attr-defined]
    finally:
        await launcher.close()
    assert seen == (None, "stage prod", ["perl", "-W", "/server.pl", "8100", "8222"])
