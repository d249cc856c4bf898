"""Scripts: a scenario with its values, and everything that is missing at once."""

from __future__ import annotations

import re
from typing import Any

import jwt
import pytest
from jwt import PyJWK

from envparity.auth.jwt_key_pair import KeyPairJwt
from envparity.auth.jwt_shared_key import Revocation, SharedKeyJwt
from envparity.auth.key_pair import generation_name
from envparity.auth.login import Login
from envparity.conversation.handshake import SignedIn
from envparity.conversation.resolving import ClientIdentity, fill, resolve_scenario
from envparity.errors import ConfigurationError
from envparity.model.backend import Tokens
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, Expect, Flood, Revoke, Rotate, Send, Step
from tests.envparity.conversation.scripts import HEADER, QUERY, SETTINGS, backend, script


def missing(*steps: Step, settings: dict[str, str] | None = None, carriers: str = "", **changes: Any) -> list[str]:
    """The keys of what a scenario lacks."""
    with pytest.raises(ConfigurationError) as raised:
        resolve_scenario(
            Scenario("one", carriers=carriers, steps=steps),
            backend(**changes),
            SETTINGS if settings is None else settings,
            "https://here",
            now_s=0,
        )
    return [mistake.key for mistake in raised.value.mistakes]


def test_tokens_are_of_the_key_that_is_up_then() -> None:
    """Every rotation that a script asks for is known before it is played; so is the issuer of a provider."""
    scheme = KeyPairJwt(algorithm="ES256", provider="idp")
    keys = {generation_name(generation): scheme.made_key() for generation in range(3)}
    steps = Connect("valid"), Rotate("idp"), Connect("valid", on="b"), Rotate("idp"), Connect("expired", on="c")
    texts = Send({"token": "{token:valid}"})
    made = script(
        *steps, texts, tokens=Tokens(scheme, (QUERY,)), settings={**keys, "tokens.issuer": "http://idp"}
    )  # fmt: skip
    carried = [made.handshakes[index].path.partition("=")[2] for index in (0, 2, 4)]
    for generation, token in enumerate([*carried[:2], made.values["token:valid"]]):
        jwk = PyJWK(scheme.published(keys[generation_name(generation)], generation))
        assert jwt.get_unverified_header(token)["kid"] == jwk.key_id
        never = {"verify_exp": False, "verify_iat": False}
        assert jwt.decode(token, jwk, ["ES256"], issuer="http://idp", options=never)  # type: ignore[arg-type]
    assert jwt.get_unverified_header(carried[2])["kid"] == scheme.published(keys[generation_name(2)], 2)["kid"]


def test_a_step_that_lacks_what_signing_in_did_not_give_is_where_the_script_ends() -> None:
    """The first that needs it, by whatever way; those before it are played."""
    scheme = Login(user_setting="ISS", password_setting="KEY", request="POST /l", form={}, cookie="c")
    refused = SignedIn("", "a login", "a refusal")
    steps = Connect("none"), Send({"t": "{token:valid}"}), Connect("valid", on="b"), Connect("malformed", on="c")
    made = script(*steps, tokens=Tokens(scheme, (QUERY,)), signed_in={"valid": refused})
    assert dict(made.unsigned) == {1: refused, 2: refused}


def test_users_have_ids_of_their_own_form() -> None:
    """A name is one user throughout a scenario, whose id is made once."""
    made = script(
        Connect("valid", user="alice", user_id="{hex}"),
        Connect("valid", on="b", user="alice"),
        Connect("valid", on="c", user="bob"),
        Send({"type": "x", "to": "{user:carol}"}),
    )
    assert set(made.names.values()) == {"<user:alice>", "<user:bob>", "<user:carol>"}
    assert re.fullmatch("[0-9a-f]{32}", made.values["user:alice"])
    tokens = [dict(made.handshakes[index].headers)["Authorization"].removeprefix("Bearer ") for index in range(3)]
    claims = [jwt.decode(token, options={"verify_signature": False}) for token in tokens]
    assert [claim["sub"] for claim in claims] == [made.values[f"user:{name}"] for name in ("alice", "alice", "bob")]
    assert len({claim["jti"] for claim in claims}) == 3


@pytest.mark.parametrize(
    ("form", "first", "last"),
    [("{uuid}", 8, 12), ("{hex}", 8, 12), ("auth0|{digits}", 11, 4), ("{client}-{uuid}", 10, 12)],
)
def test_users_whose_ids_have_one_form_differ_in_the_middle_alone(form: str, first: int, last: int) -> None:
    """Who keeps the beginning or the end of an id takes them for one another."""
    made = script(*(Connect("valid", on=name, user=name, user_id=form) for name in ("a", "b", "c")))
    ids = [str(made.values[f"user:{name}"]) for name in ("a", "b", "c")]
    assert len({*ids}) == 3
    assert len({name[:first] for name in ids}) == len({name[-last:] for name in ids}) == 1


def test_users_whose_ids_have_another_form_differ_in_that_alone() -> None:
    """The same number at two identity providers is two users; a third of the same provider has a number of its own."""
    forms = {"a": "github|{digits}", "b": "google-oauth2|{digits}", "c": "github|{digits}"}
    made = script(*(Connect("valid", on=name, user=name, user_id=form) for name, form in forms.items()))
    numbers = {name: str(made.values[f"user:{name}"]).rpartition("|")[2] for name in forms}
    assert numbers["a"] == numbers["b"] != numbers["c"]


