"""EP307 in every scenario: what only one user's frames carry is looked for on the connections of everybody else."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from envparity.judge.finding import Finding
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, Expect, ExpectUnordered, Http, Send
from envparity.observe.frame import JsonFrame
from envparity.observe.record import SecondPlay
from envparity.observe.transcript import Event, FrameReceived, HttpAnswered, Transcript
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import BACKEND, judged, observation, project, received, sent, transcript

ANNA = "1c1d7a54-41d0-4d9e-8f1e-d0c2a1b9c001"
BEN = "2c1d7a54-41d0-4d9e-8f1e-d0c2a1b9c002"
M1 = "3c1d7a54-41d0-4d9e-8f1e-d0c2a1b9c003"
M2 = "4c1d7a54-41d0-4d9e-8f1e-d0c2a1b9c004"
ROOM = "5c1d7a54-41d0-4d9e-8f1e-d0c2a1b9c005"
QUOTED = """o'hara "the" 1c1d7a54"""

ASK = Scenario(
    "ask",
    steps=(
        Connect("valid"),
        Send({"type": "note", "text": "my word is {uuid:word}"}),
        Send({"type": "ask", "text": "which word?"}),
        Expect(("answer",)),
    ),
)


def two_users(*steps: Any, name: str = "both") -> Scenario:
    return Scenario(name, steps=(Connect("valid", on="a", user="anna"), Connect("valid", on="b", user="ben"), *steps))


def leaks(
    scenarios: tuple[Scenario, ...],
    *plays: Transcript,
    control: tuple[Transcript, ...] = (),
    second: tuple[Transcript, ...] = (),
    public: tuple[str, ...] = (),
) -> list[Finding]:
    """What is found of these plays in one boot, EP307 alone."""
    backend = replace(BACKEND, scenarios=scenarios, public_frames=public)
    back = tuple(map(SecondPlay, second))
    seen = observation("local", transcripts=plays, control=control, second=back)
    return [
        finding for finding in judged(seen, of=project("local", backend=backend)).findings if finding.code == "EP307"
    ]


def play(user: str, word: str, *entries: Event, scenario: str = "ask") -> Transcript:
    return transcript(*entries, scenario=scenario, names={user: "<user>", word: "<uuid:word>"})


def both(*entries: Event, scenario: str = "both", skipped: tuple[FrameReceived, ...] = ()) -> Transcript:
    names = {ANNA: "<user:anna>", BEN: "<user:ben>", M1: "<uuid:m1>", M2: "<uuid:m2>", ROOM: "<uuid:room>"}
    return transcript(*entries, scenario=scenario, names=names, skipped=skipped)


def answer(text: str, on: str = "a") -> Event:
    return received({"type": "answer", "text": text}, on)


def test_what_another_play_has_sent_is_a_leak_wherever_it_stands_in_a_text() -> None:
    """A cache that has the text and not the user in its key: the next user is told the word of the first."""
    first, other = play(ANNA, M1, answer(f"it is {M1}")), play(BEN, M2, answer(f"it is {M1}"))
    (found,) = leaks((ASK,), first, control=(other,))
    assert found.where == "ask"
    assert evidence_lines(found)[0] == "connection a of <user> got <uuid:word> of another play"
    assert leaks((ASK,), first, control=(play(BEN, M2, answer(f"it is {M2}")),)) == []


def test_the_same_user_again_is_told_its_own() -> None:
    """Who comes back has the same ids; and so has who is known to a backend with one user."""
    first = play(ANNA, M1, answer(f"it is {M1}"))
    assert leaks((ASK,), first, second=(first,)) == []
    assert leaks((ASK,), first, control=(play(ANNA, M2, answer(f"it was {M1}, it is {M2}")),)) == []


def test_who_comes_back_and_is_told_of_another_is_a_leak_too() -> None:
    first, other = play(ANNA, M1, answer(f"it is {M1}")), play(BEN, M2, answer(f"it is {M2}"))
    again = play(ANNA, M1, answer(f"it is {M2}"))
    (found,) = leaks((ASK,), first, control=(other,), second=(again,))
    assert evidence_lines(found)[0].endswith("got <uuid:word> of another play")


