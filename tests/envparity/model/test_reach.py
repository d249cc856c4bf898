"""What may be played against a backend that others use, judged by what a scenario needs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from envparity.auth.jwt_shared_key import SharedKeyJwt
from envparity.auth.login import Login
from envparity.config.project import load_project
from envparity.model.backend import Backend, Carrier, ImageSource, Tokens
from envparity.model.deployment import Credential, Deployed
from envparity.model.environment import Environment
from envparity.model.reach import need
from envparity.model.scenario import Scenario
from envparity.model.shared_use import MOST_BYTES
from envparity.model.step import Close, Command, Connect, Flood, Http, Rotate, Send, SendBytes, SendSize, Step
from tests.docs.pages import TREE

SECRET = Deployed("wss://a.example/ws", secret=Credential(variable="KEY"))
TOKEN = Deployed("wss://a.example/ws", token=Credential(variable="TOKEN"))
NOTHING = Deployed("wss://a.example/ws")
STAGING = Environment("staging", settings={"ISS": "i", "AUD": "a", "MOST": "100"})
TOKENS = Tokens(
    SharedKeyJwt("KEY", "ISS", "AUD"), carriers=(Carrier("header", header="Authorization: Bearer {token}"),)
)
BACKEND = Backend("b", Path("b.toml"), ImageSource(), tokens=TOKENS, messages_per_minute_setting="MOST")
PING = Send({"type": "ping"})


def needs(*steps: Step, deployed: Deployed = SECRET, environment: Environment = STAGING) -> str | None:
    return need(Scenario("s", steps=steps), BACKEND, environment, deployed)


def test_of_the_reference_backend_all_is_played_that_only_talks() -> None:
    """And what is left out is what stops, cuts, floods or fails something, each for its reason."""
    project = load_project(TREE / "netra_backend" / "backend.toml", TREE / "environments")
    staging = project.environments["staging"]
    assert staging.deployed is not None
    usual = [scenario for scenario in project.backend.scenarios if scenario.part == "usual"]
    said = {scenario.name: need(scenario, project.backend, staging, staging.deployed) for scenario in usual}
    assert Counter(need for need in said.values() if need is not None) == {
        "a boot of its own (postgres down, STARTUP_POSTGRES_TIMEOUT_S=2)": 4,
        "a boot of its own (redis down, STARTUP_REDIS_TIMEOUT_S=2)": 4,
        "a boot of its own (backend then postgres)": 1,
        "a boot of its own (postgres 0.15 s late)": 2,
        "a boot of its own (clocks +0 s, +60 s)": 2,
        "a boot of its own (clocks +0 s, +90 s)": 1,
        "a boot of its own (replicas 1.5 s apart)": 1,
        "to see which worker process answers": 1,
        "a boot of its own (WEBSOCKET_IDLE_TIMEOUT_S=8)": 1,
        "a boot of its own (idle times 8 times shorter)": 2,
        "a token to be revoked in redis": 3,
        "a token to be revoked": 1,
        "a replica to be stopped": 7,
        "replicas to be disturbed": 3,
        "postgres to be restarted": 1,
        "redis to be restarted": 1,
        "postgres to be cut off": 27,
        "redis to be cut off": 11,
        "a flood of messages": 3,
        "to disturb others": 3,
        "4 connections at once": 1,
        "9 connections at once": 1,
        "a client that is gone without a close": 1,
        "a client that does not read": 1,
    }
    assert sum(need is None for need in said.values()) >= 50


def test_overload_is_not_asked_for() -> None:
    """A flood, a crowd, a giant, and as many messages as an environment allows."""
    crowd = tuple(Connect("none", on=name) for name in "abcd")
    assert needs(Connect("none"), Flood({}, 2)) == "a flood of messages"
    assert needs(*crowd) == "4 connections at once"
    assert needs(*crowd[:3], Close(1000, on="a"), crowd[3]) is None
    assert needs(Connect("none"), SendSize(MOST_BYTES + 1, {}, "text")) == f"a frame of {MOST_BYTES + 1} bytes"
    assert needs(Connect("none"), SendSize("{setting:MOST}*1000", {}, "text")) == "a frame of 100000 bytes"
    assert needs(Connect("none"), SendBytes("text:" + "x" * (MOST_BYTES + 1))) == f"a frame of {MOST_BYTES + 1} bytes"
    assert "a frame of" in str(needs(Http("POST /x", json=["x" * (MOST_BYTES + 1)])))
    assert needs(Command({"redis": ("PING",)})) == "a command to redis"
    assert needs(*[Http("POST /x")] * 99) is None
    assert needs(*[Http("POST /x")] * 100) == "100 messages on one connection"
    assert needs(Connect("none"), *[PING] * 98) is None
    assert needs(Connect("none"), *[PING] * 99) == "100 messages on one connection"


@pytest.mark.parametrize(
    ("kind", "deployed", "said"),
    [
        ("valid", SECRET, None),
        ("expired", SECRET, None),
        ("valid", TOKEN, None),
        ("malformed", TOKEN, None),
        ("expired", TOKEN, "a token of the kind expired (only a token is given)"),
        ("valid", NOTHING, "a token of the kind valid (no credential is given)"),
        ("empty", NOTHING, None),
        ("malformed", NOTHING, None),
    ],
)
def test_tokens_are_asked_for_that_can_be_had(kind: str, deployed: Deployed, said: str | None) -> None:
    """With the key every kind, with a token that one, without both what is no good token anyhow."""
    assert needs(Connect(kind), deployed=deployed) == said


def test_nobody_is_locked_out_and_no_key_is_rotated() -> None:
    """A login with a wrong password counts where somebody counts; other refusals are asked for."""
    scheme = Login(user_setting="ISS", password_setting="P", request="POST /l", form={"p": "{password}"}, cookie="c")
    backend = replace(BACKEND, tokens=replace(TOKENS, scheme=scheme))
    for kind, said in (("valid", None), ("forged", None), ("wrong_password", "to sign in with a wrong password")):
        assert need(Scenario("s", steps=(Connect(kind),)), backend, STAGING, SECRET) == said
    assert needs(Connect("none"), Rotate("idp")) == "the keys of idp to be rotated"


def test_a_setting_that_the_file_does_not_say_cannot_be_held_against_it() -> None:
    """Its value is only known where it was deployed."""
    assert needs(Connect("none"), Send({"a": "{setting:OTHER}"})) == "the value of the setting OTHER"
    bare = replace(STAGING, settings={"ISS": "i"})
    assert needs(Connect("valid"), environment=bare) == "the value of the setting AUD"


def test_with_one_user_what_needs_another_is_left_out() -> None:
    """Several of them with a token; an id of another form, or somebody new, also where tokens can be made."""
    as_somebody = replace(SECRET, user="user-7")
    both = (Connect("valid", user="alice"), Connect("valid", on="b", user="bob"))
    odd = Connect("valid", user_id="{digits}")
    assert needs(*both, deployed=TOKEN) == "another user"
    assert needs(*both, deployed=as_somebody) is None
    assert needs(odd, deployed=as_somebody) == "a user with an id of a form of its own"
    fresh = Scenario("s", new_user=True, steps=(Connect("valid"),))
    assert need(fresh, BACKEND, STAGING, TOKEN) == "a user who has done nothing yet"
    assert need(fresh, BACKEND, STAGING, SECRET) is None
