"""Servers of the images, started one by one."""

from __future__ import annotations

import asyncio
import io
import tarfile
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from typing import TypeVar

import docker
import pytest
from docker.models.containers import Container
from docker.models.networks import Network

from tests.envparity.launch.image_users import user_of_image

T = TypeVar("T")
READY_S = 60.0


async def eventually(
    what: str, attempt: Callable[[], Awaitable[T]], server: Container, refusals: tuple[type[Exception], ...] = ()
) -> T:
    """The first success of `attempt`, asked again every 20 ms while it is refused; else a failure with the log."""
    deadline = time.monotonic() + READY_S
    while True:
        try:
            return await attempt()
        except (OSError, EOFError, *refusals) as error:  # type: ignore[misc]  # mypy does not follow the star
            if time.monotonic() > deadline:
                pytest.fail(f"{what} not within {READY_S:g} s: {error!r}\n{server.logs().decode()}")
        await asyncio.sleep(0.02)


class Servers:
    """Starts containers of our images, unprivileged as a launcher would, and knows the ports that they were given."""

    def __init__(self, engine: docker.DockerClient, references: Mapping[str, str], stack: ExitStack) -> None:
        self.engine, self.references, self.stack = engine, references, stack

    def start(
        self,
        image: str,
        environment: Mapping[str, str],
        tls: Mapping[str, bytes] | None = None,
        network: str = "bridge",
    ) -> Container:
        container = self.engine.containers.create(
            self.references[image],
            environment=dict(environment),
            publish_all_ports=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            name=f"envparity-test-{uuid.uuid4().hex[:8]}",
            network=network,
        )
        self.stack.callback(container.remove, force=True)
        if tls is not None:
            assert container.put_archive("/etc/envparity/tls", self._tar(tls, user_of_image(image)))
        container.start()
        return container

    def network(self) -> Network:
        network = self.engine.networks.create(f"envparity-test-{uuid.uuid4().hex[:8]}")
        self.stack.callback(network.remove)
        return network

    @staticmethod
    def port(container: Container, inner: int) -> int:
        container.reload()
        bindings = container.ports[f"{inner}/tcp"]
        assert bindings
        return int(bindings[0]["HostPort"])

    @staticmethod
    def _tar(files: Mapping[str, bytes], uid: int) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode, member.uid, member.gid = len(content), 0o400, uid, uid
                tar.addfile(member, io.BytesIO(content))
        return buffer.getvalue()