def test_a_leak_between_scenarios_names_both() -> None:
    """And one from the same scenario is told before."""
    tell = replace(ASK, name="tell")
    first, other = play(ANNA, M1, answer(M1)), play(BEN, M2, answer(M1), scenario="tell")
    (found,) = leaks((ASK, tell), first, other)
    assert found.where == "tell"
    assert evidence_lines(found)[0].endswith("got <uuid:word> of another play of ask")


def test_frames_that_everybody_may_see_are_said() -> None:
    first, other = play(ANNA, M1, answer(M1)), play(BEN, M2, answer(f"{M1} {M2}"))
    assert leaks((ASK,), first, control=(other,), public=("answer",)) == []
    assert len(leaks((ASK,), first, control=(other,), public=("other",))) == 1


def test_what_a_script_expects_at_another_user_by_name_is_meant() -> None:
    """By the placeholder of the value, in whatever scenario: frames of that type are told to all from then on."""
    told = Expect(("said",), on="b", fields={"id": "{uuid:m1}"})
    chat = two_users(Send({"type": "say", "id": "{uuid:m1}"}, on="a"), told)
    said = received({"type": "said", "id": M1, "by": ANNA}, "b")
    assert leaks((chat,), both(said)) == []
    elsewhere = replace(ASK, name="listening")
    later = play("6c1d7a54-41d0-4d9e-8f1e-d0c2a1b9c006", M2, received({"type": "said", "id": M1}), scenario="listening")
    assert leaks((chat, elsewhere), both(said), later) == []
    other = play("6c1d7a54-41d0-4d9e-8f1e-d0c2a1b9c006", M2, received({"type": "mail", "id": M1}), scenario="listening")
    assert [leak.where for leak in leaks((chat, elsewhere), both(said), other)] == ["listening"]


@pytest.mark.parametrize(
    "told",
    [
        Expect(("said",), on="b"),
        Expect(("said",), on="b", fields={"room": "{uuid:room}"}),
        Expect((), on="b", fields={"text": "hello"}),
        ExpectUnordered(("said", {"type": "joined"}), on="b"),
    ],
)
def test_a_broadcast_that_says_nothing_of_whose_it_is_is_meant(told: Any) -> None:
    """By its type, or by a room that both are in."""
    joining = [Send({"type": "join", "room": "{uuid:room}"}, on=on) for on in "ab"]
    chat = two_users(*joining, Send({"type": "say", "id": "{uuid:m1}"}, on="a"), told)
    assert leaks((chat,), both(received({"type": "said", "id": M1, "by": ANNA, "room": ROOM}, "b"))) == []


def test_what_a_script_expects_of_ones_own_is_not_anybodys() -> None:
    """Ben asks for his own answer, and finds Anna's message in it."""
    mine = Expect(("done",), on="b", each={"id": "{uuid:m2}"})
    asking = (Send({"type": "ask", "id": "{uuid:m1}"}, on="a"), Send({"type": "ask", "id": "{uuid:m2}"}, on="b"))
    scenario = two_users(*asking, mine)
    own = received({"type": "done", "id": M2}, "b")
    assert leaks((scenario,), both(own)) == []
    (found,) = leaks((scenario,), both(received({"type": "done", "id": M2, "text": f"after {M1}"}, "b")))
    assert found.where == "both"
    assert evidence_lines(found)[0].endswith("got <uuid:m1>")


def test_ids_with_quotes_are_found_in_texts() -> None:
    """As they are, not as JSON writes them."""
    first = transcript(scenario="ask", names={QUOTED: "<user>"})
    other = play(BEN, M2, answer(f"before you came {QUOTED}"))
    (found,) = leaks((ASK,), first, control=(other,))
    assert evidence_lines(found)[0].endswith("got <user> of another play")


