"""What settings may take from a boot: addresses, passwords and URLs of its dependencies, where the backend is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

import msgspec

from envparity.dependency.kind import CA_PATH, KINDS, Server, kind_of
from envparity.launch.keys import offered_keys
from envparity.launch.local.given import StackNetwork
from envparity.launch.placing import needs, placed
from envparity.launch.resolve import RunSecrets
from envparity.model.backend import Backend
from envparity.model.environment import RESERVED, Dependency, Environment

__all__ = ["Offers", "asked_password", "offered_by", "password_of"]


def password_of(environment: Environment, name: str, secrets: RunSecrets) -> str:
    """The password of that dependency in this run, whether its server asks for one or not."""
    reserved = environment.dependencies[name].password == RESERVED
    made = secrets.reserved if reserved else secrets.hexadecimal
    return made(environment.name, f"dependency {name}", 24)


def asked_password(environment: Environment, name: str, secrets: RunSecrets) -> str:
    """The password that its server asks for; "" where it asks for none."""
    declared = environment.dependencies[name]
    return password_of(environment, name, secrets) if kind_of(declared).asks_for_password(declared) else ""


@dataclass(frozen=True)
class Offers:
    """Of one boot in its `place`. `ports` are those of the dependencies' proxies, `beside` of those for each other."""

    backend: Backend
    environment: Environment
    place: StackNetwork
    ports: Mapping[str, int]
    beside: Mapping[str, int]
    keys: Mapping[str, str] = field(repr=False)
    secrets: RunSecrets = field(repr=False)

    def sources(self) -> dict[str, str]:
        """What settings may take, by the names that files have for it."""
        ingress = self.environment.ingress
        sources = {
            "ingress.network": self.place.network,
            "ingress.host": ingress.host,
            "ingress.origin": ingress.origin,
            "ingress.prefix": ingress.prefix if ingress.kind != "none" else "",
            "platform.port": str(self.environment.platform.port),
            **offered_keys(self.backend, self.keys),
        }
        for name in self.ports:
            declared, server = self.environment.dependencies[name], self._reached(name)
            sources |= offered_by(name, declared, server, self.url(name))
        return sources

    def url(self, name: str) -> str:
        """What the backend is told to connect to. Raises `DoorFailed`."""
        declared = self.environment.dependencies[name]
        kind = kind_of(declared)
        with KINDS.guarding(kind):
            return kind.url(declared, self._reached(name), self.place.ca_path)

    def placed(self, name: str, sources: Mapping[str, str]) -> Dependency:
        """That dependency, told where the backend reaches it and what its settings are. Raises `DoorFailed`.

        What it takes from other dependencies it reaches by proxies of its own: what a boot does between them and the
        backend is not done to it.
        """
        sources = dict(sources)
        for other in needs(self.environment, name):
            declared = self.environment.dependencies[other]
            server = replace(self._reached(other), port=self.beside[other])
            kind = kind_of(declared)
            with KINDS.guarding(kind):
                url = kind.url(declared, server, self.place.ca_path)
            sources |= offered_by(other, declared, server, url)
        reached = self._reached(name)
        told = placed(self.backend, self.environment, name, reached, sources=sources, made=self.secrets)
        settings = told.options.get("settings")
        if not isinstance(settings, dict):
            return told
        here = {key: value.replace(CA_PATH, self.place.ca_path) for key, value in settings.items()}
        return msgspec.structs.replace(told, options={**told.options, "settings": here})

    def _reached(self, name: str) -> Server:
        """That dependency as the backend reaches it."""
        host = self.place.dependency_host or name
        return Server(host, self.ports[name], password_of(self.environment, name, self.secrets))


def offered_by(name: str, declared: Dependency, server: Server, url: str) -> dict[str, str]:
    """What settings may take from that dependency, which the backend reaches there. Raises `DoorFailed`."""
    kind = kind_of(declared)
    with KINDS.guarding(kind):
        more = kind.offered(declared, url, server.password)
    offered = {"url": url, "host": server.host, "port": str(server.port), "password": server.password}
    parts = urlsplit(url)
    offered |= {"scheme": parts.scheme, "user": unquote(parts.username or ""), "database": unquote(parts.path[1:])}
    offered |= more
    return {f"{name}.{what}": value for what, value in offered.items() if what in kind.offers}
