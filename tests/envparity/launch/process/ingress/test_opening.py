"""Which ingress is opened, and how an installed nginx is driven: by the image's own script, and gone afterwards."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from envparity.errors import LaunchError
from envparity.launch.certificates import CertificateAuthority
from envparity.launch.process.ingress import nginx
from envparity.launch.process.ingress.opening import open_ingress
from envparity.launch.process.ingress.plan import IngressPlan
from envparity.model.environment import Ingress, OwnConfiguration

UPSTREAMS = [("127.0.0.1", 4001), ("127.0.0.1", 4002)]
# In nginx's place: shows that its configuration is complete, and ends when told to.
STAND_IN = """#!/bin/sh
echo "nginx: $*"
echo "run: $RUN"
! grep -q "@[A-Z_]*@" "$4" || exit 3
[ ! -e "$(dirname "$4")/../../fail" ] || exit 4
echo $$ > "$(dirname "$4")/nginx.pid"
trap 'exit 0' TERM
while :; do sleep 0.02; done
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that anybody can enter: as root, nginx is nobody."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose PATH has an nginx, of a kind."""
    binary = folder / "bin" / "nginx"
    binary.parent.mkdir(mode=0o755)
    binary.write_text(STAND_IN)
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", f"{binary.parent}:{os.environ['PATH']}")
    return binary


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without nginx."""
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(nginx, "_SYSTEM_FOLDERS", ())


def files(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


def plan(*, tls: bool = True) -> IngressPlan:
    ingress = Ingress("nginx", tls, "api.example", idle_timeout_s=1.5, max_body_bytes=1001, max_header_bytes=4097)
    return IngressPlan(ingress, CertificateAuthority().issue(["api.example"]), header_timeout_s=7)


async def test_nginx_is_taken_where_it_is_installed(folder: Path, stand_in: Path) -> None:
    """With the plan's values in the image's own template, and the port that it was given from the start."""
    async with open_ingress(plan(), UPSTREAMS, folder, variables={"RUN": "marked"}) as running:
        assert running.kind == "nginx"
        run = folder / "ingress" / "run"
        written = (run / "nginx.conf").read_text()
        log = (folder / "ingress" / "log").read_text()
        assert running.pid is not None
        os.kill(running.pid, 0)
        _, writer = await asyncio.open_connection(*running.address)  # held for it, whether it accepts or not
        writer.close()
    assert log == f"nginx: -e stderr -c {run}/nginx.conf\nrun: marked\n"
    for line in (
        f"listen 127.0.0.1:{running.address[1]} ssl;",
        f"ssl_certificate_key {folder}/ingress/tls/server.key;",
        "proxy_read_timeout 2s;",
        "client_max_body_size 1001;",
        "large_client_header_buffers 1 4097;",
        "client_header_timeout 7s;",
        "worker_shutdown_timeout 5s;",
        "proxy_next_upstream_tries 2;",
        f"server unix:{run}/replica-2.sock max_fails=0;",
        f"pid {run}/nginx.pid;",
    ):
        assert line in written
    assert "/tmp/ingress" not in written.replace(str(folder), "")  # noqa: S108  the image's own place
    assert not (folder / "ingress").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, 0)


async def test_an_nginx_that_does_not_start_is_told_with_its_log(folder: Path, stand_in: Path) -> None:
    """And nothing is left of it."""
    (folder / "fail").touch()
    with pytest.raises(LaunchError, match=r"^nginx ended with exit code 4: nginx: -e stderr"):
        async with open_ingress(plan(), UPSTREAMS, folder):
            pass
    assert not (folder / "ingress").exists()


async def test_a_path_that_nginx_could_misread_is_refused(folder: Path, stand_in: Path) -> None:
    """A semicolon or a space would end or split a directive of its configuration."""
    odd = folder / "a; b"
    odd.mkdir(mode=0o755)
    with pytest.raises(LaunchError, match=r"exit code 64: entrypoint: expected an absolute path of plain characters"):
        async with open_ingress(plan(), UPSTREAMS, odd):
            pass


async def test_python_is_taken_where_there_is_no_nginx(folder: Path, nowhere: None) -> None:
    """It lives in this process, and leaves no task, file or port behind."""
    before = asyncio.all_tasks()
    async with open_ingress(plan(), UPSTREAMS, folder) as running:
        assert (running.kind, running.pid) == ("python", None)
        _, writer = await asyncio.open_connection(*running.address)
        assert not files(folder)
    writer.close()
    assert asyncio.all_tasks() == before
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*running.address)


async def test_nginx_by_name_is_an_error_where_it_is_not(folder: Path, nowhere: None) -> None:
    """Never another kind in silence."""
    with pytest.raises(LaunchError, match="nginx is not installed"):
        async with open_ingress(plan(), UPSTREAMS, folder, kind="nginx"):
            pass


async def test_an_ingress_needs_a_replica_and_for_tls_a_certificate(folder: Path) -> None:
    """Said before anything is started."""
    with pytest.raises(ValueError, match="at least one replica"):
        async with open_ingress(plan(), [], folder):
            pass
    with pytest.raises(ValueError, match="needs a certificate"):
        IngressPlan(Ingress("nginx", tls=True))


OWN = IngressPlan(
    Ingress("nginx", config=OwnConfiguration("own.conf", "server { listen {listen}; proxy_pass http://{upstream}; }\n"))
)


async def test_a_configuration_of_the_team_s_own_stands_in_place_of_the_server_in_front(
    folder: Path, stand_in: Path
) -> None:
    """Filled in, and beside the servers of the replicas, which are the run's."""
    async with open_ingress(OWN, UPSTREAMS, folder) as running:
        written = (folder / "ingress" / "run" / "nginx.conf").read_text()
    host, port = running.address
    assert f"server {{ listen {host}:{port}; proxy_pass http://backend; }}" in written
    assert written.count("server {") == 1 + len(UPSTREAMS)


async def test_python_does_not_stand_in_for_a_configuration_of_nginx(folder: Path, nowhere: None) -> None:
    """It could not know what that says."""
    with pytest.raises(LaunchError, match="nginx is not installed"):
        async with open_ingress(OWN, UPSTREAMS, folder):
            pass
