"""Starting the containers of one boot: in its network, under its labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from docker.models.containers import Container
from docker.types import EndpointConfig, Mount

from envparity.dependency.kind import CA_PATH, ServerPlan
from envparity.launch.container.confinement import ConfinedContainer, confinement
from envparity.launch.container.engine import Engine

__all__ = ["ContainerStarter"]

_MIB = 1024 * 1024


@dataclass(frozen=True)
class ContainerStarter:
    """Starts the containers of one boot. `network` is what its network is called, and begins each container's name.

    `images` are references by name; `files` of this machine are mounted where the backend finds each, as is `ca_file`.
    """

    engine: Engine
    network: str
    labels: dict[str, str]
    images: Mapping[str, str]
    ca_file: Path
    files: Mapping[str, Path]

    async def start(
        self,
        name: str,
        plan: ServerPlan,
        command: tuple[str, ...] = (),
        limits: Mapping[str, object] = MappingProxyType({}),
        mounted: Mapping[str, Path] = MappingProxyType({}),
        *,
        aliases: tuple[str, ...] = (),
    ) -> Container:
        """Start one container under this run's labels, its port published on the loopback interface only.

        In its network it is called by its name and these `aliases`.
        """

        def start() -> Container:
            # A client that is not told which version the engine speaks asks it, and the engine runs programs to answer.
            spoken = {"version": self.engine.client.api.api_version}
            container = ConfinedContainer(self.images[plan.image], docker_client_kw=spoken, env=dict(plan.variables))
            container.with_name(f"{self.network}-{name}")
            for port in (plan.port, *plan.more_ports):
                container.ports[f"{port}/tcp"] = ("127.0.0.1", None)  # type: ignore[assignment]
            container.with_kwargs(
                labels=self.labels, **self._options((name, *aliases), plan), **confinement(plan), **limits
            )
            if command or plan.command:
                container.with_command(list(command or plan.command))
            container.with_files(plan.files, read_only=plan.memory_mib is not None)
            for path, place in {**self._trusted(plan), **mounted}.items():
                container.with_volume_mapping(place, path, "ro")
            for folder in plan.tmpfs:
                container.with_tmpfs_mount(folder, "size=64m,mode=1777")
            wrapped = container.start().get_wrapped_container()
            wrapped.reload()
            return wrapped

        return await self.engine.call(f"{name} to start", start)

    def _options(self, names: tuple[str, ...], plan: ServerPlan) -> dict[str, object]:
        """What the engine is told of its network, memory, program and volumes."""
        endpoint = EndpointConfig(version="1.40", aliases=list(names))
        options: dict[str, object] = {"network": self.network, "networking_config": {self.network: endpoint}}
        options["shm_size"] = plan.memory_folder_mib * _MIB
        if plan.entrypoint:
            options["entrypoint"] = list(plan.entrypoint)
        if plan.volumes:
            options["mounts"] = [Mount(folder, None, type="volume") for folder in plan.volumes]
        return options

    def _trusted(self, plan: ServerPlan) -> dict[str, Path]:
        """The files of this machine that such a container is given, by where it finds them."""
        return {CA_PATH: self.ca_file, **self.files} if plan.image == "backend" or plan.trusts else {}
