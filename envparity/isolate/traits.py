"""What differs between two environments, taken apart into traits that can be mixed.

A trait is the smallest thing that can be taken from one environment into the other and leave a valid one: a setting, a
limit of the platform, the ingress, a trait of a dependency. What needs one another is one trait: a setting that takes
the ingress's network and the ingress, a URL that says TLS and the server that speaks it. (A URL that the launcher
makes, `{ from = "postgres.url" }`, follows its server by itself.)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from envparity.environment import Dependency, Environment, FromSource, Ingress, Platform, SecretOf, Setting

__all__ = ["Part", "Trait", "differences", "in_words", "mix"]

Area = Literal["setting", "platform", "ingress", "dependency", "order"]

_SECRET_NAME = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|PRIVATE|_KEY$", re.IGNORECASE)
_MADE_FROM_TRAITS = ("tls", "password", "kind")  # what a URL says of its server


class Part(msgspec.Struct, frozen=True, order=True):
    """One place at which two environments differ: `name` a setting, a field of the platform, or a dependency; `field`
    one of that dependency's, empty where the dependency is in one of the environments only.
    """

    area: Area
    name: str = ""
    field: str = ""


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
    for one, other in _needs(parts, passing, failing):
        joined = group[one] | group[other]
        for part in joined:
            group[part] = joined
    traits: dict[tuple[Part, ...], None] = {}
    for part in parts:
        traits[tuple(one for one in parts if one in group[part])] = None
    return tuple(Trait(one, " with ".join(_text(part, passing, failing) for part in one)) for one in traits)


def mix(passing: Environment, failing: Environment, traits: Collection[Trait]) -> Environment:
    """The passing environment with these traits of the failing one: valid, and under a name of its own.

    It declares the differences that either declares. All traits give what the failing one does to the backend.
    """
    settings, platform = dict(passing.settings), msgspec.to_builtins(passing.platform)
    dependencies, ingress, first = dict(passing.dependencies), passing.ingress, passing.dependencies_first
    chosen = sorted({part for trait in traits for part in trait.parts})
    for part in chosen:
        match part.area:
            case "setting":
                _take(settings, failing.settings, part.name)
            case "platform":
                platform[part.name] = getattr(failing.platform, part.name)
            case "ingress":
                ingress = failing.ingress
            case "order":
                first = failing.dependencies_first
            case "dependency" if part.field:
                value = getattr(failing.dependencies[part.name], part.field)
                dependencies[part.name] = msgspec.structs.replace(dependencies[part.name], **{part.field: value})
            case "dependency":
                _take(dependencies, failing.dependencies, part.name)
    declared = {one.path: one for one in (*passing.differences, *failing.differences)}
    digest = hashlib.sha256(msgspec.json.encode(chosen)).hexdigest()[:6]
    return Environment(
        name=f"{passing.name}-{failing.name}-{digest}",
        description=f"{passing.name} with {in_words(sorted(traits)) or 'nothing'} of {failing.name}",
        settings=settings,
        platform=msgspec.convert(platform, Platform),
        ingress=ingress,
        dependencies=dependencies,
        dependencies_first=first,
        differences=tuple(declared.values()),
    )


def in_words(traits: Collection[Trait]) -> str:
    """`STARTUP_VALIDATION=strict and platform.cpus=1`."""
    return " and ".join(map(str, traits))


def _take(
    into: dict[str, object] | dict[str, Setting] | dict[str, Dependency], of: Mapping[str, object], name: str
) -> None:
    if name in of:
        into[name] = of[name]  # type: ignore[assignment]
    else:
        into.pop(name, None)


def _parts(passing: Environment, failing: Environment) -> Iterator[Part]:
    """Every place at which they differ, in the sequence in which the failing one's file has them."""
    for name in dict.fromkeys((*failing.settings, *passing.settings)):
        if passing.settings.get(name) != failing.settings.get(name):
            yield Part("setting", name)
    for name in Platform.__struct_fields__:
        if getattr(passing.platform, name) != getattr(failing.platform, name):
            yield Part("platform", name)
    if passing.ingress != failing.ingress:
        yield Part("ingress")
    for name in dict.fromkeys((*failing.dependencies, *passing.dependencies)):
        before, after = passing.dependencies.get(name), failing.dependencies.get(name)
        if before is None or after is None:
            yield Part("dependency", name)
            continue
        for field in Dependency.__struct_fields__:
            if getattr(before, field) != getattr(after, field):
                yield Part("dependency", name, field)
    if passing.dependencies_first != failing.dependencies_first:
        yield Part("order")


