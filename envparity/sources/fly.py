"""`fly.toml`: what Fly is told of an app."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from envparity.errors import ConfigurationError
from envparity.sources.building import Building
from envparity.sources.images import put_built, put_image_name, put_words, words_of
from envparity.sources.quantities import cores, mebibytes, seconds
from envparity.sources.source import Said, Source
from envparity.support.toml.document import Document, dotted, read_document
from envparity.support.toml.lines import KeyPath

__all__ = ["SOURCE", "Fly"]

_READ = frozenset(
    ("app", "build", "deploy", "env", "http_service", "kill_timeout", "primary_region", "processes", "services", "vm")
)
_READ_OF_DEPLOY = frozenset({"release_command", "strategy", "wait_timeout", "max_unavailable"})
_READ_OF_VM = frozenset({"memory", "memory_mb", "cpus", "size", "processes"})
_READ_OF_SERVICE = frozenset(
    ("checks", "force_https", "internal_port", "min_machines_running", "processes", "protocol", "ports")
)  # fmt: skip
_LISTED = (("release_command",), ("primary_region",))
_MAIN = "app"
"""The group of processes that a machine runs where it is in none."""


class Fly(Source):
    """Its settings, its machine, its service; what `fly secrets` holds stands nowhere."""

    def reads(self, path: Path) -> bool:
        return path.suffix == ".toml" and path.stem.split(".")[0] == "fly"

    def read(self, path: Path, part: str) -> Said:
        if not path.is_file():
            raise FileNotFoundError(path)
        document, mistakes = read_document(path)
        if document is None or mistakes:
            raise ConfigurationError(mistakes)
        if part:
            raise ConfigurationError([document.mistake((), "no part of it to be asked for", f"#{part}")])
        made = Building()
        for name, value in document.table("env").items():
            made.setting(name, _text(value), (path, document.line(("env", name))))
        _machine(made, document)
        _service(made, document)
        _rest(made, document, (), document.data, _READ)
        _rest(made, document, ("deploy",), document.table("deploy"), _READ_OF_DEPLOY)
        made.unknown("secrets", "the settings that fly secrets holds", (path, 1))
        return made.said()


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _rest(made: Building, document: Document, way: KeyPath, table: Mapping[str, object], read: frozenset[str]) -> None:
    """List what else stands in a table: a scalar as it is, of anything else that it is there."""
    for key, value in table.items():
        if key not in read:
            text = _text(value) if isinstance(value, str | int | float) else "a table or a list"
            made.not_taken(dotted((*way, key)), text, (document.path, document.line((*way, key)) or 1))


def _machine(made: Building, document: Document) -> None:
    vm: list[tuple[KeyPath, dict[str, object]]] = [
        (("vm", number), table) for number, table in enumerate(document.tables("vm"))
    ] or [(("vm",), document.table("vm"))]
    key, table = vm[0]
    for name, field, read in (
        ("memory", "memory_mib", mebibytes),
        ("memory_mb", "memory_mib", mebibytes),
        ("cpus", "cpus", cores),
    ):
        if name in table:
            text = (
                f"{table[name]}m"
                if name == "memory_mb" or (name == "memory" and isinstance(table[name], int))
                else str(table[name])
            )
            _amount(made, document, (*key, name), ("platform", field), read(text))
    _rest(made, document, key, table, _READ_OF_VM)
    if "size" in table:
        made.not_taken("machine", str(table["size"]), (document.path, document.line((*key, "size"))))
    if "kill_timeout" in document.data:
        said = document.data["kill_timeout"]
        _amount(made, document, ("kill_timeout",), ("platform", "stop_grace_s"), seconds(str(said)))
    for way in _LISTED:
        inside = document.table(*way[:-1]) if len(way) > 1 else document.data
        if way[-1] in inside:
            made.not_taken(dotted(way), str(inside[way[-1]]), (document.path, document.line(way)))
    _build(made, document)
    release = document.table("deploy").get("release_command")
    if release is not None:
        place = document.path, document.line(("deploy", "release_command"))
        if not made.job("release", words_of(str(release)) or [], place):
            made.not_taken("jobs.release", f"a job before the backend: {release}", place)
    for name, command in document.table("processes").items():
        place = document.path, document.line(("processes", name))
        if name == _MAIN:
            put_words(made, "arguments", words_of(str(command)), place, str(command))
        else:
            made.not_taken(f"processes.{name}", str(command), place)


def _build(made: Building, document: Document) -> None:
    """The image, from a Dockerfile or by name; what is built otherwise is listed."""
    build = document.table("build")
    place = document.path, document.line(("build",)) or 1
    target = build.get("build-target")
    if isinstance(build.get("image"), str):
        put_image_name(made, build["image"], (document.path, document.line(("build", "image"))))
    elif isinstance(build.get("dockerfile"), str) or (document.path.parent / "Dockerfile").is_file():
        dockerfile = build.get("dockerfile", "Dockerfile")
        target = target if isinstance(target, str) else None
        put_built(made, document.path.parent, place, context=".", dockerfile=str(dockerfile), target=target)
    for key in sorted(set(build) - {"image", "dockerfile", "build-target"}):
        made.not_taken(f"build {key}", str(build[key]), (document.path, document.line(("build", key))))


def _amount(made: Building, document: Document, key: KeyPath, field: tuple[str, ...], value: float | None) -> None:
    if value is None:
        raise ConfigurationError([document.mistake(key, "an amount", "something else")])
    made.put(field, value, (document.path, document.line(key)))


def _service(made: Building, document: Document) -> None:
    key: KeyPath = ("http_service",)
    table = document.table("http_service")
    services = document.tables("services")
    if not table and services:
        key, table = ("services", 0), services[0]
    if not table:
        return
    place = document.path, document.line(key)
    made.put(("ingress", "kind"), "nginx", place)
    made.put(("ingress", "preset"), "fly", place)
    made.put(("ingress", "tls"), value=True, place=place)
    made.unknown("ingress host", "the name that Fly gives, or that is mapped to it", place)
    _rest(made, document, key, table, _READ_OF_SERVICE)
    if isinstance(table.get("internal_port"), int):
        made.put(("platform", "port"), table["internal_port"], (document.path, document.line((*key, "internal_port"))))
    least = table.get("min_machines_running")
    if isinstance(least, int) and least > 0:
        made.put(("platform", "replicas"), least, (document.path, document.line((*key, "min_machines_running"))))
    for number, check in enumerate(table.get("checks", []) if isinstance(table.get("checks"), list) else []):
        for name, what in (
            ("path", "health"),
            ("timeout", "health timeout"),
            ("interval", "health period"),
            ("grace_period", "health start period"),
        ):
            if isinstance(check, dict) and name in check:
                amount = seconds(str(check[name])) if name != "path" else None
                text = str(check[name]) if amount is None else f"{amount:g} s"
                made.not_taken(what, text, (document.path, document.line((*key, "checks", number, name))))


SOURCE = Fly()
