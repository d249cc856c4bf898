"""The names and labels that alert rules are written against."""

from __future__ import annotations

import socket
from contextlib import closing

import httpx
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from envparity.errors import ConfigurationError
from envparity.probe.labels import (
    AUTHENTICATIONS,
    CLOSES,
    HANDSHAKES,
    PHASES,
    close_label,
    network_label,
    status_label,
)
from envparity.probe.metrics import Metrics, served
from envparity.probe.outcome import ProbeOutcome, Trouble

PROMISED = {
    "envparity_probe_runs_total": {"environment", "outcome"},
    "envparity_probe_success": {"environment"},
    "envparity_probe_consecutive_failures": {"environment"},
    "envparity_probe_phase_seconds_bucket": {"environment", "phase", "le"},
    "envparity_probe_phase_seconds_count": {"environment", "phase"},
    "envparity_probe_phase_seconds_sum": {"environment", "phase"},
    "envparity_probe_closes_total": {"environment", "code"},
    "envparity_probe_internal_errors_total": {"environment"},
    "envparity_probe_handshakes_total": {"environment", "outcome"},
    "envparity_probe_authentications_total": {"environment", "outcome"},
    "envparity_probe_skipped_ticks_total": {"environment"},
    "envparity_probe_last_run_timestamp_seconds": {"environment"},
    "envparity_probe_last_success_timestamp_seconds": {"environment"},
    "envparity_probe_alerting": {"environment"},
}
LATER = {
    "envparity_probe_success",
    "envparity_probe_last_run_timestamp_seconds",
    "envparity_probe_last_success_timestamp_seconds",
}
PHASES_OF_A_RUN = {"connect": 0.002, "accept": 0.003, "authenticate": 0.01, "message": 0.05, "close": 0.001}
GOOD = ProbeOutcome(1000.0, 0.1, PHASES_OF_A_RUN, None, "101", "success", "1000")
BAD = ProbeOutcome(1030.0, 5.0, {"connect": 0.002}, Trouble("accept", "a", "b"), "503")


def samples(metrics: Metrics) -> dict[str, list[dict[str, str]]]:
    """The labels of every sample, by its name, without those that only say when a counter was made."""
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(generate_latest(metrics.registry).decode()):
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                found.setdefault(sample.name, []).append(sample.labels)
    return found


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"envparity_probe_{name}", {"environment": "staging", **labels})


def test_the_names_and_labels_are_the_promised_ones() -> None:
    """After one run, all of them, and no others."""
    metrics = Metrics("staging")
    metrics.note(GOOD, 0, alerting=False)
    assert {name: set(labels[0]) for name, labels in samples(metrics).items()} == PROMISED


def test_every_series_of_every_counter_is_there_from_the_start() -> None:
    """At 0, so that increase() sees the first 1011; what there is nothing to say of yet is not there."""
    metrics = Metrics("staging")
    assert set(samples(metrics)) == set(PROMISED) - LATER
    for name, labels in samples(metrics).items():
        if name.endswith(("_total", "_count")):
            assert all(metrics.registry.get_sample_value(name, label) == 0 for label in labels), name
    found = samples(metrics)
    assert {labels["outcome"] for labels in found["envparity_probe_handshakes_total"]} == set(HANDSHAKES)
    assert {labels["outcome"] for labels in found["envparity_probe_authentications_total"]} == set(AUTHENTICATIONS)
    assert {labels["code"] for labels in found["envparity_probe_closes_total"]} == set(CLOSES)
    assert {labels["phase"] for labels in found["envparity_probe_phase_seconds_count"]} == set(PHASES)


def test_no_run_makes_a_series() -> None:
    """Whatever a peer answers: the labels are bounded."""
    metrics = Metrics("staging")
    metrics.note(GOOD, 0, alerting=False)
    before = samples(metrics)
    for number in range(0, 6000, 7):
        handshake, close = status_label(number), close_label(number)
        metrics.note(ProbeOutcome(1.0, 0, handshake=handshake, close=close), 0, alerting=False)
    assert samples(metrics) == before


def test_a_run_is_counted_by_how_it_went() -> None:
    """A success, then a failure that came no further than a 503."""
    metrics = Metrics("staging")
    metrics.note(GOOD, 0, alerting=False)
    assert (value(metrics, "success"), value(metrics, "last_success_timestamp_seconds")) == (1, 1000.0)
    metrics.note(BAD, 1, alerting=True)
    assert [value(metrics, "runs_total", outcome=outcome) for outcome in ("success", "failure")] == [1, 1]
    assert [value(metrics, "handshakes_total", outcome=status) for status in ("101", "503")] == [1, 1]
    assert value(metrics, "authentications_total", outcome="success") == 1
    assert [value(metrics, "phase_seconds_count", phase=phase) for phase in PHASES] == [2, 1, 1, 1, 1]
    assert (value(metrics, "success"), value(metrics, "consecutive_failures"), value(metrics, "alerting")) == (0, 1, 1)
    assert value(metrics, "last_run_timestamp_seconds") == 1030.0
    assert value(metrics, "last_success_timestamp_seconds") == 1000.0


def test_an_internal_error_is_counted_twice() -> None:
    """As a close code, and by a name that an alert can be written against."""
    metrics = Metrics("staging")
    metrics.note(ProbeOutcome(1.0, 0, trouble=BAD.trouble, close="1011"), 1, alerting=False)
    assert (value(metrics, "closes_total", code="1011"), value(metrics, "internal_errors_total")) == (1, 1)


@pytest.mark.parametrize(
    ("error", "label"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "dns"),
        (ConnectionRefusedError(111, "x"), "refused"),
        (ConnectionResetError(104, "x"), "reset"),
        (BrokenPipeError(32, "x"), "reset"),
        (OSError(113, "no route to host"), "unreachable"),
        (OSError(101, "network is unreachable"), "unreachable"),
        (TimeoutError(110, "x"), "timeout"),
        (OSError(24, "too many open files"), "network"),
    ],
)
def test_errors_of_the_network_have_labels(error: OSError, label: str) -> None:
    """Each one of the bounded set."""
    assert network_label(error) == label
    assert label in HANDSHAKES


def test_the_metrics_are_served_while_the_context_lasts() -> None:
    """And then the port is free again."""
    metrics = Metrics("staging")
    with served(metrics, ("127.0.0.1", 0)) as port:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert 'envparity_probe_internal_errors_total{environment="staging"} 0.0' in text
    with closing(socket.create_server(("127.0.0.1", port))):
        pass


def test_an_address_that_somebody_has_is_bad_input() -> None:
    """Said with the address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        address = ("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(ConfigurationError, match=f"127.0.0.1:{address[1]}"), served(Metrics("staging"), address):
            pass
