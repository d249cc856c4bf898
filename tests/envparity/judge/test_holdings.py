"""EP523: what each visit leaves for good, and what grows between rounds where it is said what is meant to."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from envparity.judge.evidence import Note
from envparity.judge.finding import Finding
from envparity.observe.usage import Usage, Visits
from tests.envparity.judge.builders import BACKEND, judged, observation, project

MADE = (2, 12, 22)


def visited(*held: dict[str, int], keeps: dict[str, tuple[str, ...]] | None = None) -> list[Finding]:
    """What is found where Redis holds so much after each round of visits."""
    visits = tuple(Visits(made, {"redis": of}) for made, of in zip(MADE, held, strict=True))
    of = project("local", backend=replace(BACKEND, keeps=keeps or {}))
    return list(judged(observation("local", visits=visits), of=of).findings)


def test_what_every_visit_leaves_is_told_with_its_figures() -> None:
    (found,) = visited({"seen:*": 2}, {"seen:*": 12}, {"seen:*": 22})
    assert (found.code, found.where, found.component, found.nature) == ("EP523", "seen:* in redis", "redis", "kept")
    (note,) = found.evidence
    assert isinstance(note, Note)
    assert "1.0 a connection" in note.text
    assert "2 after 2, 22 after 22" in note.text


def test_so_is_what_those_alone_leave_who_go_without_a_close() -> None:
    """They are every other one; what was never there before counts from nothing."""
    assert [found.where for found in visited({}, {"seen:*": 5}, {"seen:*": 10})] == ["seen:* in redis"]


@pytest.mark.parametrize(
    "counts",
    [(2, 2, 2), (0, 10, 10), (0, 3, 6), (4, 14, 4)],
    ids=["level", "once", "seldom", "given back"],
)
def test_what_levels_off_is_none(counts: tuple[int, int, int]) -> None:
    """A cache, what is written by the clock, what is swept."""
    assert visited(*({"seen:*": count} for count in counts)) == []


def test_members_of_what_is_told_already_are_no_second_finding() -> None:
    """Those of one key are: it is the key that stays, and they that become more."""
    each = [{"seen:*": made, "members of seen:*": 3 * made} for made in MADE]
    assert [found.where for found in visited(*each)] == ["seen:* in redis"]
    online = [{"online": 1, "members of online": made} for made in MADE]
    assert [found.where for found in visited(*online)] == ["members of online in redis"]


@pytest.mark.parametrize("globs", [("seen:*",), ("seen*", "x"), ("members of seen:*", "seen:?")])
def test_what_is_meant_to_stay_is_none(globs: tuple[str, ...]) -> None:
    each = [{"seen:*": made, "members of seen:*": 3 * made} for made in MADE]
    assert visited(*each, keeps={"redis": globs}) == []
    assert visited(*each, keeps={"postgres": globs}) != []


def played(*rows: int, keeps: dict[str, tuple[str, ...]]) -> list[Finding]:
    """What is found where a table has so many rows at each point, twenty connections apart."""
    usage = tuple(
        Usage((20 * place,), (None,), held={"postgres": {"logins": count}}) for place, count in enumerate(rows)
    )
    return list(
        judged(observation("local", usage=usage), of=project("local", backend=replace(BACKEND, keeps=keeps))).findings
    )


def test_what_grows_between_rounds_is_told_where_it_is_said_what_is_meant_to() -> None:
    """Messages are kept by design, and nobody can tell them from a leftover who is not told."""
    grown = (0, 10, 20, 30)
    (found,) = played(*grown, keeps={"postgres": ("messages",)})
    assert (found.code, found.where) == ("EP523", "logins in postgres")
    assert played(*grown, keeps={"postgres": ("log*",)}) == []
    assert played(*grown, keeps={"redis": ()}) == []
    assert played(*grown, keeps={}) == []


@pytest.mark.parametrize("rows", [(0, 10, 10, 10), (0, 10, 20, 20), (0, 10, 14, 18), (0, 10, 20, 5), (0, 10, 20)])
def test_what_levels_off_between_rounds_is_none(rows: tuple[int, ...]) -> None:
    assert played(*rows, keeps={"postgres": ()}) == []
