"""Any server, by its image: what it is given, when it is ready, and what runs where there is no engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, ClassVar

import msgspec

from envparity.dependencies.own_settings import OwnSettings, own_setting_mistakes, settings_of, with_values
from envparity.dependencies.placeholders import filled, filled_as_far_as_known, unknown
from envparity.dependencies.programs import missing, program
from envparity.dependencies.readiness import Ready, is_ready, ready_mistakes
from envparity.dependency.kind import Beside, DependencyKind, Image, KeyMistake, ProcessPlan, Server, ServerPlan
from envparity.model.environment import Dependency, Setting
from envparity.support.toml.document import in_words, is_there

__all__ = ["KIND", "AnyImage", "with_literals"]

_SERVED = ("user", "password", "host", "port", "address")
_STARTED = ("user", "password", "port")
_OFFERS = ("host", "port", "user", "password")
_MOST_BYTES = 1 << 20

Word = Annotated[str, msgspec.Meta(description="a word of it, without zero bytes", pattern="^[^\\u0000]*$")]
Literals = dict[str, str | int | float | bool]


class ImageKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an environment may say of a server of which only the image is known."""

    image: Annotated[
        str, msgspec.Meta(description="a reference that the engine has", pattern="^[^\\s\\u0000-\\u001f\\u007f]+$")
    ]
    port: Annotated[int, msgspec.Meta(description="the port that it listens on in its container", ge=1, le=65535)]
    user: Annotated[str, msgspec.Meta(description="what {user} is", min_length=1)] = "app"
    url: (
        Annotated[str, msgspec.Meta(description="what settings get from NAME.url, with placeholders", min_length=1)]
        | None
    ) = None
    variables: Annotated[Literals, msgspec.Meta(description="what it finds in its environment, with placeholders")] = {}
    settings: OwnSettings = {}
    files: Annotated[
        dict[str, Annotated[str, msgspec.Meta(description="a file of text, relative to this one", min_length=1)]],
        msgspec.Meta(description="files that it finds, by their paths in its container"),
    ] = {}
    volumes: Annotated[
        tuple[Annotated[str, msgspec.Meta(description="a folder of the container", pattern="^/")], ...],
        msgspec.Meta(description="folders that lie outside of the container's layers"),
    ] = ()
    command: Annotated[
        tuple[Word, ...], msgspec.Meta(description="what the image is started with, in place of its own command")
    ] = ()
    ready: Annotated[Ready, msgspec.Meta(description="when it is ready; left out: when its port accepts")] = Ready()
    process: Annotated[
        tuple[Word, ...], msgspec.Meta(description="the program and its arguments, where it is run without an image")
    ] = ()


class AnyImage(DependencyKind):
    """A server of any image: variables, files, volumes, when it is ready; a program for where there is no engine."""

    keys: ClassVar[type[msgspec.Struct]] = ImageKeys
    image: ClassVar[str] = ""
    offers: ClassVar[tuple[str, ...]] = (*_OFFERS, "url")
    paths: ClassVar[tuple[str, ...]] = ("files",)

    def asks_for_password(self, declared: Dependency) -> bool:
        """It is made for each: who does not ask for it has not been told of it."""
        del declared
        return True

    def mistakes(self, table: Mapping[str, object], folder: Path) -> Iterator[KeyMistake]:
        yield from unknown(("url",), table.get("url"), (*_OFFERS, "address"))
        yield from unknown(("variables",), table.get("variables"), _SERVED)
        yield from unknown(("command",), table.get("command"), _SERVED)
        yield from unknown(("process",), table.get("process"), (*_SERVED, "folder"))
        ready = table.get("ready")
        yield from ready_mistakes(ready)
        if isinstance(ready, dict):
            yield from unknown(("ready", "command"), ready.get("command"), _STARTED)
        yield from own_setting_mistakes(table.get("settings"))
        yield from _said_twice(table)
        yield from _file_mistakes(table, folder)

    def read(self, options: dict[str, Any], folder: Path) -> dict[str, Any]:
        """With its files' texts in place of their names."""
        texts = {path: (folder / name).read_text(encoding="utf-8") for path, name in options["files"].items()}
        return {**with_literals(options, "variables", "settings"), "files": texts}

    def offers_of(self, table: Mapping[str, object]) -> tuple[str, ...]:
        return self.offers if "url" in table else _OFFERS

    def offered(self, declared: Dependency, url: str, password: str) -> Mapping[str, str]:
        del url, password
        return {"user": declared.options["user"]}

    def image_of(self, declared: Dependency) -> Image:
        return str(declared.options["image"])

    def patience_s(self, declared: Dependency) -> float:
        return msgspec.convert(declared.options["ready"], Ready).within_s

    def url(self, declared: Dependency, server: Server, ca_path: str) -> str:
        del ca_path
        return filled(declared.options["url"] or "", _known(declared, server.password, _where(server)))

    async def answers(self, server: Server) -> bool:
        """Nobody knows its protocol: see `ready`."""
        raise NotImplementedError

    async def ready(self, declared: Dependency, server: Server, beside: Beside) -> bool:
        known = _known(declared, server.password, {"port": str(beside.port)})
        return await is_ready(declared.options["ready"], server, beside, known)

    def settings(self, declared: Dependency) -> Mapping[str, Setting]:
        return settings_of(declared)

    def placed(self, declared: Dependency, reached: Server, values: Mapping[str, str]) -> Dependency:
        told = with_values(declared, values)
        return msgspec.structs.replace(told, options={**told.options, "reached": _where(reached)})

    def container(self, declared: Dependency, password: str) -> ServerPlan:
        options = declared.options
        known = _known(declared, password, _own(declared))
        return ServerPlan(
            self.image,
            options["port"],
            _environment(options, known),
            {path: (filled_as_far_as_known(text, known).encode(), 0o644) for path, text in options["files"].items()},
            volumes=tuple(options["volumes"]),
            command=tuple(filled(option, known) for option in options["command"]),
            trusts=bool(options["settings"]),
        )

    def lacking(self) -> str:
        return ""

    def lacks(self, declared: Dependency) -> str:
        words = declared.options["process"]
        if not words:
            return f"{declared.options['image']} has no `process` that says what runs in its place without an engine"
        found = "/" in words[0] or "{" in words[0] or not missing(words[0], "")
        return "" if found else f"the program {words[0]!r}, for {declared.options['image']}, is not on this machine"

    def not_as_process(self, declared: Dependency) -> Iterator[str]:
        yield f"the image {declared.options['image']} (its program of this machine stands for it)"

    def process(self, declared: Dependency, folder: Path, port: int, password: str) -> ProcessPlan:
        options = declared.options
        known = _known(declared, password, {**_own(declared), "port": str(port), "folder": str(folder)})
        first, *arguments = (filled(option, known) for option in options["process"])
        return ProcessPlan(
            (program(first), *arguments),
            {PurePosixPath(path).name: filled_as_far_as_known(text, known) for path, text in options["files"].items()},
            _environment(options, known),
        )