def test_an_answer_over_http_is_looked_at_as_well() -> None:
    scenario = Scenario("ask", steps=(Connect("valid"), Send({"text": "{uuid:word}"}), Http("GET /mine")))
    body = JsonFrame({"words": [M1]})
    got = HttpAnswered(0.1, "a", "http", "GET /mine", "/mine", 200, body=body)
    (found,) = leaks((scenario,), play(ANNA, M1), control=(play(BEN, M2, got),))
    assert evidence_lines(found)[0].endswith("got <uuid:word> of another play")
    assert leaks((scenario,), play(ANNA, M1), control=(play(BEN, M2, got),), public=("GET /mine",)) == []


def test_who_shows_no_credential_and_what_is_no_id_are_nobodys() -> None:
    """A page for everybody; and words that two users may well have in common."""
    anybody = Scenario("ask", steps=(Connect("none"), Send({"text": "{uuid:word}"}), Expect(("answer",))))
    assert leaks((anybody,), play(ANNA, M1), control=(play(BEN, M2, answer(M1)),)) == []
    captured = replace(ASK, steps=(*ASK.steps[:-1], Expect(("answer",), capture={"word": "text"})))
    first = transcript(sent({}), scenario="ask", names={ANNA: "<user>", "a plain answer": "<word>"})
    other = transcript(answer("a plain answer"), scenario="ask", names={BEN: "<user>"})
    assert leaks((captured,), first, control=(other,)) == []
    ided = transcript(sent({}), scenario="ask", names={ANNA: "<user>", M1: "<word>"})
    assert len(leaks((captured,), ided, control=(transcript(answer(M1), scenario="ask", names={BEN: "<user>"}),))) == 1


def presence(text: str, on: str = "b", type_: str = "presence") -> FrameReceived:
    return received({"type": type_, "text": text}, on)


def test_what_no_step_reads_is_looked_at_as_well() -> None:
    """Of a type that is skipped or ignored: of the same play, and of another."""
    chat = two_users(Send({"type": "say", "id": "{uuid:m1}"}, on="a"), Expect(("done",), on="b", skip=("presence",)))
    (found,) = leaks((chat,), both(skipped=(presence(f"anna says {M1}"),)))
    assert evidence_lines(found)[0] == "connection b of <user:ben> got <uuid:m1>"
    assert leaks((chat,), both(skipped=(presence(f"anna says {M1}"),)), public=("presence",)) == []
    assert leaks((chat,), both(skipped=(presence(BEN), presence(f"{ANNA} says {M1}", on="a")))) == []
    first, other = play(ANNA, M1), replace(play(BEN, M2), skipped=(presence(M1, on="a"),))
    (found,) = leaks((ASK,), first, control=(other,))
    assert evidence_lines(found)[0].endswith("got <uuid:word> of another play")


def test_a_private_scenario_looks_at_what_no_step_reads() -> None:
    chat = replace(two_users(Send({"id": "{uuid:m1}"}, on="a"), Expect(("done",), on="b")), private=True)
    said = sent({"id": M1}, "a"), received({"user": ANNA}, "a"), received({"user": BEN}, "b")
    assert len(leaks((chat,), both(*said, skipped=(presence(M1),)))) == 1
    assert leaks((chat,), both(*said, skipped=(presence(M1, on="a"),))) == []


def test_what_any_script_shows_to_be_told_to_all_may_be_skipped() -> None:
    """A room's messages, which one scenario expects at the other user and another lets pass."""
    said = Send({"type": "say", "id": "{uuid:m1}"}, on="a")
    chat = two_users(said, Expect(("said",), on="b"))
    skipping = two_users(said, Expect(("pong",), on="b", skip=("said",)), name="skipping")
    heard = both(received({"type": "said", "id": M1}, "b"))
    passed = both(scenario="skipping", skipped=(presence(M1, type_="said"),))
    assert leaks((chat, skipping), heard, passed) == []
    assert [leak.where for leak in leaks((chat, skipping), both(), passed)] == ["skipping"]
