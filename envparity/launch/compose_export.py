"""An environment as a compose file that boots by hand: what a run would start, with names in place of secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from envparity.auth.key_pair import key_maker
from envparity.dependency.kind import CA_PATH, KINDS, Built, HoldsKeys, Server, ServerPlan, kind_of
from envparity.errors import ConfigurationError, Mistake
from envparity.launch.images.folder import default_docker_folder
from envparity.launch.ingress_variables import ingress_variables
from envparity.launch.local.offers import offered_by
from envparity.launch.placing import placed
from envparity.launch.resolve import ResolvedSetting, RunSecrets, resolve_settings
from envparity.model.backend import Backend
from envparity.model.case import Boot
from envparity.model.commands import HEALTH_PORT, PORT, filled
from envparity.model.environment import Dependency, Environment, FromSource, ImageSource
from envparity.redaction import is_secret

__all__ = ["Export", "exported"]

_NETWORK: Final = "172.16.0.0/12"
"""Where the engine makes the networks of compose projects, unless it was told otherwise."""
_INGRESS_PORT: Final = 8080
_PUBLISHED: Final = "PUBLISHED_PORT"
_MARK = re.compile(r"xenvparityx(\d+)x")
_HEALTH: Final = {"interval": "1s", "timeout": "5s", "retries": 120}
_ASKED: Final = 24  # random bytes of a password


@dataclass(frozen=True)
class Export:
    """The compose file, an example of the variables that it needs, files and folders beside it by name, and what of the
    environment a boot by hand has not.
    """

    compose: str
    example: str
    files: Mapping[str, bytes] = field(repr=False)
    left_out: tuple[str, ...] = ()


class _Names(RunSecrets):
    """Marks in place of secrets: each stands for a variable of who boots."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[tuple[str, int]] = []

    def mark(self, name: str, size: int = _ASKED) -> str:
        """The mark of the variable of that name, the same each time."""
        known = [one for one, _ in self.names]
        if name not in known:
            self.names.append((name, size))
            known.append(name)
        return f"xenvparityx{known.index(name)}x"

    def hexadecimal(self, environment: str, name: str, size: int) -> str:
        del environment
        return self.mark(_variable(name), size)

    def reserved(self, environment: str, name: str, size: int) -> str:
        return self.hexadecimal(environment, name, size)

    def shown(self, text: str) -> str:
        """The text as compose reads it."""
        return _MARK.sub(
            lambda found: f"${{{self.names[int(found[1])][0]}:?see .env.example}}", text.replace("$", "$$")
        )


def exported(backend: Backend, environment: Environment, folder: Path) -> Export:
    """That environment as a compose file for that folder. Raises `ConfigurationError` for what no such file can say."""
    return _Exporting(backend, environment, folder).export()


