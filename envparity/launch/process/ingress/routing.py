"""Where a request goes: which replica is asked first, and for what path. No I/O."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence

from envparity.launch.ingress_variables import AFFINITY_COOKIE, REPLICA_HEADER
from envparity.launch.process.ingress.head import HeadRefused, RequestHead
from envparity.launch.process.ingress.headers import Header
from envparity.launch.process.ingress.plan import Address
from envparity.model.environment import Ingress

__all__ = ["Routing", "UnknownPath"]

_HASHES = 20  # ngx_http_upstream_get_hash_peer gives up after so many, and takes whose turn it is
_COOKIE = AFFINITY_COOKIE.encode()
_WANTED = REPLICA_HEADER.lower().encode()


class UnknownPath(HeadRefused):
    """There is nothing there, and the connection goes on."""


class Rotation:
    """Strict round robin over the replicas, whoever is up (ngx_http_upstream_get_peer; all weights are one)."""

    def __init__(self, replicas: Sequence[Address]) -> None:
        self._replicas = list(replicas)
        self._credits = [0] * len(replicas)

    def next(self, tried: Collection[Address]) -> Address:
        """The one whose turn it is among those not tried yet. Raises `ValueError` when all were."""
        left = [index for index, replica in enumerate(self._replicas) if replica not in tried]
        for index in left:
            self._credits[index] += 1
        chosen = max(left, key=lambda index: (self._credits[index], -index))
        self._credits[chosen] -= len(left)
        return self._replicas[chosen]


class Routing:
    """The replicas of one ingress, and who of them is asked."""

    def __init__(self, ingress: Ingress, replicas: Sequence[Address]) -> None:
        self._ingress, self._replicas = ingress, list(replicas)
        self._rotation = Rotation(replicas)

    def __len__(self) -> int:
        return len(self._replicas)

    def next(self, request: RequestHead, client_host: str, tried: Collection[Address]) -> Address:
        """The one that the client asks for or comes back to, or whose turn it is.

        Raises `ValueError` when all were tried.
        """
        preferred: Address | None = None
        match self._ingress.affinity:
            case "cookie":
                preferred = self._numbered(request.value(_WANTED)) or self._numbered(request.cookie(_COOKIE))
            case "address":
                preferred = self._by_address(client_host.encode(), tried)
            case "none":
                preferred = self._numbered(request.value(_WANTED))
        return preferred if preferred is not None and preferred not in tried else self._rotation.next(tried)

    def _numbered(self, number: bytes) -> Address | None:
        return next((replica for replica in self._replicas if number == self._number(replica)), None)

    def _by_address(self, client: bytes, tried: Collection[Address]) -> Address | None:
        """As `hash $remote_addr` chooses (ngx_http_upstream_get_hash_peer)."""
        total = 0
        for again in range(_HASHES):
            total += zlib.crc32((b"%d" % again if again else b"") + client) >> 16 & 0x7FFF
            chosen = self._replicas[total % len(self._replicas)]
            if chosen not in tried:
                return chosen
        return None

    def cookies(self, request: RequestHead, answered: Address) -> list[Header]:
        """What is set so that the client comes back to the replica that has answered; nothing where it does already."""
        number = self._number(answered)
        if self._ingress.affinity != "cookie" or request.cookie(_COOKIE) == number:
            return []
        secure = b"; Secure" if self._ingress.tls else b""
        return [(b"Set-Cookie", _COOKIE + b"=" + number + b"; Path=/; HttpOnly" + secure)]

    def target(self, request: RequestHead) -> bytes:
        """What the replica is asked for. Raises `UnknownPath` where that is not below the prefix."""
        prefix, target = self._ingress.prefix.encode(), request.target
        rest = target.removeprefix(prefix)
        if not target.startswith(prefix) or (prefix and rest[:1] not in {b"", b"/", b"?"}):
            raise UnknownPath(404)
        if not self._ingress.strip_prefix or not prefix:
            return target
        return rest if rest.startswith(b"/") else b"/" + rest

    def _number(self, replica: Address) -> bytes:
        return b"%d" % (self._replicas.index(replica) + 1)
