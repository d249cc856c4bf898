"""The search: it finds what is answered otherwise, shrinks it, remembers it, and ends when its time is over."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from envparity.engine.exploration.frames import ClientTurn
from envparity.engine.exploration.reactions import Reaction
from envparity.engine.exploration.searching import ExplorationProfile, FoundSequence, Reactions, SequenceSearch

SERVED, REFUSED, BROKEN = Reaction((("served", ""),)), Reaction((("error", "no"),)), Reaction(close=1011)
TURNS = st.lists(
    st.fixed_dictionaries(
        {"n": st.integers(0, 1000)}, optional={"note": st.text("ab", max_size=5), "bad": st.just(True)}
    ).map(lambda frame: ClientTurn("order", frame)),
    min_size=1,
    max_size=3,
).map(tuple)


class Kitchen:
    """Two environments that answer alike, but for a note, and for `bad` where that is a bug in both."""

    def __init__(self, *, notes: bool = True, bug: bool = False, flaky: bool = False) -> None:
        self.notes, self.bug, self.flaky = notes, bug, flaky
        self.asked = 0

    def __call__(self, turns: tuple[ClientTurn, ...], *, confirmed: bool = False) -> Reactions:
        self.asked += 1
        return {name: tuple(self._answer(name, turn, confirmed=confirmed) for turn in turns) for name in ("a", "b")}

    def _answer(self, name: str, turn: ClientTurn, *, confirmed: bool) -> Reaction:
        if self.bug and "bad" in turn.frame:
            return BROKEN
        late = self.flaky and not confirmed and turn.frame["n"] % 2
        return REFUSED if name == "b" and (late or ("note" in turn.frame and not self.notes)) else SERVED


def searched(
    kitchen: Kitchen, folder: Path | None = None, *, examples: int = 60, seconds: float = 60
) -> SequenceSearch:
    return SequenceSearch(
        TURNS, kitchen, ExplorationProfile(examples, 3, seconds, folder), lambda turn: "n" in turn.frame
    )


def found_by(search: SequenceSearch) -> list[tuple[dict[str, object], ...]]:
    return [tuple(turn.frame for turn in found.turns) for found in search.run()]


def test_what_is_answered_alike_is_no_finding() -> None:
    assert found_by(searched(Kitchen())) == []


def test_a_difference_is_shrunk_to_one_frame_and_one_field() -> None:
    assert found_by(searched(Kitchen(notes=False))) == [({"n": 0, "note": ""},)]


def test_an_internal_error_is_one_wherever_it_shows() -> None:
    """Also where every environment has it; and beside it the other defect is found."""
    found = found_by(searched(Kitchen(notes=False, bug=True), examples=200))
    assert sorted(found, key=str) == [({"n": 0, "bad": True},), ({"n": 0, "note": ""},)]


def test_what_shows_without_patience_alone_is_no_finding() -> None:
    assert found_by(searched(Kitchen(flaky=True))) == []


def test_what_was_found_is_tried_first_the_next_time(tmp_path: Path) -> None:
    """And forgotten once it is answered alike."""
    assert len(found_by(searched(Kitchen(notes=False), tmp_path))) == 1
    again = Kitchen(notes=False)
    assert found_by(searched(again, tmp_path, examples=1)) == [({"n": 0, "note": ""},)]
    assert found_by(searched(Kitchen(), tmp_path, examples=1)) == []
    assert found_by(searched(Kitchen(notes=False), tmp_path, examples=1, seconds=0)) == []


def test_a_seed_finds_the_same() -> None:
    first, second = Kitchen(notes=False), Kitchen(notes=False)
    assert found_by(searched(first)) == found_by(searched(second))
    assert first.asked == second.asked


def test_it_ends_when_its_time_is_over() -> None:
    search = searched(Kitchen(notes=False), seconds=0)
    assert (search.run(), search.played, search.over) == ((), 0, True)


def test_the_frame_that_matters_is_the_first_that_is_answered_otherwise() -> None:
    turns = tuple(ClientTurn("order", {"n": n}) for n in range(3))
    found = FoundSequence(turns, {"a": (SERVED, SERVED, SERVED), "b": (SERVED, REFUSED, REFUSED)})
    assert found.first == 1