class _Exporting:
    def __init__(self, backend: Backend, environment: Environment, folder: Path) -> None:
        self._backend, self._environment, self._folder = backend, environment, folder
        self._names = _Names()
        self._files: dict[str, bytes] = {}
        self._left_out: dict[str, None] = {}
        self._mistakes: list[Mistake] = []
        self._dependencies = {
            name: msgspec.structs.replace(declared, tls="off") for name, declared in environment.dependencies.items()
        }

    def export(self) -> Export:
        services = dict(self._services())
        if self._mistakes:
            raise ConfigurationError(self._mistakes)
        text = yaml.safe_dump({"services": services}, sort_keys=False, width=120, allow_unicode=True)
        head = f"# {self._environment.name}, as `envparity export compose` wrote it: docker-compose up\n"
        lines = [f"# {size} random bytes as hexadecimal digits\n{name}=" for name, size in self._names.names]
        lines.append(f"# where clients connect, on 127.0.0.1\n{_PUBLISHED}=8080")
        return Export(f"{head}{text}", "\n".join(lines) + "\n", self._files, tuple(self._left_out))

    def _services(self) -> Iterator[tuple[str, dict[str, object]]]:
        self._cannot_be_said()
        sources = self._sources()
        resolved = resolve_settings(self._backend, self._environment, Boot(), sources, self._names)
        values = {}
        for one in resolved:
            values[one.name] = self._names.mark(one.name) if self._is_literal_secret(one) else one.value
        if any(CA_PATH in value for value in values.values()):
            self._left_out["the certificate of the run's authority, which a setting names"] = None
        for name, declared in self._dependencies.items():
            if not self._mistakes:
                yield name, self._server(name, declared, sources)
        waits = {name: {"condition": self._condition(name)} for name in self._dependencies}
        common = self._backend_common(values)
        for name, job in self._environment.jobs.items():
            yield f"job-{name}", {**common, "command": self._words(job.command), "depends_on": dict(waits)}
            waits[f"job-{name}"] = {"condition": "service_completed_successfully"}
        names = self._replica_names()
        started = {**common, **self._started(), "depends_on": waits} if waits else {**common, **self._started()}
        port = self._environment.platform.port
        behind = self._environment.ingress.kind != "none"
        for name in names:
            yield name, started if behind else {**started, "ports": [f"127.0.0.1:${{{_PUBLISHED}:-8080}}:{port}"]}
        if behind:
            yield "ingress", self._ingress(names)

    def _is_literal_secret(self, setting: ResolvedSetting) -> bool:
        """Whether a secret stands in the files themselves: then it is a variable as well."""
        said = self._environment.settings.get(setting.name)
        return setting.secret and not isinstance(said, FromSource) and not _MARK.search(setting.value)

    def _cannot_be_said(self) -> None:
        if key_maker(self._backend.scheme) is not None:
            self._refuse("tokens.scheme", "a key that both sides have", "a pair of keys that a run makes")
        for name, declared in self._dependencies.items():
            if isinstance(kind_of(declared), HoldsKeys):
                self._refuse(f"dependencies.{name}", "a server without keys of a run", declared.kind)
            if self._environment.dependencies[name].tls != "off":
                self._left_out[f"dependencies.{name}.tls"] = None
            if declared.latency_ms:
                self._left_out[f"dependencies.{name}.latency_ms"] = None
        ingress = self._environment.ingress
        if ingress.config is not None:
            self._refuse("ingress.config", "an ingress of envparity's own", str(ingress.config))
        self._left_out |= {"ingress.tls": None} if ingress.tls else {}
        self._left_out |= {"ingress.max_lifetime_s": None} if ingress.max_lifetime_s else {}

    def _refuse(self, key: str, expected: str, got: str) -> None:
        self._mistakes.append(Mistake(f"export {self._environment.name}", 0, key, expected, got))

    def _sources(self) -> dict[str, str]:
        ingress = self._environment.ingress
        sources = {
            "ingress.network": _NETWORK,
            "ingress.host": ingress.host,
            "ingress.origin": ingress.origin,
            "ingress.prefix": ingress.prefix if ingress.kind != "none" else "",
            "platform.port": str(self._environment.platform.port),
        }
        for name, declared in self._dependencies.items():
            if not isinstance(kind_of(declared), HoldsKeys):
                sources |= self._offered(name, declared)
        return sources

    def _offered(self, name: str, declared: Dependency) -> dict[str, str]:
        kind, server = kind_of(declared), self._reached(name, declared)
        with KINDS.guarding(kind):
            return offered_by(name, declared, server, kind.url(declared, server, CA_PATH))

    def _reached(self, name: str, declared: Dependency) -> Server:
        password = self._password(name)
        kind = kind_of(declared)
        with KINDS.guarding(kind):
            return Server(name, kind.container(declared, password).port, password)

    def _password(self, name: str) -> str:
        declared = self._dependencies[name]
        kind = kind_of(declared)
        with KINDS.guarding(kind):
            if not kind.asks_for_password(declared):
                return ""
        return self._names.mark(_variable(f"{name}_PASSWORD"))

    def _server(self, name: str, declared: Dependency, sources: Mapping[str, str]) -> dict[str, object]:
        reached = self._reached(name, declared)
        told = placed(self._backend, self._environment, name, reached, sources=sources, made=self._names)
        told = msgspec.structs.replace(told, tls="off")
        kind = kind_of(told)
        with KINDS.guarding(kind):
            plan, image = kind.container(told, reached.password), kind.image_of(told)
        service: dict[str, object] = self._image_of(image)
        service |= self._of_plan(name, plan)
        ready = told.options.get("ready") or {}
        if ready.get("command"):
            words = [_filled_in(word, plan.port, reached.password) for word in ready["command"]]
            service["healthcheck"] = {"test": ["CMD", *self._words(words)], **_HEALTH}
        elif isinstance(image, str) and image == kind.image:
            listens = f"exec 3<>/dev/tcp/127.0.0.1/{plan.port}"
            service["healthcheck"] = {"test": ["CMD", "bash", "-c", listens], **_HEALTH}
        return service

    def _image_of(self, image: str | Path | Built) -> dict[str, object]:
        if isinstance(image, Built):
            return {"build": self._build(image.context, image.dockerfile)}
        own = default_docker_folder() / str(image)
        if isinstance(image, Path) or (own / "Dockerfile").is_file():
            folder = image if isinstance(image, Path) else own
            self._copy(folder)
            return {"build": f"./{folder.name}"}
        return {"image": image}

    def _copy(self, folder: Path) -> None:
        """Put the folder that an image is built from beside the compose file."""
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                self._files[f"{folder.name}/{file.relative_to(folder).as_posix()}"] = file.read_bytes()

    def _of_plan(self, name: str, plan: ServerPlan) -> dict[str, object]:
        service: dict[str, object] = {}
        variables = dict(plan.variables)
        for key, value in plan.variables.items():
            if is_secret(key, value) and not _MARK.search(value):
                variables[key] = self._names.mark(_variable(f"{name}_{key}"))
        if variables:
            service["environment"] = {key: self._names.shown(value) for key, value in variables.items()}
        if plan.entrypoint:
            service["entrypoint"] = self._words(plan.entrypoint)
        if plan.command:
            service["command"] = self._words(plan.command)
        mounts = []
        for path, (content, _) in plan.files.items():
            if _MARK.search(content.decode(errors="replace")):
                self._refuse(f"dependencies.{name}", "a server whose password is a variable", f"one that is in {path}")
            beside = f"{name}-files/{path.strip('/').replace('/', '-')}"
            self._files[beside] = content
            mounts.append(f"./{beside}:{path}:ro")
        if mounts:
            service["volumes"] = mounts
        if plan.tmpfs:
            service["tmpfs"] = list(plan.tmpfs)
        return service

    def _condition(self, name: str) -> str:
        """What the backend waits for: nobody, where the platform starts it before."""
        declared = self._dependencies[name]
        kind, ready = kind_of(declared), declared.options.get("ready") or {}
        asked = bool(ready.get("command")) or kind.image_of(declared) == kind.image
        return "service_healthy" if asked and self._environment.dependencies_first else "service_started"

    def _backend_common(self, values: Mapping[str, str]) -> dict[str, object]:
        platform, source = self._environment.platform, self._environment.image or self._backend.image
        common: dict[str, object] = self._backend_image(source)
        common["environment"] = {name: self._names.shown(value) for name, value in values.items()}
        mounts = []
        for path, template in self._environment.files.items():
            text = template.filled(values)
            if _MARK.search(text):
                self._refuse(f"files.{path}", "a file without a secret", "one with a secret")
            beside = f"files/{path.strip('/').replace('/', '-')}"
            self._files[beside] = text.encode()
            mounts.append(f"./{beside}:{path}:ro")
        common |= {"volumes": mounts} if mounts else {}
        common |= {"user": str(platform.user)} if platform.user is not None else {}
        common |= {"mem_limit": f"{platform.memory_mib}m"} if platform.memory_mib is not None else {}
        common |= {"cpus": platform.cpus} if platform.cpus is not None else {}
        if platform.read_only_root:
            common |= {"read_only": True, "tmpfs": list(platform.writable)}
        return common

    def _backend_image(self, source: ImageSource) -> dict[str, object]:
        if source.name is not None:
            return {"image": source.name}
        if source.dockerfile is None or source.context is None:
            self._refuse("image", "an image, for a compose file starts containers", "none")
            return {}
        build = self._build(source.context, source.dockerfile)
        return {"build": {**build, **({"target": source.target} if source.target else {})}}

    def _build(self, context: Path, dockerfile: Path) -> dict[str, str]:
        """Both as compose has them: the one relative to the file, the other to that."""
        here = os.path.relpath(context, self._folder.resolve())
        return {"context": here, "dockerfile": os.path.relpath(dockerfile, context)}

    def _started(self) -> dict[str, object]:
        environment, platform = self._environment, self._environment.platform
        ports = {PORT: platform.port, HEALTH_PORT: self._backend.health.port or platform.port}
        words = environment.arguments or filled(environment.command or self._backend.command, ports)
        started: dict[str, object] = {"stop_grace_period": f"{platform.stop_grace_s:g}s"}
        if environment.entrypoint:
            started["entrypoint"] = self._words(environment.entrypoint)
            words = environment.arguments
        return {**started, "command": self._words(words)} if words else started

    def _replica_names(self) -> list[str]:
        replicas = self._environment.platform.replicas
        return ["backend"] if replicas == 1 else [f"backend-{number}" for number in range(replicas)]

    def _ingress(self, names: list[str]) -> dict[str, object]:
        ingress = msgspec.structs.replace(self._environment.ingress, tls=False)
        self._copy(default_docker_folder() / "ingress")
        upstreams = [f"{name}:{self._environment.platform.port}" for name in names]
        variables = ingress_variables(ingress, upstreams, ())
        return {
            "build": "./ingress",
            "environment": {name: self._names.shown(value) for name, value in variables.items()},
            "depends_on": names,
            "ports": [f"127.0.0.1:${{{_PUBLISHED}:-8080}}:{_INGRESS_PORT}"],
        }

    def _words(self, words: Any) -> list[str]:
        return [self._names.shown(word) for word in words]


def _filled_in(word: str, port: int, password: str) -> str:
    """A word of a health check with what a dependency's `ready` may name."""
    return word.replace("{port}", str(port)).replace("{password}", password).replace("{user}", "app")


def _variable(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").upper()
