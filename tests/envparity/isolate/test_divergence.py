from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from envparity.isolate.divergence import Parting, conversation_parting, startup_parting, with_partings
from envparity.judge.evidence import Note, Parted, SideBySide
from envparity.judge.finding import Finding, Judgement
from envparity.observe.frame import JsonFrame
from envparity.observe.record import StartupFailure, StartupReport, StartupStep
from envparity.observe.transcript import ConnectionClosed, Event, FrameReceived, Transcript
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import allows, observation, project

PROJECT = project()
NAMES = ("settings", "redis", "auth", "handlers")
FRAMES = ("connection_established", "agent_started", "agent_completed")


def startup(*outcomes: str, names: tuple[str, ...] = NAMES) -> StartupReport:
    steps = tuple(StartupStep(name, outcome=outcome) for name, outcome in zip(names, outcomes, strict=False))
    return StartupReport("pass" if set(outcomes) == {"passed"} else "fail", steps=steps)


def talk(*frames: str, connection: str = "a", **fields: object) -> tuple[Event, ...]:
    return tuple(FrameReceived(0.0, connection, "message", JsonFrame({"type": name, **fields})) for name in frames)


def played(*events: Event) -> Transcript:
    return Transcript("chat", "conversation", events)


@given(st.integers(0, 3), st.sampled_from(["failed", "skipped"]))
def test_startups_part_at_the_first_step_that_is_not_alike(at: int, outcome: str) -> None:
    """Whatever comes after it: that step, both outcomes, and the step before."""
    outcomes = ["passed"] * at + [outcome] * (4 - at)
    assert startup_parting(startup(*["passed"] * 4), startup(*outcomes)) == Parting(
        at + 1,
        f"{NAMES[at - 1]} passed" if at else "",
        f"{NAMES[at]} passed",
        f"{NAMES[at]} {outcome}",
    )


def test_a_failed_step_says_why() -> None:
    """Code and description of its own failure, and of no other."""
    why = StartupFailure("FACTORY", "auth", "made at import")
    failed = msgspec.structs.replace(startup("passed", "passed", "failed"), failures=(why,))
    parting = startup_parting(startup("passed", "passed", "passed"), failed)
    assert parting is not None
    assert parting.other == "auth failed: FACTORY, made at import"
    assert parting.between("local", "staging") == Parted(
        3,
        (("local", "auth passed"), ("staging", "auth failed: FACTORY, made at import")),
        common="redis passed",
    )


def test_a_startup_that_ends_early_parts_there() -> None:
    """The side that has no more steps says so."""
    parting = startup_parting(startup("passed", "passed"), startup("passed"))
    assert parting == Parting(2, "settings passed", "redis passed", "nothing more")


def test_other_sequences_part_where_the_steps_are_others() -> None:
    """Another order is another startup."""
    parting = startup_parting(startup("passed", "passed"), startup("passed", "passed", names=("redis", "settings")))
    assert parting == Parting(1, "", "settings passed", "redis passed")


def test_what_is_alike_does_not_part() -> None:
    """Neither startups nor conversations."""
    assert startup_parting(startup("passed"), startup("passed")) is None
    assert conversation_parting(PROJECT, played(*talk(*FRAMES)), played(*talk(*FRAMES))) is None


@given(st.integers(0, 2))
def test_conversations_part_at_the_first_entry_that_is_not_alike(at: int) -> None:
    """A close instead of a frame: both sides as they were, and what both had before."""
    close = ConnectionClosed(0.1, "a", "close", 1011, "internal")
    parting = conversation_parting(PROJECT, played(*talk(*FRAMES)), played(*talk(*FRAMES[:at]), close))
    assert parting is not None
    assert (parting.scenario, parting.number, parting.connection) == ("chat", at + 1, "")
    assert parting.common == (f"received {FRAMES[at - 1]}" if at else "")
    assert parting.first == f'received {{"type": "{FRAMES[at]}"}}'
    assert parting.other == "close 1011 internal by the server"


def test_the_connection_is_named_where_there_are_several() -> None:
    """Between two connections the order is incidental: each is compared with its like."""
    transcript = played(*talk("connection_established"), *talk("pong", connection="b"))
    other = played(*talk("bye", connection="b"), *talk("connection_established"))
    parting = conversation_parting(PROJECT, transcript, other)
    assert parting is not None
    assert (parting.number, parting.connection) == (1, "b")


def test_a_declared_difference_is_no_parting() -> None:
    """The limits in the welcome may differ where that is declared; what comes after may not."""
    transcript = played(*talk("connection_established", limit=300), *talk("pong"))
    other = played(*talk("connection_established", limit=100), *talk("bye"))
    at_once = conversation_parting(PROJECT, transcript, other)
    assert at_once is not None
    assert at_once.number == 1
    later = conversation_parting(PROJECT, transcript, other, lambda path: path.endswith("connection_established.limit"))
    assert later is not None
    assert later.number == 2


def test_findings_about_what_differs_say_where_it_parts_and_others_do_not() -> None:
    """Declared differences of either environment's file are respected, and no line comes twice."""
    declaring = project("local", allows("staging", "conversation.*.connection_established.limit"))
    local = observation("local", transcripts=(played(*talk("connection_established", limit=1), *talk("pong")),))
    staging = observation("staging", transcripts=(played(*talk("connection_established", limit=2), *talk("bye")),))
    cases = (local.case.id, staging.case.id)
    apart = [observation.transcripts[0].events[-1] for observation in (local, staging)]
    known = (Note("something else"), SideBySide((("local", apart[0]), ("staging", apart[1]))))
    differs = Finding("EP402", "", "chat", "", "", ("staging",), cases, scenario="chat", evidence=known)
    alone = Finding("EP301", "", "chat", "", "", ("staging",), cases[1:], scenario="chat")
    judged = with_partings(Judgement((differs, alone), (), 1), declaring, (local, staging))
    assert evidence_lines(judged.findings[0]) == (
        "chat parts at entry 2, after received connection_established",
        'local: received {"type": "pong"}',
        'staging: received {"type": "bye"}',
        "something else",
    )
    assert judged.findings[1] == alone
