"""Servers that a deployment names: their kinds by image and by URL, and settings that are composed from them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from envparity.dependency.capabilities import IsRecognised, ListensUsually
from envparity.dependency.kind import KINDS

__all__ = [
    "composed",
    "dependency_of_a_host",
    "dependency_of_a_near_host",
    "dependency_of_a_url",
    "is_recognised",
    "keys_of_container",
    "kind_of_image",
    "named_hosts",
    "options_left",
    "port_beside",
    "ports_nobody_says",
    "siblings",
    "urls",
]

_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9]*(?:\+[a-z0-9]+)?)://(?:(?P<user>[^\s:@/,]*)(?::(?P<password>[^\s@/,]*))?@)?"
    r"(?P<host>[A-Za-z0-9._-]+)(?::(?P<port>\d+))?(?![\w.:-]*@)(?:/(?P<database>[A-Za-z0-9_.-]*))?(?P<rest>[?#][^\s,]*)?"
)
_BARE = re.compile(r"(?<![\w.:/@-])(?P<host>[A-Za-z0-9._-]+):(?P<port>\d+)(?![\w.-])")
_ANY_HOST = re.compile(r"[A-Za-z0-9._-]+")
_BARE_HOST = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9._-]+")
_HOST = re.compile(r"(?P<prefix>[A-Za-z0-9_]*)HOST(?:NAME)?")
_SIBLINGS: Final = {
    "PORT": "port", "USER": "user", "USERNAME": "user", "PASSWORD": "password", "PASS": "password",
    "DB": "database", "NAME": "database", "DATABASE": "database", "DBNAME": "database",
}  # fmt: skip


def kind_of_image(image: str) -> str | None:
    """The name of the kind of dependency that an image is by its own name; None where that says nothing."""
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()
    return next((kind for kind, known in _recognised() if name in known.images), None)


def keys_of_container(kind: str, command: str, variables: Collection[str]) -> dict[str, object]:
    """The table of the dependency that such a container is."""
    known = dict(_recognised())[kind]
    return {"kind": kind, **known.of_container(command, variables)}


def options_left(kind: str, command: str, variables: Collection[str]) -> list[str]:
    """The options of such a container's command that its table has nothing of, by their names alone."""
    words = command.split()
    starts = [place for place, word in enumerate(words) if word.startswith("-") and len(word) > 1]
    whole, left = keys_of_container(kind, command, variables), []
    for start, end in zip(starts, [*starts[1:], len(words)], strict=False):
        without = " ".join([*words[:start], *words[end:]])
        if keys_of_container(kind, without, variables) == whole:
            left.append(_option(words[start], words[start + 1 : end]))
    return list(dict.fromkeys(left))


def _option(word: str, following: list[str]) -> str:
    """An option's name without its value; of `-c NAME=VALUE` the name that is set."""
    named = following[0] if word == "-c" and following and "=" in following[0] else word
    return named.partition("=")[0]


def is_recognised(kind: str) -> bool:
    """Whether it is a kind whose servers are made here as clients know them, with credentials of their own."""
    return any(kind == name for name, _ in _recognised())


def named_hosts(setting: str, value: str) -> Iterator[tuple[str, int | None]]:
    """What in a setting may be the name of a host, and the port that stands behind it."""
    if _HOST.fullmatch(setting):
        yield value, None
    for pattern in (_URL, _BARE):
        for found in pattern.finditer(value):
            yield found["host"], int(found["port"]) if found["port"] else None


def port_beside(setting: str, settings: Mapping[str, str]) -> int | None:
    """The port that stands beside a setting that is a host, by the same name: `DB_PORT` beside `DB_HOST`."""
    found = _HOST.fullmatch(setting)
    port = settings.get(f"{found['prefix']}PORT", "") if found is not None else ""
    return int(port) if port.isdecimal() else None


def _recognised() -> Iterator[tuple[str, IsRecognised]]:
    for name, kind in KINDS.every().items():
        if isinstance(kind, IsRecognised):
            yield name, kind


@dataclass(frozen=True)
class _Url:
    scheme: str
    host: str
    password: bool
    query: str

    @property
    def kind(self) -> str | None:
        """The kind of server that the scheme says."""
        scheme = self.scheme.partition("+")[0]
        return next((name for name, known in _recognised() if scheme in known.schemes), None)


def urls(value: str) -> Iterator[_Url]:
    """The URLs in a text."""
    for found in _URL.finditer(value):
        yield _Url(found["scheme"], found["host"], bool(found["password"]), found["rest"] or "")


def dependency_of_a_url(url: _Url) -> dict[str, object]:
    """The table of the dependency that such a URL names."""
    known = dict(_recognised())[str(url.kind)]
    return {"kind": url.kind, **known.of_url(url.scheme.partition("+")[0], url.query, password=url.password)}


def dependency_of_a_host(setting: str, value: str, beside: Collection[str]) -> dict[str, object] | None:
    """The table of the server that a setting names by its host alone, as `REDIS_HOST`: its name says of which kind.

    `beside` are the names of all settings: where there is one of a password, it has one. None where it names no kind.
    """
    found = _HOST.fullmatch(setting)
    if found is None or "." not in value or not _BARE_HOST.fullmatch(value):
        return None
    return _named_server(found["prefix"], beside)