def test_a_revoked_token_is_revoked_by_its_id() -> None:
    """With the command that the backend file gives."""
    revocation = Revocation("redis", ("SET", "revoked:{jti}", "1"))
    tokens = Tokens(SharedKeyJwt("KEY", "ISS", "AUD", revocation=revocation), (HEADER,))
    made = script(Connect("revoked"), tokens=tokens)
    token = dict(made.handshakes[0].headers)["Authorization"].removeprefix("Bearer ")
    token_id = jwt.decode(token, options={"verify_signature": False})["jti"]
    assert made.revocations == (("redis", ("SET", f"revoked:{token_id}", "1")),)


def test_a_token_is_handed_over_again_and_revoked_as_that_of_the_connection_that_has_the_name_then() -> None:
    """Nothing of that is done before the first step."""
    revocation = Revocation("redis", ("SET", "revoked:{jti}", "1"))
    tokens = Tokens(SharedKeyJwt("KEY", "ISS", "AUD", revocation=revocation), (HEADER,))
    again = Connect("valid", on="b", same_token_as="a")
    made = script(Connect("valid"), again, Revoke("b"), Connect("valid"), again, Revoke("a"), tokens=tokens)
    sent = {index: dict(handshake.headers)["Authorization"] for index, handshake in made.handshakes.items()}
    assert sent[0] == sent[1] != sent[3] == sent[4]
    assert made.revocations == ()
    for index, connected in ((2, 0), (5, 3)):
        claims = jwt.decode(sent[connected].removeprefix("Bearer "), options={"verify_signature": False})
        assert made.revoked[index] == ("redis", ("SET", f"revoked:{claims['jti']}", "1"))
    assert missing(Connect("valid"), Revoke("a"), tokens=Tokens(SharedKeyJwt("KEY", "ISS", "AUD"), (HEADER,))) == [
        "tokens.revocation (scenario one)"
    ]


def test_values_and_amounts_are_resolved_once() -> None:
    """A setting is a number where it is one; the same name is the same id."""
    made = script(
        Connect("valid"),
        Send({"id": "{uuid:m1}", "again": "{uuid:m1}", "n": "{setting:MAX}", "s": "{setting:ISS}", "t": "{later}"}),
        Flood({"type": "ping"}, "{setting:MAX}+1"),
        Expect(("pong",), within_s=2.5),
    )
    assert made.values["setting:MAX"] == 7
    assert made.values["setting:ISS"] == "i"
    assert made.names[made.values["uuid:m1"]] == "<uuid:m1>"
    assert made.amount("{setting:MAX}+1") == 8
    assert made.amount(2.5) == 2.5


def test_filling_goes_to_any_depth_and_leaves_the_unknown() -> None:
    """A string that is one placeholder becomes the value itself; braces that are none stay."""
    values = {"n": 7, "user": "u"}
    filled = fill({"a": ["{n}", "{n}!", ("{user}",)], "b": '{"x": 1}', "c": "{later}", "d": 1}, values)
    assert filled == {"a": [7, "7!", ["u"]], "b": '{"x": 1}', "c": "{later}", "d": 1}


def test_everything_that_is_missing_is_told_at_once() -> None:
    """Settings, and how tokens are made and revoked."""
    keys = missing(Connect("revoked"), Send({"a": "{setting:NONE}", "b": "{first:NOR}"}), settings={"KEY": "k"})
    assert [key.partition(" ")[0] for key in keys] == ["AUD", "ISS", "NONE", "NOR", "tokens.revocation"]
    assert missing(Connect("valid"), tokens=None) == ["tokens (scenario one)"]
    assert missing(Connect("none", query="{token:valid}"), tokens=None) == ["tokens (scenario one)"]


def test_a_backend_without_tokens_can_be_talked_to_without_one() -> None:
    """Nothing is made where nothing is asked for."""
    assert script(Connect("none"), tokens=None).handshakes[0].headers == ()
    assert script(Connect("empty"), tokens=None).handshakes[0].headers == ()


def test_an_unknown_carrier_and_an_amount_that_is_none_are_mistakes() -> None:
    """Where the reader of the file could not know it."""
    assert missing(Connect("valid"), carriers="pigeon") == ["carriers (scenario one)"]
    assert missing(Connect("valid", carrier="pigeon"), tokens=Tokens(SharedKeyJwt("KEY", "ISS", "AUD"))) == [
        "carriers (scenario one)"
    ]
    keys = missing(Connect("valid"), Flood({}, "{setting:ISS}"))
    assert keys == ["{setting:ISS} (scenario one)"]


def test_an_identity_speaks_for_the_unnamed_user() -> None:
    """Its user is the subject, its token is handed over as it is and kept out of the record; others are made up."""
    scenario = Scenario("s", steps=(Connect("valid"), Connect("valid", on="b", user="other")))
    written = resolve_scenario(
        scenario, backend(), SETTINGS, "http://h", now_s=1, identity=ClientIdentity("me", "given")
    )
    assert "given" in str(written.handshakes[0].headers)
    assert "given" not in str(written.handshakes[1].headers)
    assert written.secrets["given"] == "<token:valid>"
    assert written.values["user"] == "me"
    assert written.values["user:other"] != "me"


def test_a_given_token_needs_no_key() -> None:
    """Where every token is given, there is nothing to make one with."""
    scenario = Scenario("s", steps=(Connect("valid"),))
    written = resolve_scenario(scenario, backend(), {}, "http://h", now_s=1, identity=ClientIdentity("me", "given"))
    assert "given" in str(written.handshakes[0].headers)
    with pytest.raises(ConfigurationError):
        resolve_scenario(scenario, backend(), {}, "http://h", now_s=1, identity=ClientIdentity("me"))
