"""EP311 and EP313: a handshake that says the same in another way, held against how it goes as usual."""

from __future__ import annotations

from envparity.conversation.dialect import DIALECTS
from envparity.judge.evidence import Note
from envparity.judge.finding import Finding
from envparity.observe.beside import PLAYS_TO_BLAME, DialectPlay
from envparity.observe.transcript import Transcript
from tests.envparity.judge.builders import departed, judged, observation, received, transcript

REFUSED = departed("frame", received({"type": "error", "code": "no_token"}), got="error no_token")
SERVED = transcript()
SPACES, CONNECTION, CASE = DIALECTS
SERVED_ALONE = tuple(((way,), SERVED) for way in DIALECTS)

Play = tuple[tuple[str, ...], Transcript]


def token_first(*turned: Transcript, usual: Transcript = SERVED) -> list[Finding]:
    """What is found where it went so with the token first, and so behind."""
    return list(judged(observation("local", turned=turned, transcripts=(usual,))).findings)


def written(*plays: Play, usual: Transcript = SERVED) -> list[Finding]:
    """What is found where it went so with the handshake written so."""
    dialects = tuple(DialectPlay(ways, script) for ways, script in plays)
    return list(judged(observation("local", dialects=dialects, transcripts=(usual,))).findings)


def each_time(ways: tuple[str, ...]) -> tuple[Play, ...]:
    return ((ways, REFUSED),) * PLAYS_TO_BLAME


def said(finding: Finding) -> str:
    return next(piece.text for piece in finding.evidence if isinstance(piece, Note))


def test_who_offers_the_token_first_is_told_something_else() -> None:
    """With what was expected of it, and in what way it left its script."""
    (finding,) = token_first(*[REFUSED] * PLAYS_TO_BLAME)
    assert (finding.code, finding.where, finding.step, finding.nature) == ("EP311", "chat", 1, "frame error no_token")
    assert (finding.expected, finding.got) == ("connection_established", "error no_token")


def test_what_does_not_show_each_time_is_not_the_token_s_place() -> None:
    assert token_first(REFUSED) == []
    assert token_first(*[REFUSED] * PLAYS_TO_BLAME, SERVED) == []


def test_what_goes_wrong_in_either_order_is_told_for_itself() -> None:
    found = token_first(*[REFUSED] * PLAYS_TO_BLAME, usual=REFUSED)
    assert [finding.code for finding in found] == ["EP301"]


def test_who_is_served_in_either_order_is_none() -> None:
    assert token_first(SERVED) == []


def test_the_way_that_is_to_blame_is_told() -> None:
    """By itself, and not all of them."""
    (finding,) = written((DIALECTS, REFUSED), *each_time((SPACES,)), ((CONNECTION,), SERVED), ((CASE,), SERVED))
    assert (finding.code, finding.where, finding.step, finding.nature) == ("EP313", "chat", 1, "frame error no_token")
    assert said(finding).endswith(SPACES)


def test_what_shows_in_all_ways_together_alone_is_told_where_it_does_so_each_time() -> None:
    """Once may be chance."""
    (finding,) = written(*each_time(DIALECTS), *SERVED_ALONE)
    assert all(way in said(finding) for way in DIALECTS)
    assert written((DIALECTS, REFUSED), *SERVED_ALONE, (DIALECTS, SERVED)) == []


def test_what_goes_wrong_as_usual_too_is_no_matter_of_how_it_is_written() -> None:
    found = written((DIALECTS, REFUSED), *each_time((SPACES,)), usual=REFUSED)
    assert [each.code for each in found] == ["EP301"]


def test_who_is_served_in_every_way_is_none() -> None:
    assert written((DIALECTS, SERVED)) == []
