"""What the ingress image's entrypoint is told, in a container and beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from envparity.model.environment import UPSTREAM_HOST, Ingress

__all__ = ["AFFINITY_COOKIE", "REPLICA_HEADER", "ingress_variables"]

AFFINITY_COOKIE = "envparity_affinity"
"""The cookie by which an ingress knows which replica a client had: its value is the replica's number, from 1."""
REPLICA_HEADER = "X-Envparity-Replica"
"""The request header by which a client says which replica it wants, by the same number; no replica gets it."""


def ingress_variables(
    ingress: Ingress, upstreams: Sequence[str], watched: Sequence[str], config: str = ""
) -> dict[str, str]:
    """The variables of `docker/ingress/entrypoint.sh` for an ingress in front of these upstreams (host:port).

    It tells which of the headers `watched` arrived there. `config` is where it finds the team's own configuration.
    nginx counts in whole seconds.
    """
    return {
        "INGRESS_UPSTREAMS": ",".join(upstreams),
        "INGRESS_WATCHED_HEADERS": ",".join(watched),
        "INGRESS_TLS": "required" if ingress.tls else "off",
        "INGRESS_IDLE_TIMEOUT_S": str(math.ceil(ingress.idle_timeout_s)),
        "INGRESS_MAX_BODY_BYTES": str(ingress.max_body_bytes),
        "INGRESS_MAX_HEADER_BYTES": str(ingress.max_header_bytes),
        "INGRESS_AFFINITY": ingress.affinity,
        "INGRESS_AFFINITY_COOKIE": AFFINITY_COOKIE,
        "INGRESS_PREFIX": ingress.prefix,
        "INGRESS_STRIP_PREFIX": _switched(on=ingress.strip_prefix),
        "INGRESS_FORWARDED": ",".join(ingress.forwarded),
        "INGRESS_FORWARDED_FOR": ingress.forwarded_for,
        "INGRESS_DROP_HEADERS": ",".join(ingress.drop_headers),
        "INGRESS_HOST_HEADER": UPSTREAM_HOST if ingress.host_header == "upstream" else "",
        "INGRESS_UPGRADE": _switched(on=ingress.upgrade),
        "INGRESS_CONFIG": config if ingress.config is not None else "",
    }


def _switched(*, on: bool) -> str:
    return "on" if on else "off"
