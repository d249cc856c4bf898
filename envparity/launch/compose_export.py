"""An environment as a compose file that boots by hand: what a run would start, with names in place of secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import yaml

from envparity.auth.key_pair import key_maker
from envparity.dependency.kind import CA_PATH
from envparity.errors import ConfigurationError
from envparity.launch.compose_backend import BackendServices
from envparity.launch.compose_dependencies import DependencyServices
from envparity.launch.compose_files import FILES, Files
from envparity.launch.compose_sheet import DONE, Sheet
from envparity.launch.compose_variables import Variables
from envparity.launch.images.folder import default_docker_folder
from envparity.launch.ingress_variables import ingress_variables
from envparity.launch.resolve import ResolvedSetting, resolve_settings
from envparity.model.backend import Backend
from envparity.model.case import Boot
from envparity.model.environment import Environment, FromSource

__all__ = ["Export", "exported"]

_NETWORK: Final = "172.16.0.0/12"
"""Where the engine makes the networks of compose projects, unless it was told otherwise."""
_INGRESS_PORT: Final = 8080
_PUBLISHED: Final = "PUBLISHED_PORT"


@dataclass(frozen=True)
class Export:
    """The compose file, files and folders beside it by name, and what of the environment a boot by hand has not.

    `example` names the variables that it needs, `variables` has new values for all of them.
    """

    compose: str
    example: str
    files: Mapping[str, bytes] = field(repr=False)
    variables: str = field(repr=False)
    left_out: tuple[str, ...] = ()


def exported(backend: Backend, environment: Environment, folder: Path) -> Export:
    """That environment as a compose file for that folder. Raises `ConfigurationError` for what no such file can say."""
    names = Variables()
    sheet = Sheet(environment.name, folder, names, Files(names))
    services: dict[str, object] = {}
    for name, service in _Services(backend, environment, sheet).all():
        if name in services:
            sheet.refuse(f"dependencies.{name}", "a name that nothing else is called by in such a file", name)
        services[name] = service
    if sheet.mistakes:
        raise ConfigurationError(sheet.mistakes)
    text = yaml.safe_dump({"services": services}, sort_keys=False, width=120, allow_unicode=True)
    head = f"# {environment.name}, as `envparity export compose` wrote it: docker-compose up\n"
    example, variables = (_variables(names, filled=filled) for filled in (False, True))
    return Export(f"{head}{text}", example, dict(sheet.files.content), variables, tuple(sheet.left_out))


def _variables(names: Variables, *, filled: bool) -> str:
    lines = [*names.lines(filled=filled), f"# where clients connect, on 127.0.0.1\n{_PUBLISHED}=8080"]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Services:
    """All that is started."""

    backend: Backend
    environment: Environment
    sheet: Sheet

    def all(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Dependencies, jobs, replicas and the ingress, each with its name."""
        dependencies = DependencyServices(self.backend, self.environment, self.sheet)
        replicas = BackendServices(self.backend, self.environment, self.sheet)
        self._note_what_cannot_be_said(dependencies)
        sources = self._sources(dependencies)
        values = self._values(sources)
        for name in dependencies.declared:
            if not self.sheet.mistakes:
                yield name, dependencies.service(name, sources)
        waits = {name: {"condition": dependencies.condition(name)} for name in dependencies.declared}
        common = replicas.common(values)
        if filling := self.sheet.files.service():
            yield FILES, filling
        after = common.pop("depends_on", None)
        waits |= after if isinstance(after, dict) else {}
        for name, job in self.environment.jobs.items():
            for service in (f"job-{name}", f"job-{name}-again")[: 1 + job.again]:
                yield service, {**common, "command": self.sheet.words(job.command), "depends_on": dict(waits)}
                waits[service] = DONE
        started = {**common, **replicas.started(), **({"depends_on": waits} if waits else {})}
        port = self.environment.platform.port
        behind = self.environment.ingress.kind != "none"
        for name in replicas.names:
            yield name, started if behind else {**started, "ports": [f"127.0.0.1:${{{_PUBLISHED}:-8080}}:{port}"]}
        if behind:
            yield "ingress", self._ingress(replicas.names)

    def _values(self, sources: Mapping[str, str]) -> dict[str, str]:
        """The settings of the backend, with variables in place of secrets."""
        values = {}
        for setting in resolve_settings(self.backend, self.environment, Boot(), sources, self.sheet.names):
            values[setting.name] = (
                self.sheet.names.mark(setting.name) if self._is_literal_secret(setting) else setting.value
            )
        if any(CA_PATH in value for value in values.values()):
            self.sheet.leave_out("the certificate of the run's authority, which a setting names")
        return values

    def _is_literal_secret(self, setting: ResolvedSetting) -> bool:
        """Whether a secret stands in the files themselves: then it is a variable as well."""
        said = self.environment.settings.get(setting.name)
        return setting.secret and not isinstance(said, FromSource) and not self.sheet.names.names_in(setting.value)

    def _note_what_cannot_be_said(self, dependencies: DependencyServices) -> None:
        for name, declared in dependencies.declared.items():
            if self.environment.dependencies[name].tls != "off":
                self.sheet.leave_out(f"dependencies.{name}.tls")
            if declared.latency_ms:
                self.sheet.leave_out(f"dependencies.{name}.latency_ms")
        ingress = self.environment.ingress
        if ingress.config is not None:
            self.sheet.refuse("ingress.config", "an ingress of envparity's own", str(ingress.config))
        if ingress.tls:
            self.sheet.leave_out("ingress.tls")
        if ingress.max_lifetime_s:
            self.sheet.leave_out("ingress.max_lifetime_s")

    def _sources(self, dependencies: DependencyServices) -> dict[str, str]:
        ingress = self.environment.ingress
        maker = key_maker(self.backend.scheme)
        return {
            **(self.sheet.names.key_pair(maker) if maker is not None else {}),
            "ingress.network": _NETWORK,
            "ingress.host": ingress.host,
            "ingress.origin": ingress.origin,
            "ingress.prefix": ingress.prefix if ingress.kind != "none" else "",
            "platform.port": str(self.environment.platform.port),
            **dependencies.offered(),
        }

    def _ingress(self, names: list[str]) -> dict[str, object]:
        ingress = msgspec.structs.replace(self.environment.ingress, tls=False)
        self.sheet.files.copy(default_docker_folder() / "ingress")
        upstreams = [f"{name}:{self.environment.platform.port}" for name in names]
        variables = ingress_variables(ingress, upstreams, ())
        return {
            "build": "./ingress",
            "environment": self.sheet.variables(variables),
            "depends_on": names,
            "ports": [f"127.0.0.1:${{{_PUBLISHED}:-8080}}:{_INGRESS_PORT}"],
        }
