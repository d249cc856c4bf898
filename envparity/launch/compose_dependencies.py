"""The dependencies of an environment as services of a compose file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec

from envparity.auth.jwt_key_pair import KeyPairJwt
from envparity.auth.key_pair import MakesKeys, key_maker, named_key
from envparity.dependency.kind import (
    CA_PATH,
    KINDS,
    Built,
    HoldsKeys,
    Server,
    ServerPlan,
    SigningKey,
    SigningKeys,
    kind_of,
)
from envparity.launch.compose_sheet import Sheet
from envparity.launch.compose_variables import PRIVATE_KEY, variable_name
from envparity.launch.images.folder import default_docker_folder
from envparity.launch.local.offers import offered_by
from envparity.launch.placing import placed
from envparity.model.backend import Backend
from envparity.model.environment import Dependency, Environment
from envparity.support.redaction import is_secret

__all__ = ["DependencyServices"]

_HEALTH: Final = {"interval": "1s", "timeout": "5s", "retries": 120}


@dataclass(frozen=True)
class DependencyServices:
    """Those of one environment, which speak no TLS in a compose file."""

    backend: Backend
    environment: Environment
    sheet: Sheet

    @cached_property
    def declared(self) -> dict[str, Dependency]:
        """Each of them, as it is without TLS."""
        return {
            name: msgspec.structs.replace(declared, tls="off")
            for name, declared in self.environment.dependencies.items()
        }

    def offered(self) -> dict[str, str]:
        """What settings may take from them."""
        sources: dict[str, str] = {}
        for name, declared in self.declared.items():
            kind, server = kind_of(declared), self._reached(name, declared)
            with KINDS.guarding(kind):
                sources |= offered_by(name, declared, server, kind.url(declared, server, CA_PATH))
        return sources

    def service(self, name: str, sources: Mapping[str, str]) -> dict[str, object]:
        """The server of that dependency."""
        reached = self._reached(name, self.declared[name])
        told = placed(self.backend, self.environment, name, reached, sources=sources, made=self.sheet.names)
        told = self._with_keys(name, msgspec.structs.replace(told, tls="off"))
        kind = kind_of(told)
        with KINDS.guarding(kind):
            plan, image = kind.container(told, reached.password), kind.image_of(told)
        service: dict[str, object] = self._image_of(image)
        service |= self._of_plan(name, plan)
        if told.hosts:
            service["networks"] = {"default": {"aliases": list(told.hosts)}}
        ready = told.options.get("ready") or {}
        if ready.get("command"):
            words = [_filled_in(word, plan.port, reached.password) for word in ready["command"]]
            service["healthcheck"] = {"test": ["CMD", *self.sheet.words(words)], **_HEALTH}
        elif isinstance(image, str) and image == kind.image:
            listens = f"exec 3<>/dev/tcp/127.0.0.1/{plan.port}"
            service["healthcheck"] = {"test": ["CMD", "bash", "-c", listens], **_HEALTH}
        return service

    def _with_keys(self, name: str, told: Dependency) -> Dependency:
        """That dependency with the key that it signs with, which is a variable; what is public it makes of that."""
        kind = kind_of(told)
        if not isinstance(kind, HoldsKeys):
            return told
        issuing = key_maker(self.backend.scheme)
        maker: MakesKeys = KeyPairJwt() if issuing is None or issuing.provider != name else issuing
        variable = PRIVATE_KEY if maker is issuing else variable_name(f"{name}_PRIVATE_KEY")
        private = self.sheet.names.private_key(variable, maker)
        with KINDS.guarding(kind):
            return kind.with_keys(told, SigningKeys(maker.algorithm, (SigningKey(named_key(maker), private, {}),)))

    def condition(self, name: str) -> str:
        """What the backend waits for: nobody, where the platform starts it before."""
        declared = self.declared[name]
        kind, ready = kind_of(declared), declared.options.get("ready") or {}
        asked = bool(ready.get("command")) or kind.image_of(declared) == kind.image
        return "service_healthy" if asked and self.environment.dependencies_first else "service_started"

    def _reached(self, name: str, declared: Dependency) -> Server:
        password = self._password(name)
        kind = kind_of(declared)
        with KINDS.guarding(kind):
            return Server(name, kind.container(declared, password).port, password)

    def _password(self, name: str) -> str:
        declared = self.declared[name]
        kind = kind_of(declared)
        with KINDS.guarding(kind):
            if not kind.asks_for_password(declared):
                return ""
        return self.sheet.names.mark(variable_name(f"{name}_PASSWORD"))

    def _image_of(self, image: str | Path | Built) -> dict[str, object]:
        if isinstance(image, Built):
            return {"build": self.sheet.build(image.context, image.dockerfile)}
        own = default_docker_folder() / str(image)
        if isinstance(image, Path) or (own / "Dockerfile").is_file():
            folder = image if isinstance(image, Path) else own
            self.sheet.files.copy(folder)
            return {"build": f"./{folder.name}"}
        return {"image": image}

    def _of_plan(self, name: str, plan: ServerPlan) -> dict[str, object]:
        service: dict[str, object] = {}
        variables = dict(plan.variables)
        for key, value in plan.variables.items():
            if is_secret(key, value) and not self.sheet.names.names_in(value):
                variables[key] = self.sheet.names.mark(variable_name(f"{name}_{key}"))
        if variables:
            service["environment"] = self.sheet.variables(variables)
        if plan.entrypoint:
            service["entrypoint"] = self.sheet.words(plan.entrypoint)
        if plan.command:
            service["command"] = self.sheet.words(plan.command)
        files = {path: content for path, (content, _) in plan.files.items()}
        service |= self.sheet.mounted(f"{name}-files", files)
        if plan.tmpfs:
            service["tmpfs"] = list(plan.tmpfs)
        return service


def _filled_in(word: str, port: int, password: str) -> str:
    """A word of a health check with what a dependency's `ready` may name."""
    return word.replace("{port}", str(port)).replace("{password}", password).replace("{user}", "app")
