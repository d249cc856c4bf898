"""Servers that a deployment names: their kinds by image and by URL, and settings that are composed from them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from envparity.dependency.capabilities import IsRecognised
from envparity.dependency.kind import KINDS

__all__ = ["composed", "dependency_of_a_url", "keys_of_container", "kind_of_image", "siblings", "urls"]

_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9]*(?:\+[a-z0-9]+)?)://(?:(?P<user>[^\s:@/,]*)(?::(?P<password>[^\s@/,]*))?@)?"
    r"(?P<host>[A-Za-z0-9._-]+)(?::(?P<port>\d+))?(?:/(?P<database>[A-Za-z0-9_.-]*))?(?P<rest>[?#][^\s,]*)?"
)
_BARE = re.compile(r"(?<![\w.:/@-])(?P<host>[A-Za-z0-9._-]+):(?P<port>\d+)(?![\w.-])")
_HOST = re.compile(r"(?P<prefix>[A-Za-z0-9_]*)HOST(?:NAME)?")
_SIBLINGS: Final = {
    "PORT": "port", "USER": "user", "USERNAME": "user", "PASSWORD": "password", "PASS": "password",
    "DB": "database", "NAME": "database", "DATABASE": "database", "DBNAME": "database",
}  # fmt: skip


def kind_of_image(image: str) -> str | None:
    """The name of the kind of dependency that an image is by its own name; None where that says nothing."""
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()
    return next((kind for kind, known in _recognised() if name in known.images), None)


def keys_of_container(kind: str, command: str, variables: Collection[str]) -> dict[str, Any]:
    """The table of the dependency that such a container is."""
    known = dict(_recognised())[kind]
    return {"kind": kind, **known.of_container(command, variables)}


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


def dependency_of_a_url(url: _Url) -> dict[str, Any]:
    """The table of the dependency that such a URL names."""
    known = dict(_recognised())[str(url.kind)]
    return {"kind": url.kind, **known.of_url(url.scheme.partition("+")[0], url.query, password=url.password)}


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
    database = url["database"]
    path = "" if database is None else "/" + _literal(database)
    password = f":{{{name}.password|urlencode}}"
    before = f"{_literal(url['user'])}{password if url['password'] else ''}@" if url["user"] is not None else ""
    if _has_users(kind):
        before = f"{{{name}.user}}{password}@"
        path = f"/{{{name}.database}}" if database else path
    return f"{url['scheme']}://{before}{{{name}.host}}:{{{name}.port}}{path}{_literal(url['rest'] or '')}"


def _has_users(kind: str | None) -> bool:
    """Whether its clients come as a user, to a database of their own."""
    found = KINDS.find(kind)
    return found is not None and {"user", "database"} <= set(found.offers)


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def siblings(settings: Mapping[str, str], hosts: Mapping[str, str], kinds: Mapping[str, str]) -> dict[str, str]:
    """What stands beside a setting that is a host, by the same name: `DB_PORT` beside `DB_HOST`, each composed."""
    made: dict[str, str] = {}
    for setting, value in settings.items():
        found = _HOST.fullmatch(setting)
        if found is None or value not in hosts:
            continue
        name = hosts[value]
        for word, what in _SIBLINGS.items():
            beside = f"{found['prefix']}{word}"
            if beside in settings and (what not in {"user", "database"} or _has_users(kinds.get(name))):
                made[beside] = f"{{{name}.{what}}}"
    return made
