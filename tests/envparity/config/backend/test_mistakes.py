"""Everything that can be wrong with a backend file."""

from __future__ import annotations

import re
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envparity.config.backend import load_backend, read_backend
from envparity.errors import ConfigurationError
from tests.envparity.config.backend.good_files import GOOD, PROCESS, SCHEMA, Write, only_mistake

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a loaded machine is no failure
# What is replaced in the good file, by what, and the mistake: line, key, and words of the message.
WRONG: dict[str, tuple[str, str, int, str, str]] = {
    "unknown key": ("command", "comand", 2, "comand", "did you mean command"),
    "command as a string": ('["python3", "-m", "chat"]', '"python3"', 2, "command", 'an array, got "python3"'),
    "a captured value in the path": ('"/ws"', '"/ws/{kernel}"', 3, "websocket_path", "setting, first, uuid, user"),
    "braces in the path": ('"/ws"', '"/ws/{setting:}"', 3, "websocket_path", "setting, first, uuid, user"),
    "an id in the origin": ('"/ws"', '"/ws"\norigin = "{uuid:x}"', 4, "origin", "setting, first, origin"),
    "relative path": ('"/ws"', '"ws"', 3, "websocket_path", "begins with a slash"),
    "bad subprotocol": ('"chat.v1"', '"chat v1"', 4, r"subprotocols\[0\]", "a token as RFC 9110"),
    "no contract": ("asyncapi.yaml", "openapi.yaml", 7, "contract", 'a file, got "openapi.yaml"'),
    "bad setting name": ("STARTUP_ORDER", "STARTUP ORDER", 8, "order_setting", "the name of a setting"),
    "refusal too long": (
        'order_setting = "STARTUP_ORDER"',
        f'startup_refusal = "{"ä" * 100}"',
        8,
        "startup_refusal",
        "123 bytes",
    ),
    "setting from a source": ("WORKERS = 2", 'WORKERS = { from = "x" }', 12, "settings.WORKERS", "got a table"),
    "zero byte": ("WORKERS = 2", 'WORKERS = "\\u0000"', 12, "settings.WORKERS", "a zero byte"),
    "no image": (
        'dockerfile = "docker/Dockerfile"\ncontext = "."\ninclude = ["chat/**"]\n',
        "",
        14,
        "image",
        "either name or dockerfile, got neither",
    ),
    "both images": ('context = "."', 'name = "x"', 14, "image", "either name or dockerfile, got both"),
    "no dockerfile": ('"docker/Dockerfile"', '"Dockerfile"', 15, "image.dockerfile", "a file, got"),
    "no context": ('"."', '"nowhere"', 16, "image.context", "a folder, got"),
    "include above": ('"chat/**"', '"../**"', 17, r"image.include\[0\]", "a glob below the context"),
    "health as true": (
        "metrics = false",
        "metrics = true",
        21,
        "health.metrics",
        "or false where the backend has none",
    ),
    "draining of no readiness": (
        "metrics = false",
        "metrics = false\nready = false\ndraining = 503",
        23,
        "health.draining",
        "a path at health.ready",
    ),
    "no regular expression": ('failed"', 'failed("', 25, "report.log_failed", "a regular expression"),
    "too much of one": ('failed"', 'failed{99999999999}"', 25, "report.log_failed", "a regular expression"),
    "unknown algorithm": (
        "claims = {",
        'algorithm = "none"\nclaims = {',
        31,
        "tokens.algorithm",
        "one of HS256, HS384, HS512",
    ),
    "no key": ('key_setting = "JWT_SECRET"\n', "", 27, "tokens.key_setting", "no such key"),
    "two forms": (
        '"Authorization: Bearer {token}"',
        '"A: {token}"\nsubprotocol = "{token}"',
        33,
        r"tokens.carriers\[0\]",
        "exactly one of .*got header and subprotocol",
    ),
    "no form": (
        'header = "Authorization: Bearer {token}"\n',
        "",
        33,
        r"tokens.carriers\[0\]",
        "exactly one of .*got none of them",
    ),
    "no token in a header": ("Bearer {token}", "Bearer", 35, r"tokens.carriers\[0\].header", r"\{token\} or"),
    "no token in a frame": (
        'token = "{token}"',
        'token = "x"',
        43,
        r"tokens.carriers\[2\].first_frame",
        r"\{token\} or .*got a table",
    ),
    "header without a value": (
        "Authorization: Bearer {token}",
        "{token}",
        35,
        r"tokens.carriers\[0\].header",
        "a header as it is sent",
    ),
    "a query with more than a name": (
        'header = "Authorization: Bearer {token}"',
        'query = "a={token}"',
        35,
        r"tokens.carriers\[0\].query",
        "the name of the parameter",
    ),
    "a cookie with more than a name": (
        'header = "Authorization: Bearer {token}"',
        'cookie = "a; b"',
        35,
        r"tokens.carriers\[0\].cookie",
        "the name of the cookie",
    ),
    "a kind of token that lacks a key": (
        '{ connect = "valid" }',
        '{ connect = "ahead" }',
        27,
        "tokens.clock_skew_s",
        "nothing, and conversation.* asks for a token of the kind ahead",
    ),
    "carrier twice": (
        'name = "subprotocol"',
        'name = "header"',
        38,
        r"tokens.carriers\[1\].name",
        "a name that no other carrier has",
    ),
    "revoking nothing": ("revoked:{jti}", "revoked", 47, "tokens.revocation.command", r"with \{jti\}"),
    "no time": ("boot_s = 20", "boot_s = 0", 50, "phases.boot_s", "more than 0"),
    "unknown step": ('{ expect = "welcome" }', '{ expct = "welcome" }', 56, r"scenario\[0\].steps\[1\].*", "expect"),
}


