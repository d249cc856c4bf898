"""Another program of the team's own: from an image or as a process, with settings, a log, and when it is ready."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from envparity.dependencies.image import Word, with_literals
from envparity.dependencies.own_settings import OwnSettings, own_setting_mistakes, settings_of, with_values
from envparity.dependencies.placeholders import filled, unknown
from envparity.dependencies.programs import missing, program
from envparity.dependencies.readiness import Ready, is_ready, ready_mistakes
from envparity.dependency.kind import Beside, Built, DependencyKind, Image, KeyMistake, ProcessPlan, Server, ServerPlan
from envparity.model.environment import Dependency, Setting
from envparity.support.toml.document import in_words, is_there

__all__ = ["KIND", "Service"]

_OFFERS = ("url", "host", "port")


class ServiceKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an environment may say of another program of the team's own."""

    image: (
        Annotated[
            str, msgspec.Meta(description="a reference that the engine has", pattern="^[^\\s\\u0000-\\u001f\\u007f]+$")
        ]
        | None
    ) = None
    dockerfile: (
        Annotated[str, msgspec.Meta(description="or the Dockerfile of its image, relative to this file", min_length=1)]
        | None
    ) = None
    context: (
        Annotated[str, msgspec.Meta(description="the folder that it is built from; left out: its own", min_length=1)]
        | None
    ) = None
    include: Annotated[
        tuple[Annotated[str, msgspec.Meta(description="a glob", min_length=1)], ...],
        msgspec.Meta(description="globs of what of the context is sent"),
    ] = ("**",)
    command: Annotated[
        tuple[Word, ...], msgspec.Meta(description="what the image is started with, in place of its own command")
    ] = ()
    process: Annotated[
        tuple[Word, ...], msgspec.Meta(description="the program and its arguments, where it is run without an image")
    ] = ()
    folder: Annotated[
        str, msgspec.Meta(description="the folder in which that is run, relative to this file", min_length=1)
    ] = "."
    port: Annotated[int, msgspec.Meta(description="the port that it is told to listen on", ge=1, le=65535)] = 8000
    port_setting: Annotated[
        str, msgspec.Meta(description="the setting that tells it", pattern="^[A-Za-z_][A-Za-z0-9_]*$")
    ] = "PORT"
    settings: OwnSettings = {}
    url: Annotated[
        str, msgspec.Meta(description="what settings get from NAME.url, with {host}, {port}, {address}", min_length=1)
    ] = "http://{address}"
    ready: Annotated[Ready, msgspec.Meta(description="when it is ready; left out: when its port accepts")] = Ready()


