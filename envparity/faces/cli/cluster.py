"""`--cluster` of `envparity run`: where the workers are that boot."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import click

from envparity.cluster.address import ClusterAddress
from envparity.engine.events import Emit
from envparity.engine.session.engine import Elsewhere
from envparity.engine.session.inputs import Inputs
from envparity.errors import ConfigurationError, Mistake
from envparity.model.project import Project

__all__ = ["asked_cluster", "cluster_options", "opened_cluster"]

_FILE = click.Path(path_type=Path, dir_okay=False)


def cluster_options(command: Callable[..., object]) -> Callable[..., object]:
    """`--cluster` and its certificates."""
    options = (
        click.option(
            "--cluster", metavar="ADDRESS",
            help="Have the workers of a Dask cluster boot: tls://HOST:PORT, or local:N for N of this machine.",
        ),
        click.option("--cluster-ca", metavar="FILE", type=_FILE, help="Who signs the cluster's certificates, in PEM."),
        click.option("--cluster-cert", metavar="FILE", type=_FILE, help="This client's certificate, in PEM."),
        click.option("--cluster-key", metavar="FILE", type=_FILE, help="The key of this certificate, in PEM."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def asked_cluster(
    cluster: str | None, files: tuple[Path | None, Path | None, Path | None], beside: dict[str, object]
) -> ClusterAddress | None:
    """The cluster that is asked for, if one is. Raises `ConfigurationError` for what does not go with it."""
    if cluster is None:
        given = [name for name, file in zip(("ca", "cert", "key"), files, strict=True) if file is not None]
        if given:
            raise ConfigurationError(
                [Mistake(f"--cluster-{text}", 0, text, "--cluster beside it", "none") for text in given]
            )
        return None
    mistakes = [
        Mistake("--cluster", 0, cluster, f"no {name} beside it", "one") for name, said in beside.items() if said
    ]
    if find_spec("distributed") is None:
        action = "install envparity[cluster]"
        mistakes.append(Mistake("--cluster", 0, cluster, "the package distributed", "none", action))
    if mistakes:
        raise ConfigurationError(mistakes)
    return ClusterAddress.parse(cluster, *files)


def opened_cluster(
    address: ClusterAddress | None, project: Project, inputs: Inputs, only: tuple[str, ...], emit: Emit
) -> Callable[[], Elsewhere] | None:
    """What connects to that cluster when the run begins; None where this machine boots."""
    if address is None:
        return None

    def opened() -> Elsewhere:
        from envparity.cluster.crew import BootingCluster

        return BootingCluster(address, project, inputs, only, emit)

    return opened
