"""The real thing: a network, its servers, the backend under its platform's limits, and the ingress, in containers."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType

from envparity.errors import EngineFailed, EngineSilent, LaunchError
from envparity.launch.certificates import CertificateAuthority
from envparity.launch.cleanup.labels import BOOT, labels_for
from envparity.launch.cleanup.run_folder import RunFolder
from envparity.launch.cleanup.sweep import remove_run
from envparity.launch.container.engine import Engine, engine_failures
from envparity.launch.container.guard import ContainerGuard
from envparity.launch.container.stack_builder import ContainerResources, ContainerStackBuilder
from envparity.launch.images.contents import image_records
from envparity.launch.port import Stack, Waiting
from envparity.launch.resolve import RunSecrets
from envparity.model.backend import Backend
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment, ImageSource
from envparity.support.redaction.raising import raised_without_secrets
from envparity.support.shielded import shielded

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
        images: Mapping[str, str],
        run_id: str,
        *,
        own_images: Mapping[ImageSource, str] = _NONE,
        salt: bytes | None = None,
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
        self._means = ContainerResources(
            backend, run_id, RunSecrets(salt), authority, ca_file, engine, images, owner, own_images
        )
        self._engine = engine
        self._numbers = itertools.count(1)
        self._run_id = run_id
        self._hurried = False  # somebody told the run to end, and waits for it

    @property
    def run_id(self) -> str:
        return self._run_id

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        number = next(self._numbers)
        booting = ContainerStackBuilder(self._means, environment, boot, waiting, number)
        try:
            with raised_without_secrets(lambda: booting.redaction):
                async with AsyncExitStack() as exits:
                    yield await booting.boot(exits)
        except asyncio.CancelledError:
            self._hurried = True
            raise
        finally:
            gone = f"{Case(environment.name, self._means.backend.name, boot)} to go"
            label = f"{BOOT}={number}"
            try:
                await self._engine.clean(gone, lambda: remove_run(self._engine.client, self._run_id, label))
            except EngineSilent:
                raise
            except LaunchError as error:  # what was seen of it holds, and `close` removes what is left
                waiting(f"the end of the run for what is left of it: {error}")

    async def close(self) -> None:
        """Nothing of this run is left afterwards, also when it was interrupted with calls to the engine under way."""
        try:
            if self._hurried:
                await self._engine.answers()
            await shielded(asyncio.to_thread(self._remove_everything))
        finally:
            self._folder.close()

    def _remove_everything(self) -> None:
        """Raises `EngineFailed` where the engine refuses; then the guard goes on trying when this process has ended."""
        if self._engine.silent:
            self._engine.close()
            raise EngineFailed(f"run {self._run_id} is removed by its guard when the container engine answers again")
        self._engine.settle(_SETTLE_S)
        try:
            with engine_failures(f"removing what run {self._run_id} made"):
                remove_run(self._engine.client, self._run_id)
            self._guard.done()
        finally:
            self._engine.close()
