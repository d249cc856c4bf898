"""Reads environment files. Every mistake of every file is found before any is raised."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from envparity.deployed.target import url_problems
from envparity.document import Document, did_you_mean, in_words, read_document, schema_mistakes, shown_path
from envparity.environment import (
    Dependency,
    Deployed,
    Difference,
    Environment,
    FromSource,
    Ingress,
    Platform,
    SecretOf,
    Setting,
)
from envparity.errors import ConfigurationError, Mistake

__all__ = ["literal", "load_environment", "load_environments", "read_environments"]

SCHEMA = "environment.schema.json"

_SOURCE = re.compile(r"[a-z][a-z0-9-]*\.[a-z]+")
_OF_A_DEPENDENCY = ("url", "host", "port", "password")
_OF_THE_INGRESS = ("network", "origin", "host")
_OF_THE_PLATFORM = ("port",)


def load_environments(paths: Sequence[Path], names: Sequence[str] = ()) -> dict[str, Environment]:
    """The environments of these files and folders by name, the baseline first.

    With `names` only those are read, in the order asked for, and the first of them is the baseline. Otherwise it is
    the one whose file says `baseline = true`, and the others follow by name.
    Raises `ConfigurationError` with every mistake of every file.
    """
    environments, mistakes = read_environments(paths, names)
    if mistakes:
        raise ConfigurationError(mistakes)
    return environments


def read_environments(paths: Sequence[Path], names: Sequence[str] = ()) -> tuple[dict[str, Environment], list[Mistake]]:
    """As `load_environments`, but the mistakes are returned, beside the environments in which there are none."""
    files, mistakes = _files(paths)
    if names:
        files, unknown = _asked_for(files, names)
        mistakes += unknown
    loaded: dict[Path, Environment] = {}
    for path in files:
        environment, wrong = load_environment(path)
        mistakes += wrong
        if environment is not None:
            loaded[path] = environment
    mistakes += _clashes(loaded, asked=bool(names))
    found = list(loaded.values())
    if not names:
        found.sort(key=lambda one: (not one.baseline, one.name))
    return {one.name: one for one in found}, mistakes


def load_environment(path: Path) -> tuple[Environment | None, list[Mistake]]:
    """One environment file, or None and everything that is wrong with it."""
    document, mistakes = read_document(path)
    if document is None:
        return None, mistakes
    mistakes = [*mistakes, *schema_mistakes(document, SCHEMA), *_cross_checks(document)]
    if mistakes:
        return None, mistakes
    return _build(document), []


def _files(paths: Sequence[Path]) -> tuple[list[Path], list[Mistake]]:
    files: list[Path] = []
    mistakes = []
    for path in paths:
        found = sorted(path.glob("*.toml")) if path.is_dir() else [path]
        if not found:
            action = "add one file per environment, such as local.toml"
            mistakes.append(Mistake(shown_path(path), 0, "(folder)", "environment files, *.toml", "none", action))
        files += found
    return list(dict.fromkeys(files)), mistakes


def _asked_for(files: Sequence[Path], names: Sequence[str]) -> tuple[list[Path], list[Mistake]]:
    wanted: list[Path] = []
    mistakes = []
    known = sorted({path.stem for path in files})
    where = ", ".join(dict.fromkeys(shown_path(path.parent) for path in files)) or "(command line)"
    for name in dict.fromkeys(names):
        having = [path for path in files if path.stem == name]
        wanted += having
        if not having:
            expected = "one of " + ", ".join(known) if known else "an environment"
            action = did_you_mean(name, known)
            mistakes.append(Mistake(where, 0, "environment asked for", expected, in_words(name), action))
    return wanted, mistakes


def _clashes(loaded: Mapping[Path, Environment], *, asked: bool) -> Iterator[Mistake]:
    named = Counter(one.name for one in loaded.values())
    baselines = [one.name for one in loaded.values() if one.baseline]
    for path, one in loaded.items():
        if named[one.name] > 1:
            yield Mistake(shown_path(path), 0, "name", "a name of its own", f"{one.name}, which another file has too")
        if one.baseline and len(baselines) > 1 and not asked:
            got = f"{len(baselines)}: {', '.join(baselines)}"
            yield Mistake(shown_path(path), 0, "baseline", "one baseline", got, "keep it in one of the files")


def _build(document: Document) -> Environment:
    """The environment of a document in which nothing is wrong."""
    data = document.data
    convert = msgspec.convert
    return Environment(
        name=data["name"],
        description=data.get("description", ""),
        baseline=data.get("baseline", False),
        settings={name: _setting(value) for name, value in data.get("settings", {}).items()},
        platform=convert(data.get("platform", {}), Platform),
        ingress=convert(data.get("ingress", {}), Ingress),
        dependencies=convert(data.get("dependencies", {}), dict[str, Dependency]),
        dependencies_first=data.get("dependencies_first", True),
        differences=convert(data.get("differences", []), tuple[Difference, ...]),
        deployed=_deployed(document) if "deployed" in data else None,
    )


def _deployed(document: Document) -> Deployed:
    table = document.data["deployed"]
    if "ca" in table:
        table = table | {"ca": str((document.path.parent / table["ca"]).resolve())}
    return msgspec.convert(table, Deployed)


def _setting(value: Any) -> Setting:
    if isinstance(value, dict):
        return SecretOf(int(value["secret"])) if "secret" in value else FromSource(value["from"])
    return literal(value)


def literal(value: str | float) -> str:
    """The value as a process environment holds it: true and false in lower case, numbers in decimal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _cross_checks(document: Document) -> Iterator[Mistake]:
    """What no schema can say. The document may be wrong in any way: what the schema reports is passed over."""
    name = document.data.get("name")
    if isinstance(name, str) and name != document.path.stem:
        action = f"rename the file to {name}.toml, or set name = {document.path.stem!r}"
        yield document.mistake(("name",), f"{document.path.stem}, as the file is called", in_words(name), action)
    for setting, value in document.table("settings").items():
        source = value.get("from") if isinstance(value, dict) else None
        if isinstance(source, str) and _SOURCE.fullmatch(source):
            yield from _source_mistakes(document, setting, source)
        if isinstance(value, str) and "\0" in value:
            yield document.mistake(("settings", setting), "text that a process environment can hold", "a zero byte")
    yield from _port_mistakes(document)
    yield from _ingress_mistakes(document)
    yield from _difference_mistakes(document)
    yield from _deployed_mistakes(document)


