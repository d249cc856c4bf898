"""The backend of an environment as services of a compose file: its replicas, and what its jobs have of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from envparity.launch.compose_sheet import Sheet
from envparity.launch.zone_file import zone_files
from envparity.model.backend import Backend
from envparity.model.commands import HEALTH_PORT, PORT, filled
from envparity.model.environment import Environment, ImageSource

__all__ = ["BackendServices"]


@dataclass(frozen=True)
class BackendServices:
    """Those of one environment."""

    backend: Backend
    environment: Environment
    sheet: Sheet

    @property
    def names(self) -> list[str]:
        """What its replicas are called."""
        replicas = self.environment.platform.replicas
        return ["backend"] if replicas == 1 else [f"backend-{number}" for number in range(replicas)]

    def common(self, values: Mapping[str, str]) -> dict[str, object]:
        """What replicas and jobs have in common, with these settings."""
        platform, source = self.environment.platform, self.environment.image or self.backend.image
        common: dict[str, object] = self._image(source)
        common["environment"] = self.sheet.variables(values)
        files = {path: template.filled(values).encode() for path, template in self.environment.files.items()}
        common |= self.sheet.mounted("backend-files", files | zone_files(self.environment))
        common |= {"user": str(platform.user)} if platform.user is not None else {}
        common |= {"mem_limit": f"{platform.memory_mib}m"} if platform.memory_mib is not None else {}
        common |= {"cpus": platform.cpus} if platform.cpus is not None else {}
        if platform.read_only_root:
            common |= {"read_only": True, "tmpfs": list(platform.writable)}
        return common

    def started(self) -> dict[str, object]:
        """How a replica is started and stopped."""
        environment, platform = self.environment, self.environment.platform
        ports = {PORT: platform.port, HEALTH_PORT: self.backend.health.port or platform.port}
        words = environment.arguments or filled(environment.command or self.backend.command, ports)
        started: dict[str, object] = {"stop_grace_period": f"{platform.stop_grace_s:g}s"}
        if environment.entrypoint:
            started["entrypoint"] = self.sheet.words(environment.entrypoint)
            words = environment.arguments
        return {**started, "command": self.sheet.words(words)} if words else started

    def _image(self, source: ImageSource) -> dict[str, object]:
        if source.name is not None:
            return {"image": source.name}
        if source.dockerfile is None or source.context is None:
            self.sheet.refuse("image", "an image, for a compose file starts containers", "none")
            return {}
        build = self.sheet.build(source.context, source.dockerfile)
        return {"build": {**build, **({"target": source.target} if source.target else {})}}