def dependency_of_a_near_host(setting: str, settings: Mapping[str, str]) -> dict[str, object] | None:
    """The same of a host of whatever name, as of this machine, and of one with its port behind it: a port that is usual
    for a kind says it as well.
    """
    host, _, port = settings[setting].partition(":")
    found = _HOST.fullmatch(setting) if not port else re.match(r"(?P<prefix>[A-Za-z0-9]*_?)", setting)
    if found is None or not _ANY_HOST.fullmatch(host):
        return None
    given, prefix = [name for name, value in settings.items() if value], found["prefix"]
    port = port or settings.get(f"{prefix}PORT", "")
    kind = next((kind for kind, known in _recognised() if _listens_at(known, port)), None)
    named = None if ":" in settings[setting] else _named_server(prefix, given)
    return named or (_table(kind, prefix, given) if kind else None)


def _listens_at(kind: object, port: str) -> bool:
    return isinstance(kind, ListensUsually) and port == str(kind.usual_port)


def _named_server(prefix: str, beside: Collection[str]) -> dict[str, object] | None:
    said = prefix.rstrip("_").rpartition("_")[2].lower()
    for kind, known in _recognised():
        if said == kind or said in known.schemes or said in known.images:
            return _table(kind, prefix, beside, said)
    return None


def _table(kind: str, prefix: str, beside: Collection[str], scheme: str = "") -> dict[str, object]:
    password = any(f"{prefix}{word}" in beside for word, what in _SIBLINGS.items() if what == "password")
    return {"kind": kind, **dict(_recognised())[kind].of_url(scheme, "", password=password)}


def composed(value: str, hosts: Mapping[str, str], kinds: Mapping[str, str]) -> str | None:
    """The text composed from the servers whose hosts it names; None where it names none.

    `hosts` are names of dependencies by host, `kinds` their kinds by name.
    """
    if value in hosts:
        return f"{{{hosts[value]}.host}}"
    made, end, any_found = [], 0, False
    found = [match for match in (*_URL.finditer(value), *_BARE.finditer(value)) if match["host"] in hosts]
    for match in sorted(found, key=lambda match: match.start()):
        if match.start() < end:
            continue
        any_found = True
        name = hosts[match["host"]]
        text = _address(match, name, kinds.get(name)) if match.re is _URL else f"{{{name}.host}}:{{{name}.port}}"
        made += [_literal(value[end : match.start()]), text]
        end = match.end()
    return "".join([*made, _literal(value[end:])]) if any_found else None


def _address(url: re.Match[str], name: str, kind: str | None) -> str:
    database, offers = url["database"], _offers(kind)
    path = "" if database is None else "/" + _literal(database)
    before = ""
    if url["user"] is not None:
        password = f":{{{name}.password|urlencode}}" if "password" in offers else f":{_literal(url['password'] or '')}"
        user = f"{{{name}.user}}" if {"user", "database"} <= offers else _literal(url["user"])
        before = f"{user}{password if url['password'] else ''}@"
    if {"user", "database"} <= offers:
        before = f"{{{name}.user}}:{{{name}.password|urlencode}}@"
        path = f"/{{{name}.database}}" if database else path
    elif "user" in offers and url["password"]:
        before = f"{{{name}.user}}:{{{name}.password|urlencode}}@"
        path = "" if database else path  # its own name of what it holds, which a server made here has not
    return f"{url['scheme']}://{before}{{{name}.host}}:{{{name}.port}}{path}{_literal(url['rest'] or '')}"


def _offers(kind: str | None) -> frozenset[str]:
    """What clients of that kind are given beside host and port; nothing where credentials are the team's own."""
    found = KINDS.find(kind) if kind is not None and is_recognised(kind) else None
    return frozenset() if found is None else frozenset(found.offers)


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def siblings(
    settings: Mapping[str, str],
    hosts: Mapping[str, str],
    kinds: Mapping[str, str],
    unknown: Collection[str] = (),
    without_password: Collection[str] = (),
) -> dict[str, str]:
    """What stands beside a setting that is a host, by the same name: `DB_PORT` beside `DB_HOST`, each composed.

    `unknown` are the names of settings whose values only the platform has: of a server made here they are known.
    `without_password` are the servers that ask for none: what a setting says of it is left as it is.
    """
    made: dict[str, str] = {}
    for setting, value in settings.items():
        found = _HOST.fullmatch(setting)
        if found is None or value not in hosts:
            continue
        name = hosts[value]
        for word, what in _SIBLINGS.items():
            beside = f"{found['prefix']}{word}"
            if what == "password" and name in without_password:
                continue
            if (beside in settings or beside in unknown) and (what == "port" or what in _offers(kinds.get(name))):
                made[beside] = f"{{{name}.{what}}}"
    return made


def ports_nobody_says(
    settings: Mapping[str, str], hosts: Mapping[str, str], known: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Settings that are a server's host alone, each with the name under which the port would stand beside it."""
    for setting, value in settings.items():
        found = _HOST.fullmatch(setting)
        if found is not None and value in hosts and f"{found['prefix']}PORT" not in known:
            yield setting, f"{found['prefix']}PORT"
