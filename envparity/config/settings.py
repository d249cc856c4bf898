"""Reads what an environment file says of settings: where each comes from, and what it is composed of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TypeGuard

from envparity.auth.key_pair import OFFERED
from envparity.dependency.kind import KINDS, DependencyKind
from envparity.errors import Mistake
from envparity.model.composed import Composed, Placeholder, Stray, circle, is_composed, pieces
from envparity.model.environment import Platform
from envparity.support.toml.document import Document, did_you_mean, in_words, unfit_for_a_process
from envparity.support.toml.lines import KeyPath

__all__ = ["composed_mistakes", "literal_mistakes", "source_mistakes"]

_SOURCE = re.compile(r"[a-z][a-z0-9-]*\.[a-z_]+")
_OF_THE_INGRESS = ("network", "origin", "host", "prefix")
_OF_THE_PLATFORM = ("port",)
_BRACES = "write {{ and }} for braces that stand for themselves"


def source_mistakes(document: Document) -> Iterator[Mistake]:
    """What is wrong with settings that stand by themselves, and what no schema says of them.

    Of those of the environment, and of those of its dependencies that have some; what these take from each other may
    go in no circle.
    """
    yield from _sources_at(document, ("settings",))
    owners: dict[str, list[str]] = {}
    for name in _having_settings(document):
        yield from _sources_at(document, ("dependencies", name, "settings"))
        taken = _owners(document.table("dependencies", name, "settings"))
        owners[name] = [owner for owner in taken if owner != name]  # where it is itself anybody may be told
    try:
        TopologicalSorter(owners).prepare()
    except CycleError as error:
        way = error.args[1]
        key = ("dependencies", way[0], "settings")
        got = " before ".join(way)
        yield document.mistake(
            key, "dependencies of which one can be started first", got, "let one of them take nothing"
        )


def _having_settings(document: Document) -> list[str]:
    """The dependencies whose tables have settings of their own."""
    return [name for name in document.table("dependencies") if document.table("dependencies", name, "settings")]


def _owners(settings: Mapping[str, object]) -> list[str]:
    """From whom these settings take something."""
    sources = [value["from"] for value in settings.values() if isinstance(value, dict) and "from" in value]
    composed = [Composed(value) for value in settings.values() if _is_composed(value)]
    sources += [source for setting in composed for source in setting.sources]
    return [source.partition(".")[0] for source in sources if isinstance(source, str)]


def _sources_at(document: Document, place: tuple[str, ...]) -> Iterator[Mistake]:
    """The mistakes of the settings that stand at that place."""
    for setting, value in document.table(*place).items():
        source = value.get("from") if isinstance(value, dict) else None
        if isinstance(source, str) and _SOURCE.fullmatch(source):
            yield from _source_mistakes(document, (*place, setting, "from"), setting, source)
        unfit = unfit_for_a_process(value)
        if unfit:
            expected = "text that a process environment can hold"
            yield document.mistake((*place, setting), expected, unfit, "give it a file to read, or less")


def composed_mistakes(
    document: Document, extended: Mapping[str, str], given: Collection[str] | None
) -> Iterator[Mistake]:
    """What is wrong with composed settings: each placeholder that nothing fills, each brace, each circle.

    `extended` are the settings of other files, `given` those of the backend's file (None: not known).
    """
    port = document.table("platform").get("port_setting", Platform().port_setting)
    known = {*document.table("settings"), *extended, *(given or ()), *([port] if isinstance(port, str) else [])}
    yield from _composed_at(document, ("settings",), None if given is None else known)
    for name in _having_settings(document):
        place = ("dependencies", name, "settings")
        yield from _composed_at(document, place, None if given is None else known | {*document.table(*place)})


def _composed_at(document: Document, place: tuple[str, ...], known: Collection[str] | None) -> Iterator[Mistake]:
    """Of the settings that stand at that place; `known` are those that they may be made of (None: not known)."""
    composed = {name: Composed(value) for name, value in document.table(*place).items() if _is_composed(value)}
    for name, setting in composed.items():
        key = (*place, name)
        for piece in dict.fromkeys(pieces(setting.template)):
            if isinstance(piece, Stray):
                expected = "{DEPENDENCY.host} and its like, or {setting:NAME}, each with or without |urlencode"
                yield document.mistake(key, expected, piece.text, _BRACES)
            elif isinstance(piece, Placeholder) and piece.source:
                yield from _source_mistakes(document, key, name, piece.source)
            elif isinstance(piece, Placeholder) and known is not None and piece.setting not in known:
                near = did_you_mean(piece.setting, known)
                got = f"{piece}, which is not given here"
                yield document.mistake(key, "a setting of this environment", got, near or f"add {piece.setting}")
        way = circle(name, composed)
        if way:
            got = " from ".join(way)
            yield document.mistake(key, "a value that is not made of itself", got, "write one of them out")


def literal_mistakes(document: Document, key: KeyPath, value: object) -> Iterator[Mistake]:
    """What is wrong with a setting that cannot be composed: the same in every environment, or a boot's own."""
    if not _is_composed(value):
        return
    for piece in dict.fromkeys(pieces(value)):
        if isinstance(piece, Placeholder):
            action = "compose it in [settings] of the environments' files"
            yield document.mistake(key, "a text without placeholders", str(piece), action)
        elif isinstance(piece, Stray):
            yield document.mistake(key, "a text without placeholders", piece.text, _BRACES)


def _is_composed(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and is_composed(value)


def _source_mistakes(document: Document, key: KeyPath, setting: str, source: str) -> Iterator[Mistake]:
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
        offered = _offers(dependencies[owner])
    elif owner == "tokens":
        offered = OFFERED
    else:
        got = f"{setting} takes {source}, but there is no [dependencies.{owner}]"
        near = did_you_mean(owner, [*dependencies, "ingress", "platform", "tokens"])
        yield document.mistake(key, "a dependency of this environment", got, near or f"add [dependencies.{owner}]")
        return
    if what not in offered:
        expected = "one of " + ", ".join(f"{owner}.{text}" for text in offered)
        yield document.mistake(key, expected, in_words(source), did_you_mean(what, offered))
    elif what == "password" and document.table("dependencies", owner).get("password") is False:
        yield document.mistake(key, f"a password of {owner}", "none: it has password = false")
    elif source == "ingress.network" and document.table("ingress").get("kind", "none") == "none":
        action = 'add [ingress] with kind = "nginx", or leave the setting empty'
        yield document.mistake(key, "an ingress, whose network is meant", "no ingress", action)


def _offers(table: object) -> tuple[str, ...]:
    """What settings may take from that dependency; where its kind is none, whatever any may offer."""
    name = table.get("kind") if isinstance(table, dict) else None
    kind = KINDS.find(name)
    if kind is None or not isinstance(table, dict):
        return DependencyKind.offers
    with KINDS.guarding(kind):
        return kind.offers_of(table)
