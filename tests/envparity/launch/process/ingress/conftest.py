"""An ingress of each kind, before a bench of replicas."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from envparity.launch.process.ingress.nginx import find_nginx
from tests.envparity.launch.process.ingress.bench import (
    Bench,
    Opened,
    bench_of,
    opened_iterator,
)

# A machine that has nginx of its own has it held to the promises too, for it is the one that the launcher takes.
INSTALLED = ["installed"] if find_nginx() else []
KINDS = ["python", *INSTALLED, pytest.param("nginx", marks=pytest.mark.docker)]


@pytest.fixture(scope="module", params=KINDS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    yield from opened_iterator(bench_of(request.param))


@pytest.fixture(scope="module")
def ingress(bench: Bench) -> Opened:
    """The one that most tests ask: TLS, and however busy the machine is, no wait is too long."""
    return bench.open(patient=True)


@pytest.fixture
def nothing_remembered(bench: Bench) -> None:
    for replica in bench.replicas:
        replica.heads.clear()
        replica.bodies.clear()