@pytest.mark.parametrize(("old", "new", "line", "key", "words"), WRONG.values(), ids=WRONG)
def test_every_mistake_has_its_place_and_its_words(
    write: Write, old: str, new: str, line: int, key: str, words: str
) -> None:
    """One thing wrong gives one mistake: file, line, key, what was expected, what stands there, what to do."""
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    mistake = only_mistake(write(text))
    assert re.match(f"app/backend.toml:{line}: {key}: .*(?:{words})", str(mistake)), str(mistake)


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "words"),
    [
        (
            'command = ["python3", "-m", "chat"]\n',
            "",
            1,
            "process.command",
            "the program and its arguments",
        ),
        ('["python3", "-m", "chat"]', "[]", 2, "process.command", "at least 1"),
        ('".."', '"no"', 3, "process.folder", 'a folder, got "no"'),
        ("chat/**", "../chat", 4, r"process.include\[0\]", "a glob below the folder"),
        ("1 }", '"\\u0000" }', 5, "process.variables.PYTHONUNBUFFERED", "a zero byte"),
        ("include", "includes", 4, "process.includes", "did you mean include"),
    ],
    ids=["no command", "empty command", "no such folder", "above the folder", "zero byte", "unknown key"],
)
def test_every_mistake_about_processes_too(write: Write, old: str, new: str, line: int, key: str, words: str) -> None:
    """Of the file's end, so lines count from the table's own."""
    mistake = only_mistake(write(GOOD + PROCESS.replace(old, new, 1)))
    place = GOOD.count("\n") + 1 + line
    assert re.match(f"app/backend.toml:{place}: {key}: .*(?:{words})", str(mistake)), str(mistake)


def test_a_scenario_that_revokes_a_token_needs_to_know_how(write: Write) -> None:
    """Also where none of its connections comes with one that is revoked before."""
    head, _, rest = GOOD.partition("[tokens.revocation]")
    text = head + rest[rest.index("[phases]") :].replace("{ close = 1000 }]", '{ revoke = "a" }]', 1)
    assert only_mistake(write(text)).key == "tokens.revocation"


def test_scenarios_that_are_no_tables_are_one_mistake(write: Write) -> None:
    """What is no table is said once, and not taken apart."""
    head, _, _ = GOOD.partition("[[scenario]]")
    assert only_mistake(write('scenario = ["x"]\n' + head)).key == "scenario[0]"


def test_all_mistakes_come_in_one_message(write: Write) -> None:
    """Of the file itself, of what it names, and of its scenarios, in the order of the file."""
    text = GOOD.replace("asyncapi.yaml", "x").replace("[phases]", "[phase]").replace("expect = ", "expct = ")
    with pytest.raises(ConfigurationError) as caught:
        load_backend(write(text))
    assert [(mistake.line, mistake.key) for mistake in caught.value.mistakes] == [
        (7, "contract"),
        (49, "phase"),
        (56, "scenario[0].steps[1]"),
    ]


KNOWN = sorted({key for table in [SCHEMA, *SCHEMA["properties"].values()] for key in table.get("properties", {})})
TEXT = st.text(max_size=8, alphabet=st.characters(exclude_categories=["Cs"]))
WORDS = st.sampled_from([*KNOWN, "carriers", "header", "first_frame", "steps", "connect", "valid", "{token}"]) | TEXT
LEAVES = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | WORDS | st.dates()
NESTED = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=15
)


@QUIET
@given(data=st.dictionaries(WORDS, NESTED, max_size=8))
def test_nothing_that_toml_can_hold_crashes_the_loader(
    data: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A backend, or mistakes, never both and never an exception; known keys in any shape."""
    path = tmp_path_factory.getbasetemp() / "any-backend.toml"
    path.write_bytes(tomli_w.dumps(data).encode())
    backend, mistakes = read_backend(path)
    assert (backend is None) == bool(mistakes)
    assert all(str(mistake) for mistake in mistakes)


def test_a_frame_that_the_codec_cannot_write_is_a_mistake_of_its_step(write: Write) -> None:
    """With line and key, before anything boots; of one with placeholders only the conversation knows."""
    path = write(
        'name = "chat"\n[process]\ncommand = ["chat"]\n[frames]\ncodec = "engine-io"\n'
        '[[scenario]]\nname = "say"\nsteps = [\n'
        '  { connect = "none" },\n  { send = { event = "say", data = ["{user}"] } },\n'
        '  { send = { event = "say", data = ["hello"] } },\n]\n'
    )
    with pytest.raises(ConfigurationError) as caught:
        load_backend(path)
    assert [(mistake.line, mistake.key) for mistake in caught.value.mistakes] == [(11, "scenario[0].steps[2].send")]


def test_what_is_public_needs_users_who_have_something_of_their_own(write: Write) -> None:
    frames = 'public_frames = ["entries", "GET /entries"]\n'
    assert load_backend(write(frames + GOOD)).public_frames == ("entries", "GET /entries")
    alone = frames + 'name = "chat"\n[process]\ncommand = ["chat", "--port", "{port}"]\n'
    backend, mistakes = read_backend(write(alone))
    assert backend is None
    assert [mistake.key for mistake in mistakes] == ["public_frames"]
