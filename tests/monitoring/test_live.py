"""Backend, probe and a real Prometheus together: what is broken on purpose is seen, and seen to be over."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.monitoring.probe_process import ProbeProcess, probing
from tests.monitoring.prometheus_process import Prometheus, running
from tests.monitoring.stage import ENVIRONMENT, a_planted_bug, backend_on, execute, restart, unwelcome_clients
from tests.monitoring.tools import RULES
from tests.netra_backend.running import BackendProcess
from tests.servers import Server, free_port, url_of_database

FACTOR = 30
"""How much faster than in production: scraped and judged every half a second; ten seconds are five minutes."""

EVERY = "1s"
NEVER_AGAIN = "600s"
"""How often a probe tries, where a probe that tries less often than every ten seconds is taken for stuck."""

FIRST_SCRAPE_DEADLINE_S = 100.0
FIRING_DEADLINE_S = 100.0
REFUSALS_DEADLINE_S = 200.0
OVER_DEADLINE_S = 200.0

ALERTS = {
    rule["alert"]: "for" in rule
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
"""Every alert, and whether it waits before it fires."""


@pytest.fixture
def database(postgres_url: str) -> Iterator[str]:
    """A database of this test's own, gone when it is done."""
    execute(postgres_url, "CREATE DATABASE live")
    yield url_of_database(postgres_url, "live")
    execute(postgres_url, "DROP DATABASE live WITH (FORCE)")


@pytest.fixture
def backend(database: str, redis_url: str, tmp_path: Path) -> Iterator[BackendProcess]:
    """A backend that has started well."""
    process = backend_on(database, redis_url, tmp_path)
    try:
        assert process.start().until_started()["failures"] == []
        yield process
    finally:
        process.stop()


@pytest.fixture
def probe_ports() -> tuple[int, int]:
    """Where the probes will be scraped: the one that probes, and the one that is idle."""
    return free_port(), free_port()


@pytest.fixture
def prometheus(backend: BackendProcess, probe_ports: tuple[int, int], tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus that has scraped the backend, and expects the probes."""
    ports = {"netra_backend": [backend.port], "envparity_probe": probe_ports}
    with running(tmp_path, ports, FACTOR) as started:
        started.until_value("sum(up)", 1, FIRST_SCRAPE_DEADLINE_S)
        yield started


@pytest.fixture
def probe(
    backend: BackendProcess, probe_ports: tuple[int, int], prometheus: Prometheus, tmp_path: Path
) -> Iterator[ProbeProcess]:
    """A probe that talks to the backend. Another one, of another environment, does so once and then never again."""
    probing_port, idle_port = probe_ports
    with (
        probing(tmp_path, ENVIRONMENT, backend.port, EVERY, probing_port) as process,
        probing(tmp_path, "idle", backend.port, NEVER_AGAIN, idle_port),
    ):
        prometheus.until_value("sum(up)", 3, FIRST_SCRAPE_DEADLINE_S)
        yield process


@pytest.mark.monitoring
def test_what_breaks_fires_and_what_is_mended_is_over(
    backend: BackendProcess, probe: ProbeProcess, prometheus: Prometheus, postgres: Server, database: str
) -> None:
    """Every alert goes from inactive to firing by a real cause, and back where the cause has gone."""
    # Nothing is wrong. Alerts about what is not there may have fired before it was there.
    prometheus.until("inactive", list(ALERTS), FIRING_DEADLINE_S)
    assert set(prometheus.from_now_on().values()) == {"inactive"}

    # PostgreSQL is gone, and somebody tries to help by restarting the backend.
    postgres.stop()
    try:
        for _ in range(3):
            restart(backend, prometheus)
        assert backend.until_started()["status"] == "fail"
        prometheus.until(
            "firing", ["NetraStartupFailed", "NetraRestartLoop", "EnvparityProbeFailing"], FIRING_DEADLINE_S
        )
    finally:
        postgres.start()
    assert prometheus.said["NetraStartupFailed"]["summary"].startswith(f"{ENVIRONMENT}: startup failed at postgres")

    # It is back, and a restart really helps.
    restart(backend, prometheus)
    assert backend.until_started()["status"] == "pass"
    prometheus.until("inactive", ["NetraStartupFailed", "EnvparityProbeFailing"], OVER_DEADLINE_S)

    # A bug in the backend, and clients that it has to refuse.
    with unwelcome_clients(backend.port):
        with a_planted_bug(database):
            prometheus.until(
                "firing",
                ["NetraInternalError", "EnvparityProbeInternalError", "EnvparityProbeFailing"],
                FIRING_DEADLINE_S,
            )
        prometheus.until("firing", ["EnvparityProbeUnreliable", "EnvparityProbeStale"], FIRING_DEADLINE_S)
        prometheus.until(
            "firing",
            ["NetraHandshakesRefused", "NetraAuthenticationFailing", "NetraAuthenticationMostlyRefused"],
            REFUSALS_DEADLINE_S,
        )

    # The bug is mended, they have left, and the restarts were long ago.
    prometheus.until(
        "inactive",
        [
            "NetraInternalError",
            "NetraHandshakesRefused",
            "NetraAuthenticationFailing",
            "NetraRestartLoop",
            "EnvparityProbeFailing",
            "EnvparityProbeInternalError",
        ],
        OVER_DEADLINE_S,
    )

    # Everything ends.
    backend.stop()
    assert probe.terminate() == 128 + signal.SIGTERM
    prometheus.until("firing", ["NetraBackendDown", "EnvparityProbeDown"], FIRING_DEADLINE_S)

    pending = prometheus.alerts_that_were("pending")
    assert pending == {name for name, waits in ALERTS.items() if waits}
    assert set(prometheus.said) == set(ALERTS)
    for name, said in prometheus.said.items():
        assert not re.search(r"no value|^: |NaN|%!", said["summary"]), f"{name}: {said['summary']}"
