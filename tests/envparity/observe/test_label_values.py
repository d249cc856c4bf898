"""What metrics are told apart by, read from their page."""

from __future__ import annotations

from envparity.observe.label_values import label_values, present

PAGE = """
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{path="/a",code="200"} 1.0
requests_total{path="/b",code="200"} 2.0 1700000000000
requests_total{path="/with \\"quotes\\" and {braces}, and=signs",code="500"} 1.0
up 1
no sample at all
"""


def test_each_label_of_each_metric_is_counted_by_its_values() -> None:
    """Whatever stands in a value; what has no labels has nothing to be told apart by."""
    assert label_values(PAGE) == {"requests_total{code}": 2, "requests_total{path}": 3}


def test_what_is_no_page_of_metrics_has_none() -> None:
    assert label_values("") == {}
    assert label_values('<html>{a="b"} </html>') == {}


GAUGES = """
# TYPE chat_connections gauge
chat_connections{protocol="v1"} 3.0
chat_connections{protocol="v2"} 1e0 1700000000000
# TYPE connections_total counter
connections_total 90.0
# TYPE process_open_fds gauge
process_open_fds 12.0
# TYPE reopened gauge
reopened 4.0
# TYPE memory_bytes gauge
memory_bytes 9e7
# TYPE requests_in_progress gauge
requests_in_progress 2
# TYPE active gauge
active NaN
# TYPE go_goroutines gauge
go_goroutines 11
# TYPE go_threads gauge
go_threads 5
# TYPE chat_asyncio_tasks gauge
chat_asyncio_tasks 7
# TYPE todo_tasks gauge
todo_tasks 9
"""


def test_gauges_of_who_is_there_are_added_up_over_their_series() -> None:
    """By whole words of their names; what is no gauge, no number or of the runtime itself says nothing."""
    assert present(GAUGES) == {
        "chat_asyncio_tasks": 7.0,
        "chat_connections": 4.0,
        "go_goroutines": 11.0,
        "requests_in_progress": 2.0,
    }
    assert present("") == {}
