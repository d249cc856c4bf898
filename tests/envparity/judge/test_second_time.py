"""EP309, EP310, EP405: how it goes for a user who comes back."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from envparity.judge.evidence import Counts
from envparity.judge.finding import Finding
from envparity.model.scenario import Scenario
from envparity.observe.record import Observation, SecondPlay
from envparity.observe.transcript import Transcript
from tests.envparity.judge.builders import BACKEND, close, departed, judged, observation, project, received, transcript

DUPLICATE = departed("frame", received({"type": "completed", "duplicate": True}), got="completed")
REFUSED = departed("frame", received({"type": "error", "code": "known"}), got="error known")
KEPT = transcript()
BUG = departed("close", close(1011, "oops"), got="close 1011")


def back(environment: str, *plays: Transcript | tuple[Transcript, bool], **changes: Any) -> Observation:
    """A boot in which a user came back; a pair says that it was to another replica."""
    second = tuple(SecondPlay(*play) if isinstance(play, tuple) else SecondPlay(play) for play in plays)
    return observation(environment, second=second, **changes)


def found(*seen: Observation, second: Any = "differs") -> list[Finding]:
    backend = replace(BACKEND, scenarios=(Scenario("chat", second=second),))
    return list(judged(*seen, of=project(backend=backend)).findings)


def test_whatever_a_second_time_is_like_it_is_no_bug() -> None:
    (finding,) = found(back("local", KEPT, BUG))
    assert (finding.code, finding.where, finding.got, finding.nature) == (
        "EP309",
        "chat",
        "close 1011 oops",
        "close 1011",
    )
    assert Counts("local", 1, 2, "second times in one boot") in finding.evidence


def test_a_second_time_keeps_to_the_contract() -> None:
    breaking = transcript(received({"type": "pong"}, violations=("a field too many",)))
    (finding,) = found(back("local", breaking))
    assert (finding.code, finding.got) == ("EP309", "a field too many")


def test_what_must_be_as_the_first_time_is_held_to_its_script() -> None:
    """And to nothing where the scenario says that it may differ."""
    (finding,) = found(back("local", REFUSED), second="same")
    assert (finding.code, finding.expected, finding.got, finding.step) == (
        "EP309",
        "connection_established",
        "error known",
        1,
    )
    assert finding.nature == "frame error known"
    assert found(back("local", REFUSED)) == []


def test_what_the_first_time_left_behind_is_gone_for_who_was_away_for_longer() -> None:
    """It is held against the script where nobody was away for longer; a bug is one after any time."""
    soon, later = SecondPlay(REFUSED, away_s=0.2), SecondPlay(KEPT, away_s=1.0)
    assert found(observation("local", second=(soon, later)), second="same") == []
    (finding,) = found(observation("local", second=(soon, SecondPlay(REFUSED, away_s=1.0))), second="same")
    assert finding.code == "EP309"
    (finding,) = found(observation("local", second=(SecondPlay(BUG, away_s=0.2), later)), second="same")
    assert (finding.code, finding.nature) == ("EP309", "close 1011")


@pytest.mark.parametrize(("there", "here"), [(KEPT, DUPLICATE), (DUPLICATE, KEPT), (REFUSED, DUPLICATE)])
def test_another_replica_answers_as_the_one_before(there: Transcript, here: Transcript) -> None:
    (finding,) = found(back("staging", (there, True), (here, False)))
    assert (finding.code, finding.where, finding.environments, finding.nature) == (
        "EP310",
        "chat",
        ("staging",),
        "replicas",
    )
    assert finding.expected != finding.got


@pytest.mark.parametrize(("there", "here"), [(REFUSED, DUPLICATE), (DUPLICATE, REFUSED), (REFUSED, KEPT)])
def test_the_symptom_is_what_a_client_was_refused_with_on_whichever_replica(
    there: Transcript, here: Transcript
) -> None:
    """And in whichever environment, so that what only follows from one defect is known by it."""
    (replicas,) = found(back("staging", (there, True), (here, False)))
    (environments,) = found(back("local", there), back("staging", here))
    assert replicas.symptom == environments.symptom == "frame error known"


def test_replicas_that_answer_alike_or_by_chance_are_no_finding() -> None:
    assert found(back("staging", (DUPLICATE, True), (DUPLICATE, False))) == []
    assert found(back("staging", (DUPLICATE, True), (KEPT, True), (DUPLICATE, False))) == []


def test_environments_answer_a_second_time_alike() -> None:
    (finding,) = found(back("local", DUPLICATE), back("staging", KEPT))
    assert (finding.code, finding.where, finding.environments) == ("EP405", "chat", ("staging",))
    assert finding.expected == "the second time as in local: step 2: frame completed"
    assert finding.got == "as the first time"
    assert found(back("local", DUPLICATE), back("staging", DUPLICATE)) == []


def test_what_differs_by_chance_or_is_told_for_itself_is_not_compared() -> None:
    assert found(back("local", DUPLICATE), back("staging", KEPT, DUPLICATE)) == []
    assert [finding.code for finding in found(back("local", DUPLICATE), back("staging", BUG))] == ["EP309"]
    assert [
        finding.code for finding in found(back("local", KEPT), back("staging", (KEPT, True), (DUPLICATE, False)))
    ] == ["EP310"]
    assert found(observation("local"), back("staging", DUPLICATE)) == []


def test_a_scenario_that_does_not_go_well_the_first_time_is_no_matter_of_a_second() -> None:
    """What goes wrong by chance where a user is new goes wrong by chance where he comes back; it is told for itself."""
    seen = back("staging", (KEPT, True), (REFUSED, False), control=(REFUSED,))
    assert "EP310" not in {finding.code for finding in found(seen)}
    assert "EP405" not in {
        finding.code for finding in found(back("local", REFUSED), back("staging", KEPT, control=(REFUSED,)))
    }
