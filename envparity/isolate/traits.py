"""What differs between two environments, taken apart into traits that can be mixed.

A trait is the smallest thing that can be taken from one environment into the other and leave a valid one: a setting, a
limit of the platform, a property of the ingress, a trait of a dependency. What needs one another is one trait: a
setting that takes the ingress's network and the ingress that is not there otherwise, a URL that says TLS and the server
that speaks it. (A URL that the launcher makes, `{ from = "postgres.url" }`, follows its server by itself.)

Where one environment has an ingress and the other none, `carried` gives that other one an ingress that changes nothing:
between the two, everything that came with the ingress is a trait of its own, replicas and TLS and each limit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from envparity.isolate.dependency_fields import taken, takes_from, unequal_fields
from envparity.isolate.ingress_couples import INGRESS_COUPLES
from envparity.isolate.part import Area, Part
from envparity.isolate.trait_texts import trait_texts
from envparity.model.environment import Composed, Environment, Ingress, Platform, Setting, sources_of
from envparity.model.file_template import settings_in
from envparity.model.ingress_presets import WITHOUT_LIMITS
from envparity.support.zones import TIMEZONE_VARIABLE

__all__ = ["Trait", "carried", "differences", "mix"]

_CARRIED = "carried"
_CHANGES_NOTHING = Ingress(**WITHOUT_LIMITS)

_TABLES = {"setting": "settings", "job": "jobs", "process": "processes", "file": "files"}  # by area, what each names
_OF_THE_BACKEND = ("image", "command", "entrypoint", "arguments")  # what an environment may have of its own
_MADE_FROM_TRAITS = ("tls", "password", "kind")  # what a URL says of its server


class Trait(msgspec.Struct, frozen=True, order=True):
    """Parts that move together, and what they are in the failing environment, in the words of its file."""

    parts: tuple[Part, ...]
    text: str

    def __str__(self) -> str:
        return self.text


def differences(passing: Environment, failing: Environment) -> tuple[Trait, ...]:
    """Every trait in which they differ: settings first, then platform, ingress and dependencies.

    Names, descriptions, declared differences and which is the baseline are no traits: they do nothing to the backend.
    """
    parts = list(_parts(passing, failing))
    group = {part: {part} for part in parts}
    for value, other in _needs(parts, passing, failing):
        joined = group[value] | group[other]
        for part in joined:
            group[part] = joined
    traits: dict[tuple[Part, ...], None] = {}
    for part in parts:
        traits[tuple(each_part for each_part in parts if each_part in group[part])] = None
    return tuple(Trait(trait, " with ".join(trait_texts(trait, passing, failing))) for trait in traits)


def carried(environment: Environment, other: Environment) -> Environment | None:
    """That environment behind an ingress of the other one's kind that changes nothing of what goes through it.

    None where it has an ingress already, or the other one has none. It speaks no TLS, has the environment's own host,
    and limits so generous that nothing meets them.
    """
    if environment.ingress.kind != "none" or other.ingress.kind == "none":
        return None
    ingress = msgspec.structs.replace(_CHANGES_NOTHING, kind=other.ingress.kind, host=environment.ingress.host)
    return msgspec.structs.replace(environment, name=f"{environment.name}-{_CARRIED}", ingress=ingress)


T = TypeVar("T")


def mix(passing: Environment, failing: Environment, traits: Collection[Trait]) -> Environment:
    """The passing environment with these traits of the failing one: valid, and under a name of its own.

    It declares the differences that either declares. All traits give what the failing one does to the backend.
    """
    platform = msgspec.to_builtins(passing.platform)
    tables: dict[str, dict[str, object]] = {area: dict(getattr(passing, table)) for area, table in _TABLES.items()}
    dependencies, ingress, first = dict(passing.dependencies), passing.ingress, passing.dependencies_first
    own: dict[str, Any] = {name: getattr(passing, name) for name in _OF_THE_BACKEND}
    chosen = sorted({part for trait in traits for part in trait.parts})
    for part in chosen:
        match part.area:
            case "platform":
                platform[part.name] = getattr(failing.platform, part.name)
            case "ingress" if part.name:
                ingress = msgspec.structs.replace(ingress, **{part.name: getattr(failing.ingress, part.name)})
            case "ingress":
                ingress = failing.ingress
            case "order":
                first = failing.dependencies_first
            case "backend":
                own[part.name] = getattr(failing, part.name)
            case "dependency" if part.field:
                dependencies[part.name] = taken(dependencies[part.name], failing.dependencies[part.name], part.field)
            case "dependency":
                _take(dependencies, failing.dependencies, part.name)
            case area:
                _take(tables[area], getattr(failing, _TABLES[area]), part.name)
    own |= {_TABLES[area]: table for area, table in tables.items()}
    declared = {difference.path: difference for difference in (*passing.differences, *failing.differences)}
    digest = hashlib.sha256(msgspec.json.encode(chosen)).hexdigest()[:6]
    return Environment(
        name=f"{passing.name}-{failing.name}-{digest}",
        description=f"{passing.name} with {' and '.join(map(str, sorted(traits))) or 'nothing'} of {failing.name}",
        platform=msgspec.convert(platform, Platform),
        ingress=ingress,
        dependencies=dependencies,
        dependencies_first=first,
        differences=tuple(declared.values()),
        **own,
    )


def _take(into: dict[str, T], of: Mapping[str, T], name: str) -> None:
    if name in of:
        into[name] = of[name]
    else:
        into.pop(name, None)


def _parts(passing: Environment, failing: Environment) -> Iterator[Part]:
    """Every place at which they differ, in the sequence in which the failing one's file has them."""
    yield from _named(passing, failing, "setting")
    yield from (Part("platform", name) for name in _unequal(passing.platform, failing.platform))
    yield from _ingress_parts(passing.ingress, failing.ingress)
    for name in dict.fromkeys((*failing.dependencies, *passing.dependencies)):
        before, after = passing.dependencies.get(name), failing.dependencies.get(name)
        if before is None or after is None:
            yield Part("dependency", name)
            continue
        yield from (Part("dependency", name, field) for field in unequal_fields(before, after))
    if passing.dependencies_first != failing.dependencies_first:
        yield Part("order")
    for area in ("job", "process", "file"):
        yield from _named(passing, failing, area)
    for name in _OF_THE_BACKEND:
        if getattr(passing, name) != getattr(failing, name):
            yield Part("backend", name)


