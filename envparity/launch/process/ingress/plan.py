"""What an ingress is to do, whoever does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from envparity.launch.certificates import IssuedCertificate
from envparity.model.environment import Ingress
from envparity.support.shielded import shielded

__all__ = ["Address", "IngressKind", "IngressPlan", "RunningIngress"]

Address = tuple[str, int]
IngressKind = Literal["nginx", "python"]


@dataclass(frozen=True)
class IngressPlan:
    """The environment's ingress, and what a run adds to it.

    `certificate` is needed where the ingress speaks TLS. `header_timeout_s` is how long a client may take for its
    request line and headers; `shutdown_timeout_s` how long a graceful stop waits for what is open. nginx counts in
    whole seconds. `watched` are the headers, by their names in lower case, of which it tells that they arrived at a
    replica (see launch.arrived). Raises `ValueError` for TLS without a certificate.
    """

    ingress: Ingress
    certificate: IssuedCertificate | None = None
    listen_host: str = "127.0.0.1"
    header_timeout_s: float = 10.0
    shutdown_timeout_s: float = 5.0
    watched: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.ingress.tls and self.certificate is None:
            raise ValueError("an ingress that speaks TLS needs a certificate")


@dataclass(frozen=True)
class RunningIngress:
    """An ingress that accepts connections at `address` (host and port). `pid` and `log` are None within this
    process.
    """

    address: Address
    kind: IngressKind
    stopping: Callable[[], Awaitable[None]]
    pid: int | None = None
    log: Path | None = None

    async def stop(self) -> None:
        """Stop as SIGQUIT stops nginx: refuse new connections, finish what is open, drop it after the plan's time."""
        await shielded(self.stopping())
