"""What every warm boot has for itself: a place in each server, and proxies of its own in front of the servers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit, urlunsplit

from envparity.dependency.kind import CA_PATH, KINDS, DependencyKind, Isolates, Isolation, Server, kind_of
from envparity.launch.agent.command import WarmUnavailable
from envparity.launch.health import HealthProbe
from envparity.launch.local.stack import LocalStack
from envparity.launch.proxy import Latency, Proxy
from envparity.launch.resolve import ResolvedSetting
from envparity.model.case import Boot
from envparity.model.environment import Composed, Setting, sources_of

__all__ = ["Lane", "case_settings", "moved_sources", "open_isolations", "open_lanes"]


@dataclass
class Lane:
    """One place where a boot can be at a time: its port and its proxies.

    `port` is where the boot listens, `published_port` the one of 127.0.0.1 behind which that is.
    """

    index: int
    port: int
    published_port: int
    proxies: dict[str, Proxy]
    probe: HealthProbe

    async def open_up(self, down: tuple[str, ...] = ()) -> None:
        """Every dependency reachable, but for those that this boot keeps down."""
        for name, proxy in self.proxies.items():
            await (proxy.down() if name in down else proxy.up())

    async def close_off(self) -> None:
        """Reset what is connected: nothing of the boot before lives on at the servers."""
        for proxy in self.proxies.values():
            await proxy.down()


async def open_lanes(exits: AsyncExitStack, stack: LocalStack, ports: Mapping[int, int]) -> list[Lane]:
    """A lane for each port (to the one published for it), its proxies listening as long as `exits` lasts."""
    lanes = []
    for index, (port, published) in enumerate(ports.items()):
        proxies = {}
        for name, dependency in stack.dependencies.items():
            host, upstream = stack.given.place.proxy_host, dependency.proxy.upstream
            proxy = Proxy(host, upstream=upstream, name=f"{name}, warm {index}")
            proxies[name] = await exits.enter_async_context(proxy)
            latency_ms = stack.environment.dependencies[name].latency_ms
            if latency_ms:
                proxy.add(Latency(latency_ms=latency_ms))
        # One for all boots of the lane: a client costs more to make than a boot takes to answer it.
        probe = HealthProbe(stack.backend, f"http://127.0.0.1:{published}")
        exits.push_async_callback(probe.close)
        lanes.append(Lane(index, port, published, proxies, probe))
    return lanes


async def open_isolations(exits: AsyncExitStack, stack: LocalStack, lanes: int) -> dict[str, Isolation]:
    """What keeps boots apart in each dependency, as long as `exits` lasts, directly and not through a proxy.

    Raises `WarmUnavailable` where a kind of dependency cannot hold two boots apart, or no setting says where one is.
    """
    isolations = {}
    for name, dependency in stack.dependencies.items():
        declared = stack.environment.dependencies[name]
        kind = kind_of(declared)
        if declared.hosts:
            raise WarmUnavailable(f"{name}: code names {', '.join(declared.hosts)}, where all boots would meet")
        if not isinstance(kind, Isolates):
            raise WarmUnavailable(f"{name}: boots cannot be kept apart in a dependency of the kind {dependency.kind}")
        with KINDS.guarding(kind):
            together = kind.kept_together(declared)
        if together:
            raise WarmUnavailable(f"{name}: {together}")
        url, places = stack.given.urls[name], _places(stack, name, kind)
        problem = _shared(stack.environment.settings, name, places)
        if not dependency.there or problem or dependency.proxy.upstream is None:
            problem = problem or f"no setting takes {name}.url"
            raise WarmUnavailable(f"{problem}, so a boot cannot be given a place of its own in it")
        password = unquote(urlsplit(url).password or "") or dependency.password
        tls = stack.given.dependency_tls.get(name)
        host, port = dependency.proxy.upstream
        server = Server(host, port, password, tls)
        with KINDS.guarding(kind):
            opening = kind.isolation(stack.ground, name, url, server, lanes)
        isolations[name] = await exits.enter_async_context(opening)
    return isolations


def case_settings(stack: LocalStack, lane: Lane, boot: Boot, places: Mapping[str, str]) -> tuple[ResolvedSetting, ...]:
    """The environment's settings as they are for that boot in that lane, with its own places in the servers and port.

    `places` are those, by dependency.
    """
    moved = {"platform.port": str(lane.port), **moved_sources(stack, lane, places)}
    given = stack.given.resolve(boot, moved)
    return tuple(replace(setting, value=setting.value.replace(CA_PATH, stack.given.place.ca_path)) for setting in given)


def _shared(settings: Mapping[str, Setting], name: str, place: Collection[str]) -> str:
    """Why boots would meet in that dependency: none is told its place in it, or one setting names only its address.

    `place` are the sources that say a place.
    """
    address = {f"{name}.host", f"{name}.port"}
    told = False
    for key, setting in settings.items():
        sources = set(setting.sources) if isinstance(setting, Composed) else set()
        if sources & address and sources.isdisjoint(place):
            return f"{key} names {name} and not {{{name}.database}}"
        told = told or not set(sources_of(setting)).isdisjoint(place)
    return "" if told else f"no setting takes {name}.url"


def moved_sources(stack: LocalStack, lane: Lane, places: Mapping[str, str]) -> dict[str, str]:
    """What settings may take that is another in that lane than in the environment, with its own places in the servers.

    `places` are those, by dependency.
    """
    moved: dict[str, str] = {}
    for name, proxy in lane.proxies.items():
        declared = stack.environment.dependencies[name]
        kind, url = kind_of(declared), _moved(stack.given.urls[name], proxy.port, places[name])
        with KINDS.guarding(kind):
            offered = kind.offered(declared, url, stack.dependencies[name].password)
        moved |= {f"{name}.{what}": value for what, value in offered.items()}
        moved |= {f"{name}.url": url, f"{name}.port": str(proxy.port), f"{name}.database": places[name]}
    return moved


def _places(stack: LocalStack, name: str, kind: DependencyKind) -> frozenset[str]:
    """What settings may take of that dependency that says where in it one is."""
    url = stack.given.urls[name]
    with KINDS.guarding(kind):
        offered = kind.offered(stack.environment.dependencies[name], url, "")
    saying = (what for what, value in offered.items() if value.startswith(url))
    return frozenset(f"{name}.{what}" for what in ("url", "database", *saying))


def _moved(url: str, port: int, place: str) -> str:
    parts = urlsplit(url)
    before, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{before}{at}{host.rpartition(':')[0]}:{port}", path=f"/{place}"))