class Service(DependencyKind):
    """Another program of the team's own, which is cut, late and absent as any server is."""

    keys: ClassVar[type[msgspec.Struct]] = ServiceKeys
    image: ClassVar[str] = ""
    offers: ClassVar[tuple[str, ...]] = _OFFERS
    paths: ClassVar[tuple[str, ...]] = ("dockerfile", "context", "folder")

    def asks_for_password(self, declared: Dependency) -> bool:
        """What it asks for is its own matter, and a setting."""
        del declared
        return False

    def mistakes(self, table: Mapping[str, object], folder: Path) -> Iterator[KeyMistake]:
        yield from unknown(("url",), table.get("url"), ("host", "port", "address"))
        yield from unknown(("process",), table.get("process"), ("port",))
        yield from unknown(("command",), table.get("command"), ("port",))
        ready = table.get("ready")
        yield from ready_mistakes(ready)
        if isinstance(ready, dict):
            yield from unknown(("ready", "command"), ready.get("command"), ("port",))
        yield from _source_mistakes(table, folder)
        settings = table.get("settings")
        yield from own_setting_mistakes(settings)
        port = table.get("port_setting", "PORT")
        if isinstance(settings, dict) and port in settings:
            yield KeyMistake(("settings", str(port)), "the port from `port` alone", "a setting as well", "set port")

    def read(self, options: dict[str, object], folder: Path) -> dict[str, object]:
        """With its folders found, and what its image is built from in one."""
        read = with_literals(options, "settings")
        dockerfile, context, include = read.pop("dockerfile"), read.pop("context"), read.pop("include")
        built: dict[str, object] | None = None
        if dockerfile is not None:
            file = (folder / dockerfile).resolve()
            beside = file.parent if context is None else (folder / context).resolve()
            built = {"dockerfile": str(file), "context": str(beside), "include": include}
        return {**read, "built": built, "folder": str((folder / read["folder"]).resolve())}

    def image_of(self, declared: Dependency) -> Image:
        built = declared.options["built"]
        if built is None:
            return declared.options["image"] or ""
        return Built(Path(built["dockerfile"]), Path(built["context"]), tuple(built["include"]))

    def patience_s(self, declared: Dependency) -> float:
        return msgspec.convert(declared.options["ready"], Ready).within_s

    def url(self, declared: Dependency, server: Server, ca_path: str) -> str:
        del ca_path
        where = {"host": server.host, "port": str(server.port), "address": f"{server.host}:{server.port}"}
        return filled(declared.options["url"], where)

    async def answers(self, server: Server) -> bool:
        """Nobody knows its protocol: see `ready`."""
        raise NotImplementedError

    async def ready(self, declared: Dependency, server: Server, beside: Beside) -> bool:
        return await is_ready(declared.options["ready"], server, beside, {"port": str(beside.port)})

    def settings(self, declared: Dependency) -> Mapping[str, Setting]:
        return settings_of(declared)

    def placed(self, declared: Dependency, reached: Server, values: Mapping[str, str]) -> Dependency:
        del reached
        return with_values(declared, values)

    def container(self, declared: Dependency, password: str) -> ServerPlan:
        del password
        options, port = declared.options, declared.options["port"]
        command = tuple(filled(option, {"port": str(port)}) for option in options["command"])
        variables = {**options["settings"], options["port_setting"]: str(port)}
        return ServerPlan(self.image, port, variables, command=command, trusts=True)

    def lacking(self) -> str:
        return ""

    def lacks(self, declared: Dependency) -> str:
        words = declared.options["process"]
        if not words:
            return "a service has no `process` that says what runs without an engine"
        found = "/" in words[0] or not missing(words[0], "")
        return "" if found else f"the program {words[0]!r} of a service is not on this machine"

    def process(self, declared: Dependency, folder: Path, port: int, password: str) -> ProcessPlan:
        del folder, password
        options = declared.options
        first, *arguments = (filled(option, {"port": str(port)}) for option in options["process"])
        variables = {**options["settings"], options["port_setting"]: str(port)}
        return ProcessPlan((program(first), *arguments), variables=variables, code=Path(options["folder"]))


def _source_mistakes(table: Mapping[str, object], folder: Path) -> Iterator[KeyMistake]:
    """What is wrong with where it comes from: exactly one image or Dockerfile, or a process alone."""
    said = [item for item in ("image", "dockerfile") if item in table]
    if len(said) > 1:
        yield KeyMistake(("dockerfile",), "either image or dockerfile", "both", "keep one of them")
    if not said and not table.get("process"):
        yield KeyMistake((), "an image, a dockerfile or a process", "none of them", "say there how it is run")
    for key in ("context", "include"):
        if key in table and "dockerfile" not in table:
            yield KeyMistake((key,), "a dockerfile, which it is for", "none", "add dockerfile, or remove it")
    for key, is_folder in (("dockerfile", False), ("context", True), ("folder", True)):
        name = table.get(key)
        if isinstance(name, str) and name and not is_there(folder / name, folder=is_folder):
            what = "a file" if key == "dockerfile" else "a folder"
            yield KeyMistake((key,), what, f"{in_words(name)}, which is none", "paths are relative to this file")


KIND = Service()
