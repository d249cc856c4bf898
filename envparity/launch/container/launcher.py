"""The real thing: a network, its servers, the backend under its platform's limits, and the ingress, in containers."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from envparity.backend import Backend
from envparity.case import Case
from envparity.environment import Environment
from envparity.launch.certificates import CertificateAuthority
from envparity.launch.container.booting import ContainerBooting, Means
from envparity.launch.container.engine import Engine
from envparity.launch.container.labels import CASE
from envparity.launch.container.stack import ContainerStack
from envparity.launch.container.sweep import remove_run
from envparity.launch.owner import OWNER_FILE, this_owner
from envparity.launch.port import Stack, Waiting, WarmBoots, WarmUnavailable
from envparity.launch.resolve import RunSecrets
from envparity.launch.warm.pool import WarmPool

__all__ = ["ContainerLauncher"]

_SETTLE_S = 8.0


class ContainerLauncher:
    """Boots cases in containers. `images` maps the names of docker/'s folders, and "backend", to image references.

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
    ) -> None:
        authority = CertificateAuthority()
        self._folder = Path(tempfile.mkdtemp(prefix=f"envparity-{run_id}-"))
        ca_file = self._folder / "ca.crt"
        ca_file.write_bytes(authority.certificate_pem)
        (self._folder / OWNER_FILE).write_text(this_owner(), encoding="utf-8")
        self._means = Means(backend, environments, run_id, RunSecrets(), authority, ca_file, engine, images)
        self._engine = engine
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
            shutil.rmtree(self._folder, ignore_errors=True)

    def _remove_everything(self) -> None:
        self._engine.settle(_SETTLE_S)
        remove_run(self._engine.client, self._run_id)
        self._engine.close()

    @asynccontextmanager
    async def _boot(self, case: Case, waiting: Waiting, environment: Environment | None) -> AsyncIterator[Stack]:
        means = self._means
        if environment is not None:
            means = replace(means, environments={**means.environments, environment.name: environment})
        booting = ContainerBooting(means, case, waiting)
        try:
            async with AsyncExitStack() as exits:
                yield await booting.boot(exits)
        finally:
            label = f"{CASE}={case.id}"
            removal = self._engine.call(f"{case} to go", lambda: remove_run(self._engine.client, self._run_id, label))
            await asyncio.shield(removal)
