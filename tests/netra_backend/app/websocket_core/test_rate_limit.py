"""The sliding window."""

from __future__ import annotations

from netra_backend.app.websocket_core.rate_limit import RateLimit


def test_so_many_within_any_minute() -> None:
    """The third of two is refused; when the first is a minute old there is room for one."""
    moments = iter([0.0, 30.0, 59.9, 60.0, 60.1, 90.0])
    limit = RateLimit(2, now=lambda: next(moments))
    assert [limit.allows_one_more() for _ in range(6)] == [True, True, False, True, False, True]
