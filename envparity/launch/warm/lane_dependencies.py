"""The dependencies of a warm boot: reached through its own proxies, in places of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from envparity.dependency.kind import Isolation
from envparity.dependency.wording import verb_of
from envparity.errors import LaunchError
from envparity.launch.proxy import Proxy
from envparity.support.redaction import Redaction

__all__ = ["LaneDependencies"]


@dataclass(frozen=True)
class LaneDependencies:
    """Those of one boot in that environment, by name. Raises `LaunchError` where there is none of a name."""

    environment: str
    proxies: Mapping[str, Proxy]
    isolations: Mapping[str, Isolation]
    places: Mapping[str, str]

    def proxy(self, name: str) -> Proxy:
        """The one between this boot and that dependency."""
        if name not in self.proxies:
            raise LaunchError(f"{self.environment} has no dependency {name!r}")
        return self.proxies[name]

    async def command(self, name: str, command: tuple[str, ...], redaction: Redaction) -> object:
        """One command in this boot's own place in that server, and its answer."""
        isolation = self.isolations.get(name)
        if isolation is None:
            raise LaunchError(f"{self.environment} has no dependency {name!r}")
        try:
            return await isolation.command(self.places[name], command)
        except LaunchError as error:
            refused = redaction.text(f"{verb_of(command)}: {error}")
            raise LaunchError(f"{name} refused {refused}") from error
