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
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from envparity.isolate.dependency_fields import field_of, taken, takes_from, unequal_fields
from envparity.isolate.ingress_couples import DONE_BY_CONFIG, INGRESS_COUPLES
from envparity.model.environment import (
    RESERVED,
    Composed,
    Dependency,
    Environment,
    FileTemplate,
    FromSource,
    ImageSource,
    Ingress,
    Job,
    Platform,
    Setting,
    is_made_secret,
    settings_in,
    sources_of,
)
from envparity.model.ingress_presets import WITHOUT_LIMITS
from envparity.redaction import is_secret

__all__ = ["Part", "Trait", "carried", "differences", "mix"]

Area = Literal["setting", "platform", "ingress", "dependency", "order", "backend", "job", "file"]

_CARRIED = "carried"
_CHANGES_NOTHING = Ingress(**WITHOUT_LIMITS)

_OF_THE_BACKEND = ("image", "command")  # what an environment may have of its own
_MADE_FROM_TRAITS = ("tls", "password", "kind")  # what a URL says of its server


class Part(msgspec.Struct, frozen=True, order=True):
    """One place at which two environments differ: `name` a setting, a field of the platform or of the ingress, or a
    dependency; `field` one of that dependency's. Empty where the dependency, or the ingress, is in one of the
    environments only.
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
    return tuple(Trait(one, " with ".join(_texts(one, passing, failing))) for one in traits)


def carried(environment: Environment, other: Environment) -> Environment | None:
    """That environment behind an ingress of the other one's kind that changes nothing of what goes through it.

    None where it has an ingress already, or the other one has none. It speaks no TLS, has the environment's own host,
    and limits so generous that nothing meets them.
    """
    if environment.ingress.kind != "none" or other.ingress.kind == "none":
        return None
    ingress = msgspec.structs.replace(_CHANGES_NOTHING, kind=other.ingress.kind, host=environment.ingress.host)
    return msgspec.structs.replace(environment, name=f"{environment.name}-{_CARRIED}", ingress=ingress)


def mix(passing: Environment, failing: Environment, traits: Collection[Trait]) -> Environment:
    """The passing environment with these traits of the failing one: valid, and under a name of its own.

    It declares the differences that either declares. All traits give what the failing one does to the backend.
    """
    settings, platform = dict(passing.settings), msgspec.to_builtins(passing.platform)
    dependencies, ingress, first = dict(passing.dependencies), passing.ingress, passing.dependencies_first
    jobs, files = dict(passing.jobs), dict(passing.files)
    own: dict[str, Any] = {name: getattr(passing, name) for name in _OF_THE_BACKEND}
    chosen = sorted({part for trait in traits for part in trait.parts})
    for part in chosen:
        match part.area:
            case "setting":
                _take(settings, failing.settings, part.name)
            case "platform":
                platform[part.name] = getattr(failing.platform, part.name)
            case "ingress" if part.name:
                ingress = msgspec.structs.replace(ingress, **{part.name: getattr(failing.ingress, part.name)})
            case "ingress":
                ingress = failing.ingress
            case "order":
                first = failing.dependencies_first
            case "file":
                _take(files, failing.files, part.name)
            case "job":
                _take(jobs, failing.jobs, part.name)
            case "backend":
                own[part.name] = getattr(failing, part.name)
            case "dependency" if part.field:
                dependencies[part.name] = taken(dependencies[part.name], failing.dependencies[part.name], part.field)
            case "dependency":
                _take(dependencies, failing.dependencies, part.name)
    declared = {one.path: one for one in (*passing.differences, *failing.differences)}
    digest = hashlib.sha256(msgspec.json.encode(chosen)).hexdigest()[:6]
    return Environment(
        name=f"{passing.name}-{failing.name}-{digest}",
        description=f"{passing.name} with {' and '.join(map(str, sorted(traits))) or 'nothing'} of {failing.name}",
        settings=settings,
        platform=msgspec.convert(platform, Platform),
        ingress=ingress,
        dependencies=dependencies,
        dependencies_first=first,
        differences=tuple(declared.values()),
        jobs=jobs,
        files=files,
        **own,
    )


def _take(
    into: dict[str, object] | dict[str, Setting] | dict[str, Dependency] | dict[str, Job] | dict[str, FileTemplate],
    of: Mapping[str, object],
    name: str,
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
    yield from (
        Part("job", name)
        for name in dict.fromkeys((*failing.jobs, *passing.jobs))
        if passing.jobs.get(name) != failing.jobs.get(name)
    )
    yield from (
        Part("file", name)
        for name in dict.fromkeys((*failing.files, *passing.files))
        if passing.files.get(name) != failing.files.get(name)
    )
    for name in _OF_THE_BACKEND:
        if getattr(passing, name) != getattr(failing, name):
            yield Part("backend", name)


def _ingress_parts(passing: Ingress, failing: Ingress) -> Iterator[Part]:
    """The properties of two ingresses; where there is one ingress, it is there or not as a whole."""
    if "none" not in {passing.kind, failing.kind}:
        yield from (Part("ingress", name) for name in _unequal(passing, failing))
    elif passing != failing:
        yield Part("ingress")


def _unequal(one: msgspec.Struct, other: msgspec.Struct) -> Iterator[str]:
    """The names of the fields in which they differ."""
    return (name for name in one.__struct_fields__ if getattr(one, name) != getattr(other, name))


def _needs(parts: Sequence[Part], passing: Environment, failing: Environment) -> Iterator[tuple[Part, Part]]:
    """The pairs of parts of which one without the other would make no environment."""
    there, ends = set(parts), (passing, failing)
    ingress = Part("ingress")
    appears = ingress in there and "none" in {passing.ingress.kind, failing.ingress.kind}
    if appears and Part("platform", "replicas") in there:
        yield ingress, Part("platform", "replicas")  # without an ingress nothing spreads connections
    couples = ((Part("ingress", one), Part("ingress", other)) for one, other in INGRESS_COUPLES)
    yield from (couple for couple in couples if there.issuperset(couple))
    # What one kind says of a server is none of another's keys.
    yield from ((one, kind) for one in parts if one.field and (kind := Part(one.area, one.name, "kind")) in there)
    servers = [one for one in parts if one.area == "dependency" and not one.field]
    for sides in (passing.dependencies, failing.dependencies):  # who takes from a server is there with it
        yield from ((one, server) for one in parts for server in servers if one.field
                    and one.name in sides and takes_from(sides[one.name], one.field, server.name))  # fmt: skip
    port = Part("platform", "port_setting")
    for part in parts:
        if part.area == "file":
            texts = [end.files[part.name].text for end in (passing, failing) if part.name in end.files]
            taken = {Part("setting", name) for text in texts for name in settings_in(text)}
            yield from ((part, other) for other in taken & there if _in_one_only(other.name, passing, failing))
        if part.area != "setting":
            continue
        if port in there and part.name in {passing.platform.port_setting, failing.platform.port_setting}:
            yield part, port
        for setting in (passing.settings.get(part.name), failing.settings.get(part.name)):
            if appears and "ingress.network" in sources_of(setting):
                yield part, ingress
            if isinstance(setting, Composed):
                # One that the other environment does not have goes where it is needed.
                needed = {Part("setting", name) for name in setting.settings}
                yield from ((part, other) for other in needed & there if _in_one_only(other.name, passing, failing))
            for name in {*passing.dependencies, *failing.dependencies}:
                yield from ((part, one) for one in _of_server(name, setting) if one in there and not _apart(one, ends))


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


def _texts(parts: Sequence[Part], passing: Environment, failing: Environment) -> Iterator[str]:
    """What stands at each of these in the failing environment, but for what its own configuration does instead."""
    instead = Part("ingress", "config") in parts and failing.ingress.config is not None
    for part in parts:
        if not (instead and part.area == "ingress" and part.name in DONE_BY_CONFIG):
            yield _text(part, passing, failing)


def _text(part: Part, passing: Environment, failing: Environment) -> str:  # noqa: PLR0911  one for each area
    """What stands there in the failing environment; of a secret no more than the name."""
    match part.area:
        case "setting":
            return _setting_text(part.name, failing.settings.get(part.name), passing.settings.get(part.name))
        case "platform":
            return _assigned(f"platform.{part.name}", getattr(failing.platform, part.name))
        case "ingress":
            return _ingress_text(failing.ingress, part.name)
        case "file":
            file = failing.files.get(part.name)
            return f"no file {part.name}" if file is None else f"file {part.name} from {file.template}"
        case "job":
            job = failing.jobs.get(part.name)
            return f"no job {part.name}" if job is None else f"job {part.name}: {' '.join(job.command)}"
        case "backend":
            return _backend_text(part.name, passing, failing)
        case "order":
            return _assigned("dependencies_first", failing.dependencies_first)
        case "dependency" if part.field:
            return _option_text(f"{part.name}.{part.field}", field_of(failing.dependencies[part.name], part.field))
        case "dependency":
            return f"dependency {part.name}" if part.name in failing.dependencies else f"no dependency {part.name}"


def _setting_text(name: str, setting: Setting | None, before: Setting | None) -> str:
    if setting is None:
        return f"{name} not set"
    if isinstance(setting, FromSource):
        return f"{name} from {setting.source}"
    if isinstance(setting, Composed) and not is_secret(name, setting.around):
        return _assigned(name, setting.template)
    if not isinstance(setting, str) or is_made_secret(before):
        return name
    if is_secret(name, setting):
        return name
    return _assigned(name, setting)


def _backend_text(name: str, passing: Environment, failing: Environment) -> str:
    if name == "image":
        return _image_text(failing.image, passing.image)
    return f"command {' '.join(failing.command)}" if failing.command else "the backend's own command"


def _image_text(image: ImageSource | None, before: ImageSource | None) -> str:
    """The image by what tells it from the other."""
    if image is None:
        return "the backend's own image"
    told = [name for name in ("name", "dockerfile", "target") if getattr(image, name) != getattr(before, name, None)]
    shown = (getattr(image, name) for name in told)
    values = [value.name if isinstance(value, Path) else value for value in shown]
    pairs = zip(told, values, strict=True)
    return " ".join(_assigned(f"image.{name}", value) for name, value in pairs) or "image.include"


def _ingress_text(ingress: Ingress, name: str) -> str:
    if name:
        return _assigned(f"ingress.{name}", getattr(ingress, name))
    if ingress.kind == "none":
        return f"no ingress, ingress.host={ingress.host}" if ingress.host != Ingress().host else "no ingress"
    return f"ingress {ingress.kind}{' over TLS' if ingress.tls else ''}"


def _option_text(key: str, value: object) -> str:
    """Of a secret, of a table and of a longer text no more than the key."""
    if isinstance(value, dict):
        return key
    # How a password is made is no secret.
    if isinstance(value, str) and value != RESERVED and ("\n" in value or is_secret(key.rpartition(".")[2], value)):
        return key
    return _assigned(key, ",".join(map(str, value)) if isinstance(value, list) else value)


def _assigned(key: str, value: object) -> str:
    """As the file has it: `platform.cpus=1`, `redis.password=true`, `ingress.drop_headers=[]`."""
    if value is None:
        return f"{key} not set"
    if isinstance(value, bool):
        return f"{key}={str(value).lower()}"
    if isinstance(value, float):
        return f"{key}={value:g}"
    if isinstance(value, tuple):
        return f"{key}={','.join(value) or '[]'}"
    return f"{key}={value}"
