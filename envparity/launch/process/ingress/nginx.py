"""The nginx that is installed on this machine, driven by the very entrypoint and template of the ingress image."""

from __future__ import annotations

import asyncio
import functools
import math
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from envparity.config.own_nginx import filled
from envparity.errors import LaunchError
from envparity.launch.images.folder import default_docker_folder
from envparity.launch.ingress_variables import ingress_variables
from envparity.launch.process.child import identity_of
from envparity.launch.process.ingress.plan import Address, IngressPlan, RunningIngress
from envparity.support.shielded import shielded
from envparity.support.stalls import within

__all__ = ["find_nginx", "nginx_ingress"]

_ENTRYPOINT, _PASSING, _TEMPLATE = "entrypoint.sh", "passing.sh", "nginx.conf.template"
_OWN = "own.conf"
_SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin")
_READY_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 2.0  # beyond what the plan gives open connections
_POLL_S = 0.02
_LOG_CHARACTERS = 2000


def find_nginx() -> Path | None:
    """The nginx of PATH or of the folders where systems keep it; None where there is none."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *_SYSTEM_FOLDERS])
    found = shutil.which("nginx", path=path)
    return Path(found) if found else None


@asynccontextmanager
async def nginx_ingress(
    binary: Path,
    plan: IngressPlan,
    upstreams: Sequence[Address],
    folder: Path,
    *,
    user: int,
    variables: Mapping[str, str],
) -> AsyncIterator[RunningIngress]:
    """That nginx as the plan's ingress, with all of its files in `folder`; gone when left.

    Started by root it runs as `user`, who must be able to enter `folder`. `variables` are added to its environment, to
    know it by. Raises `LaunchError` with the end of its log when it does not start.
    """
    run = folder / "ingress"
    run.mkdir(mode=0o700)
    (run / "tls").mkdir(mode=0o700)
    # Copied, for the package may lie where only its owner can enter.
    for name in (_ENTRYPOINT, _PASSING, _TEMPLATE):
        shutil.copyfile(default_docker_folder() / "ingress" / name, run / name)
    if plan.certificate is not None:
        (run / "tls" / "server.crt").write_bytes(plan.certificate.certificate_pem)
        (run / "tls" / "server.key").write_bytes(plan.certificate.key_pem)
    if plan.ingress.config is not None:
        (run / _OWN).write_text(filled(plan.ingress), encoding="utf-8")
    log = run / "log"
    log.touch(mode=0o600)
    as_user = identity_of(user if os.geteuid() == 0 else None)
    if as_user:
        for path in (run, *run.rglob("*")):
            os.chown(path, user, user)
    family = socket.AF_INET6 if ":" in plan.listen_host else socket.AF_INET
    with socket.create_server((plan.listen_host, 0), family=family) as listener, log.open("ab") as written:
        address = (plan.listen_host, int(listener.getsockname()[1]))
        process = await asyncio.create_subprocess_exec(
            "sh",
            str(run / _ENTRYPOINT),
            "nginx",
            env={**variables, **_variables(binary, plan, upstreams, run, address=address, listener=listener.fileno())},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            pass_fds=[listener.fileno()],
            start_new_session=True,
            **as_user,
        )
    try:
        await _until_ready(process, run, log)
        stopping = functools.partial(_stop_gracefully, process, plan.shutdown_timeout_s)
        yield RunningIngress(address, "nginx", stopping, process.pid, log)
    finally:
        await shielded(_stop_at_once(process))
        shutil.rmtree(run)


def _variables(
    binary: Path, plan: IngressPlan, upstreams: Sequence[Address], run: Path, *, address: Address, listener: int
) -> dict[str, str]:
    named = [f"{name}:{port}" for name, port in upstreams]
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return {
        "PATH": os.pathsep.join([str(binary.parent), "/usr/sbin", "/usr/bin", "/sbin", "/bin"]),
        # nginx takes over a listening socket that it is handed so (it does the same to itself when it is upgraded):
        # the port is ours from the first moment, and nobody can come between.
        "NGINX": f"{listener};",
        "INGRESS_TEMPLATE": str(run / _TEMPLATE),
        "INGRESS_RUN_FOLDER": str(run / "run"),
        "INGRESS_TLS_FOLDER": str(run / "tls"),
        "INGRESS_LISTEN": f"{host}:{address[1]}",
        "INGRESS_RESOLVERS": "127.0.0.1",  # upstreams are addresses, nobody is asked
        **ingress_variables(plan.ingress, named, plan.watched, str(run / _OWN)),
        "INGRESS_HEADER_TIMEOUT_S": str(math.ceil(plan.header_timeout_s)),
        "INGRESS_SHUTDOWN_TIMEOUT_S": str(math.ceil(plan.shutdown_timeout_s)),
    }


async def _until_ready(process: asyncio.subprocess.Process, run: Path, log: Path) -> None:
    """Its number is written when its configuration is accepted and its sockets are there (ngx_create_pidfile)."""
    try:
        async with within(_READY_TIMEOUT_S):
            while not (run / "run" / "nginx.pid").exists():
                if process.returncode is not None:
                    raise LaunchError(f"nginx ended with exit code {process.returncode}: {_end_of(log)}")
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise LaunchError(f"nginx did not start within {_READY_TIMEOUT_S:g} s: {_end_of(log)}") from None


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-_LOG_CHARACTERS:]


async def _stop_gracefully(process: asyncio.subprocess.Process, timeout_s: float) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGQUIT)
        try:
            await asyncio.wait_for(process.wait(), timeout_s + _STOP_TIMEOUT_S)
        except TimeoutError:
            await _stop_at_once(process)


async def _stop_at_once(process: asyncio.subprocess.Process) -> None:
    """Its workers end with it: SIGTERM makes it end them, and a killed one leaves its group to be killed."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