def _source_mistakes(document: Document, setting: str, source: str) -> Iterator[Mistake]:
    key = ("settings", setting, "from")
    owner, _, what = source.partition(".")
    if not isinstance(document.data.get("dependencies", {}), dict):
        return  # said once, where it stands
    dependencies = document.table("dependencies")
    offered: tuple[str, ...]
    if owner == "ingress":
        offered = _OF_THE_INGRESS
    elif owner == "platform":
        offered = _OF_THE_PLATFORM
    elif owner in dependencies:
        offered = _OF_A_DEPENDENCY
    else:
        got = f"{setting} takes {source}, but there is no [dependencies.{owner}]"
        near = did_you_mean(owner, [*dependencies, "ingress", "platform"])
        yield document.mistake(key, "a dependency of this environment", got, near or f"add [dependencies.{owner}]")
        return
    if what not in offered:
        expected = "one of " + ", ".join(f"{owner}.{one}" for one in offered)
        yield document.mistake(key, expected, in_words(source), did_you_mean(what, offered))
    elif what == "password" and document.table("dependencies", owner).get("password") is False:
        yield document.mistake(key, f"a password of {owner}", "none: it has password = false")
    elif source == "ingress.network" and document.table("ingress").get("kind", "none") == "none":
        action = 'add [ingress] with kind = "nginx", or leave the setting empty'
        yield document.mistake(key, "an ingress, whose network is meant", "no ingress", action)


def _port_mistakes(document: Document) -> Iterator[Mistake]:
    """The platform says the port; a literal beside it would be overridden in silence."""
    setting = document.table("platform").get("port_setting", Platform().port_setting)
    settings = document.table("settings")
    if isinstance(setting, str) and setting in settings and settings[setting] != {"from": "platform.port"}:
        action = "set platform.port, and remove the setting"
        yield document.mistake(("settings", setting), "the port from [platform] alone", "a setting as well", action)


def _ingress_mistakes(document: Document) -> Iterator[Mistake]:
    ingress = document.table("ingress")
    if ingress.get("kind", "none") != "none":
        return
    replicas = document.table("platform").get("replicas", 1)
    if isinstance(replicas, int) and replicas > 1:
        action = 'add [ingress] with kind = "nginx", or set replicas = 1'
        expected = "1, for without an ingress nothing spreads the connections"
        yield document.mistake(("platform", "replicas"), expected, in_words(replicas), action)
    if ingress.get("tls") is True:
        action = 'set kind = "nginx", or tls = false'
        yield document.mistake(("ingress", "tls"), "false, for without an ingress nothing speaks TLS", "true", action)


def _difference_mistakes(document: Document) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for index, difference in enumerate(document.tables("differences")):
        path = difference.get("path")
        if not isinstance(path, str):
            continue
        if path in first:
            got = f"{path}, which differences[{first[path]}] has too"
            yield document.mistake(("differences", index, "path"), "a path of its own", got, "keep one of them")
        first.setdefault(path, index)


def _deployed_mistakes(document: Document) -> Iterator[Mistake]:
    deployed = document.table("deployed")
    for key, schemes in (("url", ("ws", "wss")), ("health", ("http", "https"))):
        url = deployed.get(key)
        if isinstance(url, str) and url:
            for expected, got in url_problems(url, schemes):
                yield document.mistake(("deployed", key), expected, got)
    if "secret" in deployed and "token" in deployed:
        action = "a token that somebody else made needs no key to make one with: remove one of them"
        yield document.mistake(("deployed", "token"), "either secret or token", "both", action)
    bundle = deployed.get("ca")
    if isinstance(bundle, str) and bundle and ("\0" in bundle or not (document.path.parent / bundle).is_file()):
        got = f"{in_words(bundle)}, which is none"
        yield document.mistake(("deployed", "ca"), "a file", got, "paths are relative to this file")