def _environment(options: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, str]:
    """What it finds there: its variables, filled in, and the values of its settings as they are."""
    return {**{name: filled(value, known) for name, value in options["variables"].items()}, **options["settings"]}


def _said_twice(table: Mapping[str, object]) -> Iterator[KeyMistake]:
    variables, settings = table.get("variables"), table.get("settings")
    both = variables.keys() & settings.keys() if isinstance(variables, dict) and isinstance(settings, dict) else ()
    for name in sorted(both):
        yield KeyMistake(("settings", name), "a name that variables have not", "one that they have", "keep one of them")


def with_literals(options: dict[str, Any], *tables: str) -> dict[str, Any]:
    """The same, with what stands in these tables as an environment of a process has it: true in lower case."""
    written = {
        table: {
            name: str(value).lower() if isinstance(value, bool) else value if isinstance(value, dict) else str(value)
            for name, value in options[table].items()
        }
        for table in tables
    }
    return {**options, **written}


def _where(server: Server) -> dict[str, str]:
    return {"host": server.host, "port": str(server.port), "address": f"{server.host}:{server.port}"}


def _own(declared: Dependency) -> dict[str, str]:
    """As the server itself sees it: where the backend reaches it, and the port that it listens on."""
    reached: dict[str, str] = declared.options.get("reached", {})
    return {**reached, "port": str(declared.options["port"])}


def _known(declared: Dependency, password: str, more: Mapping[str, str]) -> dict[str, str]:
    return {"user": declared.options["user"], "password": password, **more}


def _file_mistakes(table: Mapping[str, object], folder: Path) -> Iterator[KeyMistake]:
    files = table.get("files")
    if not isinstance(files, dict):
        return
    names: dict[str, str] = {}
    for path, name in files.items():
        if not path.startswith("/") or path.endswith("/"):
            yield KeyMistake(("files", path), "the path of a file in the container", in_words(path), "begin it with /")
        if not isinstance(name, str) or not name:
            continue
        file = folder / name
        if not is_there(file):
            yield KeyMistake(("files", path), "a file", f"{in_words(name)}, which is none", "relative to this file")
            continue
        if file.stat().st_size > _MOST_BYTES or not _is_text(file):
            yield KeyMistake(("files", path), "UTF-8 text of at most 1 MiB", f"{in_words(name)}, which is not that")
        same = names.setdefault(PurePosixPath(path).name, path)
        if same != path and "process" in table:
            got = f"{PurePosixPath(path).name}, as of {same}, which is in the same folder where it is a process"
            yield KeyMistake(("files", path), "a name of its own", got)


def _is_text(file: Path) -> bool:
    try:
        file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return True


KIND = AnyImage()