def _needs(parts: Sequence[Part], passing: Environment, failing: Environment) -> Iterator[tuple[Part, Part]]:
    """The pairs of parts of which one without the other would make no environment."""
    there = set(parts)
    ingress = Part("ingress")
    appears = ingress in there and "none" in {passing.ingress.kind, failing.ingress.kind}
    if appears and Part("platform", "replicas") in there:
        yield ingress, Part("platform", "replicas")  # without an ingress nothing spreads connections
    port = Part("platform", "port_setting")
    for part in parts:
        if part.area != "setting":
            continue
        if port in there and part.name in {passing.platform.port_setting, failing.platform.port_setting}:
            yield part, port
        for setting in (passing.settings.get(part.name), failing.settings.get(part.name)):
            if appears and isinstance(setting, FromSource) and setting.source == "ingress.network":
                yield part, ingress
            for name in {*passing.dependencies, *failing.dependencies}:
                yield from ((part, one) for one in _of_server(name, setting) if one in there)


def _of_server(name: str, setting: Setting | None) -> Iterator[Part]:
    """The parts of that dependency with which this setting stands and falls."""
    if isinstance(setting, FromSource) and setting.source.partition(".")[0] == name:
        yield Part("dependency", name)
        if setting.source == f"{name}.password":
            yield Part("dependency", name, "password")
    elif isinstance(setting, str) and _host(setting) == name:
        yield Part("dependency", name)
        yield from (Part("dependency", name, field) for field in _MADE_FROM_TRAITS)


def _host(value: str) -> str | None:
    """The host of a URL; None where the value is none."""
    try:
        return urlsplit(value).hostname if "://" in value else None
    except ValueError:
        return None


def _text(part: Part, passing: Environment, failing: Environment) -> str:
    """What stands there in the failing environment; of a secret no more than the name."""
    match part.area:
        case "setting":
            return _setting_text(part.name, failing.settings.get(part.name), passing.settings.get(part.name))
        case "platform":
            return _assigned(f"platform.{part.name}", getattr(failing.platform, part.name))
        case "ingress":
            return _ingress_text(passing.ingress, failing.ingress)
        case "order":
            return _assigned("dependencies_first", failing.dependencies_first)
        case "dependency" if part.field:
            return _assigned(f"{part.name}.{part.field}", getattr(failing.dependencies[part.name], part.field))
        case "dependency":
            return f"dependency {part.name}" if part.name in failing.dependencies else f"no dependency {part.name}"


def _setting_text(name: str, setting: Setting | None, before: Setting | None) -> str:
    if setting is None:
        return f"{name} not set"
    if isinstance(setting, FromSource):
        return f"{name} from {setting.source}"
    if isinstance(setting, SecretOf) or isinstance(before, SecretOf) or _SECRET_NAME.search(name):
        return name
    if "://" in setting and "@" in setting:
        return name
    return _assigned(name, setting)


def _ingress_text(before: Ingress, after: Ingress) -> str:
    if after.kind == "none":
        return "no ingress"
    if before.kind == "none":
        return f"ingress {after.kind}{' over TLS' if after.tls else ''}"
    fields = [one for one in Ingress.__struct_fields__ if getattr(before, one) != getattr(after, one)]
    return ", ".join(_assigned(f"ingress.{one}", getattr(after, one)) for one in fields)


def _assigned(key: str, value: object) -> str:
    """As the file has it: `platform.cpus=1`, `redis.password=true`."""
    if value is None:
        return f"{key} not set"
    if isinstance(value, bool):
        return f"{key}={str(value).lower()}"
    if isinstance(value, float):
        return f"{key}={value:g}"
    return f"{key}={','.join(value) if isinstance(value, tuple) else value}"
