"""What the probe tells Prometheus. Names and labels are a promise: alert rules are written against them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from envparity.errors import ConfigurationError, Mistake
from envparity.probe.labels import AUTHENTICATIONS, CLOSES, HANDSHAKES, PHASES
from envparity.probe.outcome import ProbeOutcome

__all__ = ["Metrics", "served"]

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_OUTCOMES = ("success", "failure")


class Metrics:
    """The metrics of one environment, in a registry of their own.

    Every series of every counter is there from the start, at 0, so that `increase()` sees the first of anything.
    `envparity_probe_success` and the timestamps are there once there is something to say.
    """

    def __init__(self, environment: str) -> None:
        self.registry = CollectorRegistry()
        self._environment = environment
        self._runs = self._counter("runs", "Conversations held, by how they went.", "outcome", _OUTCOMES)
        self._closes = self._counter("closes", "Close codes of the backend (RFC 6455 §7.4).", "code", CLOSES)
        self._handshakes = self._counter(
            "handshakes", "HTTP statuses of the upgrade, and why there was none.", "outcome", HANDSHAKES
        )
        self._authentications = self._counter(
            "authentications", "How the backend took the token, where it was accepted.", "outcome", AUTHENTICATIONS
        )
        self._internal_errors = self._counter("internal_errors", "Conversations that the backend closed with 1011.")
        self._skipped = self._counter("skipped_ticks", "Moments that had passed before the run before was over.")
        self._phases = Histogram(
            "envparity_probe_phase_seconds",
            "How long each completed phase of a conversation took.",
            ["environment", "phase"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        for phase in PHASES:
            self._phases.labels(environment, phase)
        self._success = self._gauge("success", "1: the last run was a success; 0: a failure.")
        self._failures = self._gauge("consecutive_failures", "Failures since the last success.")
        self._alerting = self._gauge("alerting", "1: as many failures in a row as make an alert.")
        self._last_run = self._gauge("last_run_timestamp_seconds", "When the last run began, since the epoch.")
        self._last_success = self._gauge("last_success_timestamp_seconds", "When the last successful run began.")
        self._failures.labels(environment).set(0)
        self._alerting.labels(environment).set(0)

    def note(self, outcome: ProbeOutcome, failures: int, *, alerting: bool) -> None:
        """Count one run; `failures` in a row up to now."""
        environment = self._environment
        self._runs.labels(environment, "success" if outcome.healthy else "failure").inc()
        for counter, label in (
            (self._handshakes, outcome.handshake),
            (self._authentications, outcome.authentication),
            (self._closes, outcome.close),
        ):
            if label is not None:
                counter.labels(environment, label).inc()
        if outcome.close == "1011":
            self._internal_errors.labels(environment).inc()
        for phase, seconds in outcome.phases.items():
            self._phases.labels(environment, phase).observe(seconds)
        self._success.labels(environment).set(int(outcome.healthy))
        self._failures.labels(environment).set(failures)
        self._alerting.labels(environment).set(int(alerting))
        self._last_run.labels(environment).set(outcome.at)
        if outcome.healthy:
            self._last_success.labels(environment).set(outcome.at)

    def skipped(self, ticks: int) -> None:
        """So many moments were skipped."""
        self._skipped.labels(self._environment).inc(ticks)

    def _counter(self, name: str, text: str, label: str = "", values: tuple[str, ...] = ()) -> Counter:
        labels = ["environment", label] if label else ["environment"]
        counter = Counter(f"envparity_probe_{name}", text, labels, registry=self.registry)
        for value in [[each_value] for each_value in values] or [[]]:
            counter.labels(self._environment, *value)
        return counter

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"envparity_probe_{name}", text, ["environment"], registry=self.registry)


@contextlib.contextmanager
def served(metrics: Metrics, address: tuple[str, int] | None) -> Iterator[int]:
    """Serve the metrics at that address, at any path, for as long as the context lasts; None: at none.

    Gives the port, for port 0 stands for any. Raises `ConfigurationError` where nobody can listen there.
    """
    if address is None:
        yield 0
        return
    host, port = address
    try:
        server, thread = start_http_server(port, host, registry=metrics.registry)
    except OSError as error:
        why = error.strerror or str(error)
        mistake = Mistake("--metrics", 0, f"{host}:{port}", "an address to listen at", why, "choose another")
        raise ConfigurationError([mistake]) from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
