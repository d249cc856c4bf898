"""What each server's container is given: image, environment, files, port."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from envparity.environment import Dependency, Environment, Ingress
from envparity.launch.certificates import IssuedCertificate
from envparity.launch.dependencies import CA_PATH, DATABASE, USER

__all__ = [
    "CA_PATH",
    "INGRESS_PORT",
    "ServerPlan",
    "plan_dependency",
    "plan_ingress",
    "replica_name",
    "replica_names",
]

INGRESS_PORT = 8443
_TLS_FOLDER = "/etc/envparity/tls"
_PORTS = {"postgres": 5432, "redis": 6379}
_VOLUMES = {"postgres": ("/var/lib/postgresql",)}  # creating a database is creating a thousand small files


@dataclass(frozen=True)
class ServerPlan:
    """A container to start. `files` are path to (content, mode); `variables` may hold secrets and are never printed.

    `port` is published, and so are `more_ports`. `volumes` are folders that begin as in the image, lie outside the
    container's layers (where small files are slow to make), and last as long as the container. `memory_folder_mib` is
    how much /dev/shm holds at most.
    """

    image: str  # the name of one of docker/'s folders
    port: int
    variables: Mapping[str, str]
    files: Mapping[str, tuple[bytes, int]] = field(default_factory=dict)
    tmpfs: tuple[str, ...] = ()
    more_ports: tuple[int, ...] = ()
    volumes: tuple[str, ...] = ()
    memory_folder_mib: int = 64


def plan_dependency(dependency: Dependency, password: str, issued: IssuedCertificate, ca_pem: bytes) -> ServerPlan:
    """The container of a dependency as the environment wants it: TLS, password, connection limit."""
    tls = dependency.tls != "off"
    variables: dict[str, str] = {}
    if dependency.kind == "postgres":
        variables |= {"POSTGRES_USER": USER, "POSTGRES_PASSWORD": password, "POSTGRES_DB": DATABASE}
        if tls:
            variables["POSTGRES_TLS"] = "required"
        if dependency.max_connections is not None:
            variables["POSTGRES_MAX_CONNECTIONS"] = str(dependency.max_connections)
    else:
        if dependency.password:
            variables["REDIS_PASSWORD"] = password
        if tls:
            variables["REDIS_TLS"] = "required"
    files = _tls_files(issued, ca_pem) if tls else {}
    volumes = _VOLUMES.get(dependency.kind, ())
    return ServerPlan(
        dependency.kind, _PORTS[dependency.kind], variables, files, volumes=volumes, memory_folder_mib=256
    )


def plan_ingress(ingress: Ingress, upstreams: tuple[str, ...], issued: IssuedCertificate, ca_pem: bytes) -> ServerPlan:
    """The ingress in front of these upstreams (host:port)."""
    variables = {
        "INGRESS_UPSTREAMS": ",".join(upstreams),
        "INGRESS_IDLE_TIMEOUT_S": str(math.ceil(ingress.idle_timeout_s)),
        "INGRESS_MAX_BODY_BYTES": str(ingress.max_body_bytes),
        "INGRESS_MAX_HEADER_BYTES": str(ingress.max_header_bytes),
        "INGRESS_TLS": "required" if ingress.tls else "off",
    }
    port = INGRESS_PORT if ingress.tls else 8080
    return ServerPlan("ingress", port, variables, _tls_files(issued, ca_pem) if ingress.tls else {})


def replica_name(index: int) -> str:
    """The name under which the ingress finds that replica."""
    return f"backend-{index}"


def replica_names(environment: Environment) -> tuple[str, ...]:
    """Of all replicas of that environment, in order."""
    return tuple(replica_name(index) for index in range(environment.platform.replicas))


def _tls_files(issued: IssuedCertificate, ca_pem: bytes) -> dict[str, tuple[bytes, int]]:
    return {
        f"{_TLS_FOLDER}/server.crt": (issued.certificate_pem, 0o644),
        # The entrypoint of the image copies it to where only its own user can read it.
        f"{_TLS_FOLDER}/server.key": (issued.key_pem, 0o644),
        CA_PATH: (ca_pem, 0o644),
    }
