"""The real thing: a network, its servers, the backend under its platform's limits, and the ingress, in containers."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from types import MappingProxyType

from envparity.launch.certificates import CertificateAuthority
from envparity.launch.container.booting import ContainerBooting, Means
from envparity.launch.container.engine import Engine, engine_failures
from envparity.launch.container.guard import ContainerGuard
from envparity.launch.container.image_contents import image_records
from envparity.launch.container.labels import BOOT, labels_for
from envparity.launch.container.stack import ContainerStack
from envparity.launch.container.sweep import remove_run
from envparity.launch.port import Stack, Waiting, WarmBoots, WarmUnavailable
from envparity.launch.resolve import RunSecrets
from envparity.launch.run_folder import RunFolder
from envparity.launch.warm.pool import WarmPool
from envparity.model.backend import Backend
from envparity.model.case import Case
from envparity.model.environment import Environment, ImageSource
from envparity.redaction.raising import raised_without_secrets

__all__ = ["ContainerLauncher"]

_NONE: Mapping[ImageSource, str] = MappingProxyType({})
_SETTLE_S = 8.0


class ContainerLauncher:
    """Boots cases in containers. `images` maps the names of docker/'s folders, and "backend", to image references;
    `own_images` are those that environments have for themselves.

    Everything that it makes carries `run_id`. Raises `EngineUnavailable` where no engine answers.
    """

    name = "container"
    cannot_check: tuple[str, ...] = ()
    reason = ""

    def __init__(
        self,
        engine: Engine,
        backend: Backend,
        environments: Mapping[str, Environment],
        images: Mapping[str, str],
        run_id: str,
        *,
        own_images: Mapping[ImageSource, str] = _NONE,
    ) -> None:
        authority = CertificateAuthority()
        self._folder = RunFolder.make(run_id)
        try:
            ca_file = self._folder.path / "ca.crt"
            ca_file.write_bytes(authority.certificate_pem)
            ca_file.chmod(0o644)  # whatever the umask: the backend's user reads it
            self._guard = ContainerGuard(run_id, self._folder)
            labels = labels_for(run_id, "images", str(self._folder.owner))
            with engine_failures("what is in the images"):
                self.images = image_records(engine.client, images, labels)
        except BaseException:
            self._folder.close()
            raise
        owner = str(self._folder.owner)
        self._means = Means(
            backend, environments, run_id, RunSecrets(), authority, ca_file, engine, images, owner, own_images
        )
        self._engine = engine
        self._numbers = itertools.count(1)
        self._run_id = run_id

    @property
    def run_id(self) -> str:
        return self._run_id

    def boot(
        self, case: Case, waiting: Waiting, environment: Environment | None = None
    ) -> AbstractAsyncContextManager[Stack]:
        return self._boot(case, waiting, environment)

    def warm(self, stack: Stack, lanes: int) -> AbstractAsyncContextManager[WarmBoots]:
        if not isinstance(stack, ContainerStack):
            raise WarmUnavailable(f"{stack.case} is no stack of containers")
        return WarmPool.open(stack, lanes)

    async def close(self) -> None:
        """Nothing of this run is left afterwards, also when it was interrupted with calls to the engine under way."""
        try:
            await asyncio.shield(asyncio.to_thread(self._remove_everything))
        finally:
            self._folder.close()

    def _remove_everything(self) -> None:
        """Raises `EngineFailed` where the engine refuses; then the guard goes on trying when this process has ended."""
        self._engine.settle(_SETTLE_S)
        try:
            with engine_failures(f"removing what run {self._run_id} made"):
                remove_run(self._engine.client, self._run_id)
            self._guard.done()
        finally:
            self._engine.close()

    @asynccontextmanager
    async def _boot(self, case: Case, waiting: Waiting, environment: Environment | None) -> AsyncIterator[Stack]:
        means = self._means
        if environment is not None:
            means = replace(means, environments={**means.environments, environment.name: environment})
        number = next(self._numbers)
        booting = ContainerBooting(means, case, waiting, number)
        try:
            with raised_without_secrets(lambda: booting.redaction):
                async with AsyncExitStack() as exits:
                    yield await booting.boot(exits)
        finally:
            label = f"{BOOT}={number}"
            removal = self._engine.call(f"{case} to go", lambda: remove_run(self._engine.client, self._run_id, label))
            await asyncio.shield(removal)
