"""Toxics as pure functions of parcels: no socket, no clock."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envparity.launch.toxics import Bandwidth, Latency, LimitData, Parcel, ResetPeer, Slicer, Toxic

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a loaded machine is no failure


def through(toxic: Toxic, parcels: Sequence[Parcel], connection: int = 0) -> list[Parcel]:
    """What one effect makes of them."""
    effect = toxic.begin(connection)
    return [after for parcel in parcels for after in effect.apply(parcel)]


def at_once(*sizes: int) -> list[Parcel]:
    """Parcels of those sizes, all read at second 1."""
    return [Parcel(1.0, bytes(size)) for size in sizes]


def test_latency_delays_each_parcel_once() -> None:
    """Parcels read together leave together: a delay line."""
    assert [parcel.due_s for parcel in through(Latency(latency_ms=50), at_once(1, 1, 1))] == [1.05] * 3


def test_jitter_is_repeatable_and_differs_between_connections() -> None:
    """The same seed and connection give the same delays; another connection gives others."""
    toxic = Latency(latency_ms=50, jitter_ms=40, seed=7)
    due = [[parcel.due_s for parcel in through(toxic, at_once(1, 1), number)] for number in (0, 0, 1)]
    assert due[0] == due[1] != due[2]


def test_jitter_beyond_the_latency_sends_nothing_into_the_past() -> None:
    """A delay is never below zero."""
    assert all(parcel.due_s >= 1.0 for parcel in through(Latency(latency_ms=1, jitter_ms=500), at_once(*[1] * 50)))


def test_bandwidth_makes_bytes_wait_for_one_another() -> None:
    """10 kB/s: 1000 bytes take 0.1 s each time, in pieces of a tenth of a second at most."""
    parcels = through(Bandwidth(rate_kb=10), at_once(1000, 2500))
    assert [(round(parcel.due_s, 6), len(parcel.data)) for parcel in parcels] == [
        (1.1, 1000),
        (1.2, 1000),
        (1.3, 1000),
        (1.35, 500),
    ]


def test_slicer_keeps_the_pieces_apart() -> None:
    """Pieces of the average size, each later than the one before; the next parcel queues behind them."""
    parcels = through(Slicer(average_size=4, delay_us=100_000), at_once(10, 4))
    assert [(round(parcel.due_s, 6), len(parcel.data)) for parcel in parcels] == [
        (1.0, 4),
        (1.1, 4),
        (1.2, 2),
        (1.3, 4),
    ]


def test_slicer_refuses_pieces_of_no_size() -> None:
    """The variation is below the size."""
    with pytest.raises(ValueError, match="size_variation"):
        Slicer(average_size=4, size_variation=4)


def test_limit_data_ends_with_its_last_byte() -> None:
    """The byte that reaches the limit is the last."""
    assert [(len(parcel.data), parcel.end) for parcel in through(LimitData(bytes=15), at_once(10, 10))] == [
        (10, ""),
        (5, "close"),
    ]


def test_reset_peer_swallows_what_would_have_passed() -> None:
    """The first bytes become a reset, and nothing follows it."""
    assert through(ResetPeer(timeout_ms=500), at_once(10, 10)) == [Parcel(1.5, b"", "reset")]


def test_reset_peer_lets_an_orderly_end_pass() -> None:
    """A direction in which nothing was sent ends as it would."""
    assert through(ResetPeer(), [Parcel(1.0, b"", "half")]) == [Parcel(1.0, b"", "half")]


DIRECTIONLESS: st.SearchStrategy[Toxic] = st.one_of(
    st.builds(Latency, latency_ms=st.floats(0, 1e4), jitter_ms=st.floats(0, 1e4), seed=st.integers()),
    st.builds(Bandwidth, rate_kb=st.floats(0.001, 1e6)),
    st.builds(Slicer, average_size=st.integers(10, 100), size_variation=st.integers(0, 9), delay_us=st.floats(0, 1e6)),
)


@QUIET
@given(
    toxic=DIRECTIONLESS,
    read=st.lists(st.tuples(st.floats(0, 10), st.binary(min_size=1, max_size=500)), max_size=10),
    number=st.integers(0, 3),
)
def test_what_only_delays_loses_nothing_and_keeps_the_order(
    toxic: Toxic, read: list[tuple[float, bytes]], number: int
) -> None:
    """The same bytes, never before they were read, never backwards in time, the end last."""
    moments = sorted(due for due, _ in read)
    parcels = [Parcel(due, data) for due, (_, data) in zip(moments, read, strict=True)]
    parcels.append(Parcel(moments[-1] if moments else 0.0, b"", "half"))
    effect = toxic.begin(number)
    after = []
    for parcel in parcels:
        passed = effect.apply(parcel)
        assert all(later.due_s >= parcel.due_s for later in passed)
        after += passed
    assert b"".join(parcel.data for parcel in after) == b"".join(data for _, data in read)
    assert [parcel.due_s for parcel in after] == sorted(parcel.due_s for parcel in after)
    assert [parcel.end for parcel in after] == [""] * (len(after) - 1) + ["half"]