def _named(passing: Environment, failing: Environment, area: Area) -> Iterator[Part]:
    """What is unlike of those things that each have a name, as the failing one's file has them first."""
    before, after = getattr(passing, _TABLES[area]), getattr(failing, _TABLES[area])
    yield from (Part(area, name) for name in dict.fromkeys((*after, *before)) if before.get(name) != after.get(name))


def _ingress_parts(passing: Ingress, failing: Ingress) -> Iterator[Part]:
    """The properties of two ingresses; where there is one ingress, it is there or not as a whole."""
    if "none" not in {passing.kind, failing.kind}:
        yield from (Part("ingress", name) for name in _unequal(passing, failing))
    elif passing != failing:
        yield Part("ingress")


def _unequal(struct: msgspec.Struct, other: msgspec.Struct) -> Iterator[str]:
    """The names of the fields in which they differ."""
    return (name for name in struct.__struct_fields__ if getattr(struct, name) != getattr(other, name))


def _needs(parts: Sequence[Part], passing: Environment, failing: Environment) -> Iterator[tuple[Part, Part]]:
    """The pairs of parts of which one without the other would make no environment."""
    there, ends = set(parts), (passing, failing)
    ingress = Part("ingress")
    appears = ingress in there and "none" in {passing.ingress.kind, failing.ingress.kind}
    if appears and Part("platform", "replicas") in there:
        yield ingress, Part("platform", "replicas")  # without an ingress nothing spreads connections
    couples = ((Part("ingress", item), Part("ingress", other)) for item, other in INGRESS_COUPLES)
    yield from (couple for couple in couples if there.issuperset(couple))
    # What one kind says of a server is none of another's keys.
    yield from (
        (each_part, kind)
        for each_part in parts
        if each_part.field and (kind := Part(each_part.area, each_part.name, "kind")) in there
    )
    servers = [each_part for each_part in parts if each_part.area == "dependency" and not each_part.field]
    for sides in (passing.dependencies, failing.dependencies):  # who takes from a server is there with it
        yield from (
            (taker, server)
            for taker in parts
            for server in servers
            if taker.field and taker.name in sides and takes_from(sides[taker.name], taker.field, server.name)
        )
    started = [each_part for each_part in parts if each_part.area == "backend" and each_part.name != "image"]
    yield from pairwise(started)  # a program, and what it is told
    port, zone = Part("platform", "port_setting"), Part("platform", "timezone")
    for part in parts:
        if part.area == "file":
            texts = [end.files[part.name].text for end in (passing, failing) if part.name in end.files]
            taken = {Part("setting", name) for text in texts for name in settings_in(text)}
            yield from ((part, other) for other in taken & there if _in_one_only(other.name, passing, failing))
        if part.area != "setting":
            continue
        if port in there and part.name in {passing.platform.port_setting, failing.platform.port_setting}:
            yield part, port
        if part.name == TIMEZONE_VARIABLE and zone in there:
            yield part, zone
        for setting in (passing.settings.get(part.name), failing.settings.get(part.name)):
            if appears and "ingress.network" in sources_of(setting):
                yield part, ingress
            if isinstance(setting, Composed):
                # One that the other environment does not have goes where it is needed.
                needed = {Part("setting", name) for name in setting.settings}
                yield from ((part, other) for other in needed & there if _in_one_only(other.name, passing, failing))
            for name in {*passing.dependencies, *failing.dependencies}:
                yield from (
                    (part, each_part)
                    for each_part in _of_server(name, setting)
                    if each_part in there and not _apart(each_part, ends)
                )


def _of_server(name: str, setting: Setting | None) -> Iterator[Part]:
    """The parts of that dependency with which this setting stands and falls."""
    taken = [source for source in sources_of(setting) if source.partition(".")[0] == name]
    if taken:
        yield Part("dependency", name)
        if f"{name}.password" in taken:  # there is none to take where the server asks for none
            yield Part("dependency", name, "password")
    elif isinstance(setting, str) and _host(setting) == name:
        yield Part("dependency", name)
        yield from (Part("dependency", name, field) for field in _MADE_FROM_TRAITS)


def _apart(part: Part, ends: tuple[Environment, Environment]) -> bool:
    """Whether that part is a password that both servers ask for, whatever it is made of: a setting takes either."""
    passwords = [end.dependencies[part.name].password for end in ends if part.name in end.dependencies]
    return part.field == "password" and len(passwords) == 2 and all(passwords)


def _in_one_only(name: str, passing: Environment, failing: Environment) -> bool:
    return (name in passing.settings) != (name in failing.settings)


def _host(value: str) -> str | None:
    """The host of a URL; None where the value is none."""
    try:
        return urlsplit(value).hostname if "://" in value else None
    except ValueError:
        return None
