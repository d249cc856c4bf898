"""EP111: a credential in a log."""

from __future__ import annotations

from envparity.judge.evidence import LogQuote
from tests.envparity.judge.builders import codes, observation, only, replica

LINE = "could not connect to {setting:DATABASE_URL}"


def test_a_credential_in_a_log_is_told_once_with_its_line() -> None:
    """However many replicas have written it."""
    told = replica(credentials={"{setting:DATABASE_URL}": LINE})
    found = only(observation("local", told, told))
    assert (found.code, found.where) == ("EP111", "{setting:DATABASE_URL} in the log")
    (quote,) = found.evidence
    assert isinstance(quote, LogQuote)
    assert quote.lines == (LINE,)
    assert codes(observation("local", replica())) == []
