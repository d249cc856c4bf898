"""EP313: a handshake that says the same in another way, held against how it goes as usual."""

from __future__ import annotations

from envparity.conversation.dialect import DIALECTS
from envparity.judge.evidence import Note
from envparity.judge.finding import Finding
from envparity.observe.beside import DialectPlay
from envparity.observe.transcript import Transcript
from tests.envparity.judge.builders import departed, judged, observation, received, transcript

REFUSED = departed("frame", received({"type": "error", "code": "no_token"}), got="error no_token")
SERVED = transcript()
SPACES, CONNECTION, CASE = DIALECTS


def found(*plays: tuple[tuple[str, ...], Transcript], usual: Transcript = SERVED) -> list[Finding]:
    """What is found where it went so with the handshake written so."""
    dialects = tuple(DialectPlay(ways, script) for ways, script in plays)
    return list(judged(observation("local", dialects=dialects, transcripts=(usual,))).findings)


def said(finding: Finding) -> str:
    return next(piece.text for piece in finding.evidence if isinstance(piece, Note))


def test_the_way_that_is_to_blame_is_told() -> None:
    """By itself, and not all of them."""
    plays = ((DIALECTS, REFUSED), ((SPACES,), REFUSED), ((CONNECTION,), SERVED), ((CASE,), SERVED))
    (finding,) = found(*plays)
    assert (finding.code, finding.where, finding.step, finding.nature) == ("EP313", "chat", 1, "frame error no_token")
    assert said(finding).endswith(SPACES)


def test_what_shows_in_all_ways_together_alone_is_told_where_it_does_so_twice() -> None:
    """Once may be chance."""
    alone = tuple(((way,), SERVED) for way in DIALECTS)
    (finding,) = found((DIALECTS, REFUSED), *alone, (DIALECTS, REFUSED))
    assert all(way in said(finding) for way in DIALECTS)
    assert found((DIALECTS, REFUSED), *alone, (DIALECTS, SERVED)) == []


def test_what_goes_wrong_as_usual_too_is_told_for_itself() -> None:
    assert [each.code for each in found((DIALECTS, REFUSED), ((SPACES,), REFUSED), usual=REFUSED)] == ["EP301"]


def test_who_is_served_in_every_way_is_none() -> None:
    assert found((DIALECTS, SERVED)) == []
