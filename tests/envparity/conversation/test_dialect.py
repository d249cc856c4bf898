"""A request for an upgrade that says the same in another way."""

from __future__ import annotations

import pytest

from envparity.conversation.dialect import DIALECTS, Dialect, rewritten

USUAL = [
    ("Host", "api.example"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
    ("Sec-WebSocket-Protocol", "v1, jwt.x"),
    ("X-List", "a, b"),
    ("Cookie", "one=1"),
    ("Cookie", "two=2"),
]


@pytest.mark.parametrize(
    ("way", "name", "value"),
    [
        ("lists without spaces", "Sec-WebSocket-Protocol", "v1,jwt.x"),
        ("Connection: keep-alive, Upgrade", "Connection", "keep-alive, Upgrade"),
        ("header names in lower case", "sec-websocket-protocol", "v1, jwt.x"),
    ],
)
def test_each_way_changes_what_it_says_and_nothing_else(way: Dialect, name: str, value: str) -> None:
    """The order of the headers, and how often each is there, stay."""
    written = rewritten(USUAL, [way])
    assert (name, value) in written
    assert [pair[0].lower() for pair in written] == [pair[0].lower() for pair in USUAL]
    changed = [pair for pair in written if pair not in set(USUAL)]
    assert len(changed) == (len(written) if way == "header names in lower case" else 1)


def test_all_of_them_go_together_and_none_changes_nothing() -> None:
    assert dict(rewritten(USUAL, DIALECTS))["connection"] == "keep-alive, Upgrade"
    assert ("sec-websocket-protocol", "v1,jwt.x") in rewritten(USUAL, DIALECTS)
    assert rewritten(USUAL, ()) == USUAL
