"""Claims that this replica may take over at once, because nobody else can have them."""

from __future__ import annotations

import pytest

from netra_backend.app.services.unreleased_claims import UnreleasedClaims


def test_each_run_that_may_hold_the_claim_of_a_message_is_known_until_it_is_claimed_anew() -> None:
    claims = UnreleasedClaims(lease_s=30)
    for user, message, run in (("u", "m", "1"), ("u", "m", "2"), ("v", "m", "3")):
        claims.add(user, message, run)
    assert claims.of("u", "m") == ["1", "2"]
    claims.forget("u", "m")
    claims.forget("u", "m")
    assert (claims.of("u", "m"), claims.of("v", "m")) == ([], ["3"])


def test_what_has_run_out_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the database, where anybody may take it over by then."""
    claims = UnreleasedClaims(lease_s=30)
    now_s = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now_s)
    claims.add("u", "m", "1")
    now_s += 31
    claims.add("v", "m", "2")
    assert (claims.of("u", "m"), claims.of("v", "m")) == ([], ["2"])
