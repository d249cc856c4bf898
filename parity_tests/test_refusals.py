"""Every refusal is the same everywhere: the error that names why, then the promised close, or none."""

from __future__ import annotations

import pytest

from envparity.faces.parity_run import ParityRun
from envparity.faces.reading import Closed, closes, connections, handshakes, received, types

pytestmark = pytest.mark.parity(group="refusal")

CARRIERS = ("header", "subprotocol", "first_frame")
NOT_AUTHENTICATED = {  # scenario: code of the error frame, which is the reason of the close 1008 too
    "no_token": "auth_timeout",
    "message_before_authentication": "auth_required",
    "token_in_url": "auth_required",
    "access_token_in_url": "auth_required",
    "headers_pretending_a_test": "auth_timeout",
    "token_without_subject": "token_malformed",
    "token_without_id": "token_malformed",
    "just_expired_token": "token_expired",
}
NOT_AUTHENTICATED_BY_ANY_CARRIER = {
    "empty_token": "token_malformed",
    "malformed_token": "token_malformed",
    "expired_token": "token_expired",
    "wrong_signature": "token_signature",
    "alg_none": "token_signature",
    "wrong_issuer": "token_issuer",
    "wrong_audience": "token_audience",
    "revoked_token": "token_revoked",
    "other_environments_token": "token_signature",
    "headers_pretending_a_test_with_bad_token": "token_signature",
}
NOT_AUTHENTICATED |= {
    f"{name}[{carrier}]": code for name, code in NOT_AUTHENTICATED_BY_ANY_CARRIER.items() for carrier in CARRIERS
}
TOO_MUCH = {  # scenario: code of the error frame, and how the backend closes
    "too_big": ("message_too_big", Closed(1009, "message_too_big", "server")),
    "too_fast": ("rate_limited", Closed(1008, "rate_limited", "server")),
    "too_many_connections": ("too_many_connections", Closed(1013, "too_many_connections", "server")),
}
WRONG_MESSAGE = {  # scenario: code of the error frame, and the field that it names
    "bad_json": ("invalid_json", None),
    "not_an_object": ("invalid_json", None),
    "unknown_type": ("unknown_type", "type"),
    "missing_field": ("missing_field", "text"),
    "missing_type": ("missing_field", "type"),
    "extra_field": ("unexpected_field", "content"),
    "invalid_field": ("invalid_field", "text"),
    "unknown_thread": ("thread_not_found", "thread_id"),
}
FORBIDDEN_ORIGINS = ("forbidden_origin", "lookalike_origin", "forged_own_origin")
OF_THEIR_OWN = {*FORBIDDEN_ORIGINS, "resent_message_id", "token_revoked_in_use"}


def test_every_refusal_has_its_expectation(parity: ParityRun) -> None:
    """No refusal of the backend file is without a literal expectation here, and none of these goes unplayed."""
    played = {scenario.name for scenario in parity.project.backend.scenarios if scenario.group == "refusal"}
    assert played == {*NOT_AUTHENTICATED, *TOO_MUCH, *WRONG_MESSAGE, *OF_THEIR_OWN}


def test_keeps_to_its_script(parity: ParityRun, scenario: str) -> None:
    """Nothing departs from the script or breaks the contract, and the normalised transcript is the same everywhere."""
    parity.assert_holds(scenario)


@pytest.mark.parametrize(("scenario", "code"), NOT_AUTHENTICATED.items())
def test_who_is_not_authenticated_is_told_why(parity: ParityRun, scenario: str, code: str) -> None:
    """Accepted first (101), then one error frame with the code, then 1008 with the code as reason. Nothing else."""
    for name, transcript in parity.transcripts(scenario).items():
        assert [handshake.status for handshake in handshakes(transcript)] == [101], name
        told = [(frame["type"], frame["code"], frame["retryable"]) for frame in received(transcript)]
        assert told == [("error", code, False)], name
        assert closes(transcript) == [Closed(1008, code, "server")], name


@pytest.mark.parametrize(("scenario", "expected"), TOO_MUCH.items())
def test_what_is_too_much_ends_the_connection(parity: ParityRun, scenario: str, expected: tuple[str, Closed]) -> None:
    """One error frame with the code, then the close."""
    code, close = expected
    for name, transcript in parity.transcripts(scenario).items():
        assert [frame["code"] for frame in received(transcript, frame_type="error")] == [code], name
        assert [close for close in closes(transcript) if close.by == "server"] == [close], name


@pytest.mark.parametrize(("scenario", "error"), WRONG_MESSAGE.items())
def test_a_wrong_message_is_refused_and_the_connection_stays(
    parity: ParityRun, scenario: str, error: tuple[str, str | None]
) -> None:
    """An error frame that names the field, then business as usual until the client closes."""
    for name, transcript in parity.transcripts(scenario).items():
        frames = received(transcript)
        assert [(frame["code"], frame.get("field")) for frame in frames if frame["type"] == "error"] == [error], name
        assert types(frames) == ["connection_established", "error", "pong"], name
        assert [close.code for close in closes(transcript)] == [1000], name


@pytest.mark.parametrize("scenario", FORBIDDEN_ORIGINS)
def test_a_forbidden_origin_never_gets_in(parity: ParityRun, scenario: str) -> None:
    """403 before the upgrade, in every environment; not a frame is exchanged."""
    for name, transcript in parity.transcripts(scenario).items():
        assert [handshake.status for handshake in handshakes(transcript)] == [403], name
        assert received(transcript) == [], name


def test_a_resent_message_is_answered_once(parity: ParityRun) -> None:
    """The same message_id again starts no second run, has the same answer, and is stored once."""
    for name, transcript in parity.transcripts("resent_message_id").items():
        assert len(received(transcript, frame_type="agent_started")) == 1, name
        first, again = received(transcript, frame_type="agent_completed")
        assert (again["run_id"], again["answer"]) == (first["run_id"], first["answer"]), name
        (history,) = received(transcript, frame_type="history")
        assert [message["role"] for message in history["messages"]] == ["user", "assistant"], name


def test_a_token_is_good_until_it_is_revoked(parity: ParityRun) -> None:
    """The same token, twice before and twice after; where there are two replicas, on each of them both times."""
    for name, transcript in parity.transcripts("token_revoked_in_use").items():
        told = [(frame["type"], frame.get("code")) for frame in received(transcript)]
        assert told == [("connection_established", None)] * 2 + [("error", "token_revoked")] * 2, name
        assert [(close.code, close.by) for close in closes(transcript)] == [(1000, "client")] * 2 + [
            (1008, "server")
        ] * 2
        replicas = [handshake.replica for handshake in handshakes(transcript)]
        assert (replicas[0] != replicas[1]) == (name == "production"), name
        assert replicas[2:] == replicas[:2], name


def test_only_the_connection_too_many_is_refused(parity: ParityRun) -> None:
    """Three connections of a user stay; the fourth is told to come back later."""
    for name, transcript in parity.transcripts("too_many_connections").items():
        *others, last = connections(transcript)
        assert len(others) == 3, name
        assert [close.by for close in closes(transcript, last)] == ["server"], name
        assert [close.code for other in others for close in closes(transcript, other)] == [1000, 1000, 1000], name


def test_nobody_ever_sees_1011(parity: ParityRun, scenario: str) -> None:
    """A known condition is never an internal error."""
    ended = {name: [close.code for close in closes(each)] for name, each in parity.transcripts(scenario).items()}
    assert {name: codes for name, codes in ended.items() if 1011 in codes} == {}
