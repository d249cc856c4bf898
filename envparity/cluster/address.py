"""Where a cluster is, and the certificates without which nobody speaks to it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from envparity.errors import ConfigurationError, Mistake

__all__ = ["MOST_LOCAL", "Certificates", "ClusterAddress"]

MOST_LOCAL = 64
_LOCAL = re.compile(r"local:(\d{1,2})")
_VARIABLES = {"ca": "ENVPARITY_CLUSTER_CA", "cert": "ENVPARITY_CLUSTER_CERT", "key": "ENVPARITY_CLUSTER_KEY"}


@dataclass(frozen=True)
class Certificates:
    """Files in PEM: of who signs those of the cluster, and this client's own with its key."""

    ca: Path
    cert: Path
    key: Path


@dataclass(frozen=True)
class ClusterAddress:
    """A scheduler's address, with certificates; or so many workers on this machine, which make their own."""

    scheduler: str = ""
    certificates: Certificates | None = None
    local: int = 0

    @classmethod
    def parse(cls, said: str, ca: Path | None, cert: Path | None, key: Path | None) -> ClusterAddress:
        """`tls://HOST:PORT`, `tcp://HOST:PORT` (by TLS all the same) or `local:N`.

        Certificates that are not said are those that ENVPARITY_CLUSTER_CA, _CERT and _KEY name. Raises
        `ConfigurationError` with all that is wrong.
        """
        given = {"ca": ca, "cert": cert, "key": key}
        found = _LOCAL.fullmatch(said)
        if found is not None and 1 <= int(found[1]) <= MOST_LOCAL:
            needless = [
                Mistake(f"--cluster-{name}", 0, str(file), "no certificate for local:N", "one", "it makes its own")
                for name, file in given.items()
                if file is not None
            ]
            if needless:
                raise ConfigurationError(needless)
            return cls(local=int(found[1]))
        mistakes = []
        where = urlsplit(said) if "://" in said else None
        if where is None or where.scheme not in {"tls", "tcp"} or not _has_port(said) or not where.hostname:
            expected = f"tls://HOST:PORT, tcp://HOST:PORT or local:N (N from 1 to {MOST_LOCAL})"
            mistakes.append(Mistake("--cluster", 0, "cluster", expected, repr(said)))
        files: dict[str, Path] = {}
        for name, file in given.items():
            chosen = file or (Path(os.environ[_VARIABLES[name]]) if os.environ.get(_VARIABLES[name]) else None)
            if chosen is None:
                action = "mutual TLS is not optional: what a cluster boots, it boots with your secrets"
                expected = f"a file in PEM, or {_VARIABLES[name]}"
                mistakes.append(Mistake(f"--cluster-{name}", 0, name, expected, "none", action))
            elif not os.access(chosen, os.R_OK) or not chosen.is_file():
                mistakes.append(Mistake(f"--cluster-{name}", 0, str(chosen), "a file that can be read", "none"))
            else:
                files[name] = chosen
        if mistakes or where is None:
            raise ConfigurationError(mistakes)
        return cls(f"tls://{where.netloc}", Certificates(**files))


def _has_port(said: str) -> bool:
    try:
        return urlsplit(said).port is not None
    except ValueError:
        return False
