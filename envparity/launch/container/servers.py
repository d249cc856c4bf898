"""What each server's container is given: image, environment, files, port."""

from __future__ import annotations

from collections.abc import Sequence

from envparity.config.own_nginx import filled
from envparity.dependency.kind import CA_PATH, WRITABLE, ServerPlan
from envparity.launch.certificates import IssuedCertificate
from envparity.launch.ingress_variables import ingress_variables
from envparity.model.environment import Environment, Ingress

__all__ = [
    "TLS_FOLDER",
    "ingress_port",
    "plan_ingress",
    "replica_name",
    "replica_names",
    "tls_files",
]

_TLS_PORT = 8443
_PLAIN_PORT = 8080
TLS_FOLDER = "/etc/envparity/tls"
"""Where a server has its certificate and its key: a volume, for its root is read-only."""

_OWN_NGINX = f"{TLS_FOLDER}/nginx.conf"
_INGRESS_MEMORY_MIB = 256


def plan_ingress(
    ingress: Ingress, upstreams: tuple[str, ...], issued: IssuedCertificate, ca_pem: bytes, watched: Sequence[str] = ()
) -> ServerPlan:
    """The ingress in front of these upstreams (host:port). It tells which of the headers `watched` arrived there."""
    port = ingress_port(ingress)
    files = tls_files(issued, ca_pem) if ingress.tls else {}
    if ingress.config is not None:
        files[_OWN_NGINX] = (filled(ingress).encode(), 0o644)
    return ServerPlan(
        "ingress",
        port,
        ingress_variables(ingress, upstreams, watched, _OWN_NGINX),
        files,
        tmpfs=WRITABLE,
        volumes=(TLS_FOLDER,) if files else (),
        memory_mib=_INGRESS_MEMORY_MIB,
    )


def ingress_port(ingress: Ingress) -> int:
    """The port that the ingress has in its container."""
    return _TLS_PORT if ingress.tls else _PLAIN_PORT


def replica_name(index: int) -> str:
    """The name under which the ingress finds that replica."""
    return f"backend-{index}"


def replica_names(environment: Environment) -> tuple[str, ...]:
    """Of all replicas of that environment, in order."""
    return tuple(replica_name(index) for index in range(environment.platform.replicas))


def tls_files(issued: IssuedCertificate, ca_pem: bytes) -> dict[str, tuple[bytes, int]]:
    """What a server that speaks TLS finds in its container: certificate, key, and the authority's certificate."""
    return {
        f"{TLS_FOLDER}/server.crt": (issued.certificate_pem, 0o644),
        # The entrypoint of the image copies it to where only its own user can read it.
        f"{TLS_FOLDER}/server.key": (issued.key_pem, 0o644),
        CA_PATH: (ca_pem, 0o644),
    }
