"""Backend files: what a good one says, and everything that can be wrong with one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import envparity
from envparity.auth.jwt_shared_key import Revocation, SharedKeyJwt
from envparity.auth.static_token import StaticToken
from envparity.config.backend import load_backend, read_backend
from envparity.errors import ConfigurationError, Mistake
from envparity.frames.json_codec import AnyJson, JsonObjects
from envparity.model.backend import (
    Backend,
    Carrier,
    ContractFile,
    HealthPaths,
    ImageSource,
    Phases,
    ProcessSource,
    ReportMapping,
    Tokens,
)
from envparity.model.case import Boot
from tests import editor_schemas

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a loaded machine is no failure

SCHEMA = json.loads((Path(envparity.__file__).parent / "schemas" / "backend.schema.json").read_text())

GOOD = """\
name = "chat"
command = ["python3", "-m", "chat"]
websocket_path = "/ws"
subprotocols = ["chat.v1"]
volatile = ["run_id"]
ignored_frames = ["heartbeat"]
contract = "asyncapi.yaml"
order_setting = "STARTUP_ORDER"

[settings]
DEBUG = false
WORKERS = 2

[image]
dockerfile = "docker/Dockerfile"
context = "."
include = ["chat/**"]

[health]
live = "/live"
metrics = false

[report]
status = "state.status"
log_failed = "(?P<component>\\\\w+) failed"

[tokens]
key_setting = "JWT_SECRET"
issuer_setting = "JWT_ISSUER"
audience_setting = "JWT_AUDIENCE"
claims = { scope = "chat" }

[[tokens.carriers]]
name = "header"
header = "Authorization: Bearer {token}"

[[tokens.carriers]]
name = "subprotocol"
subprotocol = "jwt.{token_base64url}"

[[tokens.carriers]]
name = "first_frame"
first_frame = { type = "authenticate", token = "{token}" }

[tokens.revocation]
dependency = "redis"
command = ["SET", "revoked:{jti}", "1"]

[phases]
boot_s = 20

[[scenario]]
name = "conversation"
title = "a client is welcomed"
carriers = "each"
steps = [{ connect = "valid" }, { expect = "welcome" }, { close = 1000 }]

[[scenario]]
name = "postgres_down"
group = "startup_failure"
title = "the client is told why"
boot = { down = ["postgres"], settings = { TIMEOUT_S = "2" } }
steps = [{ connect = "valid" }, { expect_close = [1013] }]
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a backend file, with the files that it names beside it, and returns its relative path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app" / "docker").mkdir(parents=True)
    (tmp_path / "app" / "docker" / "Dockerfile").touch()
    (tmp_path / "app" / "asyncapi.yaml").touch()

    def file(text: str) -> Path:
        path = Path("app/backend.toml")
        path.write_text(text)
        return path

    return file


def only_mistake(path: Path) -> Mistake:
    """The one mistake of that file."""
    backend, mistakes = read_backend(path)
    assert backend is None
    (mistake,) = mistakes
    return mistake


def test_a_good_file_becomes_a_backend(write: Write, tmp_path: Path) -> None:
    """Paths are relative to the file, `false` is no path, and literals are the strings of a process environment."""
    path = write(GOOD)
    backend = load_backend(path)
    assert msgspec.structs.replace(backend, scenarios=()) == Backend(
        name="chat",
        file=path,
        image=ImageSource(tmp_path / "app/docker/Dockerfile", tmp_path / "app", ("chat/**",)),
        command=("python3", "-m", "chat"),
        settings={"DEBUG": "false", "WORKERS": "2"},
        health=HealthPaths(live="/live", metrics=None),
        report=ReportMapping(status="state.status", log_failed=r"(?P<component>\w+) failed"),
        websocket_path="/ws",
        subprotocols=("chat.v1",),
        volatile=("run_id",),
        ignored_frames=("heartbeat",),
        contract=ContractFile(tmp_path / "app/asyncapi.yaml"),
        tokens=Tokens(
            SharedKeyJwt(
                "JWT_SECRET",
                "JWT_ISSUER",
                "JWT_AUDIENCE",
                claims={"scope": "chat"},
                revocation=Revocation("redis", ("SET", "revoked:{jti}", "1")),
            ),
            carriers=(
                Carrier("header", header="Authorization: Bearer {token}"),
                Carrier("subprotocol", subprotocol="jwt.{token_base64url}"),
                Carrier("first_frame", first_frame={"type": "authenticate", "token": "{token}"}),
            ),
        ),
        phases=Phases(boot_s=20.0),
        order_setting="STARTUP_ORDER",
    )


def test_scenarios_come_with_it_one_for_each_carrier(write: Write) -> None:
    """`carriers = "each"` expands, and a boot of its own is read."""
    scenarios = load_backend(write(GOOD)).scenarios
    assert [scenario.name for scenario in scenarios] == [
        "conversation[header]",
        "conversation[subprotocol]",
        "conversation[first_frame]",
        "postgres_down",
    ]
    assert scenarios[-1].boot == Boot(down=("postgres",), settings=(("TIMEOUT_S", "2"),))


def test_an_image_by_name_is_all_that_a_backend_needs(write: Write) -> None:
    """Everything else has a default."""
    path = write('name = "bare"\n[image]\nname = "example.org/chat:1.2@sha256"\n')
    assert load_backend(path) == Backend("bare", path, ImageSource(name="example.org/chat:1.2@sha256"))


def test_the_context_is_the_dockerfile_s_folder_unless_said(write: Write, tmp_path: Path) -> None:
    """As `docker build` has it."""
    backend = load_backend(write('name = "bare"\n[image]\ndockerfile = "docker/Dockerfile"\n'))
    assert backend.image.context == tmp_path / "app/docker"


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


PROCESS = """
[process]
command = ["python3", "-m", "chat"]
folder = ".."
include = ["chat/**"]
variables = { PYTHONUNBUFFERED = 1 }
"""


def test_how_it_is_run_without_an_image(write: Write, tmp_path: Path) -> None:
    """Its folder is relative to the file, and the file's own where it is left out; without the table there is none."""
    assert load_backend(write(GOOD)).process is None
    expected = ProcessSource(("python3", "-m", "chat"), tmp_path, ("chat/**",), {"PYTHONUNBUFFERED": "1"})
    assert load_backend(write(GOOD + PROCESS)).process == expected
    bare = '\n[process]\ncommand = ["serve"]\n'
    assert load_backend(write(GOOD + bare)).process == ProcessSource(("serve",), tmp_path / "app")


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


@pytest.mark.parametrize(
    ("struct", "schema", "renamed"),
    [
        (
            Backend,
            SCHEMA,
            {"file": None, "codec": "frames", "scenarios": "scenario", "secret_settings": None, "boot_secrets": None},
        ),
        *[
            (struct, SCHEMA["properties"][name], {})
            for struct, name in [
                (ImageSource, "image"),
                (ProcessSource, "process"),
                (HealthPaths, "health"),
                (ReportMapping, "report"),
                (Phases, "phases"),
            ]
        ],
        (Carrier, SCHEMA["$defs"]["carrier"], {}),
    ],
)
def test_schema_and_data_have_the_same_keys(
    struct: type[msgspec.Struct], schema: dict[str, Any], renamed: dict[str, str | None]
) -> None:
    """Neither can gain a key without the other, and what has no default is required."""
    names = {renamed.get(field.name, field.name): field.required for field in msgspec.structs.fields(struct)}
    assert set(schema["properties"]) == names.keys() - {None}
    assert set(schema.get("required", [])) >= {name for name, required in names.items() if required and name}


STATIC = """\
name = "chat"
[image]
name = "chat:1"
[tokens]
scheme = "static-token"
token_setting = "API_TOKEN"
user = "u1"
carriers = [{ name = "header", header = "X-Api-Token: {token}" }]
[[scenario]]
name = "hello"
steps = [{ connect = "wrong", status = 401 }, { close = 1000 }]
"""


def test_a_scheme_has_keys_and_kinds_of_tokens_of_its_own(write: Write) -> None:
    """What another scheme has is a mistake there, with its line and what there is."""
    tokens = load_backend(write(STATIC)).tokens
    assert tokens == Tokens(StaticToken("API_TOKEN", "u1"), (Carrier("header", header="X-Api-Token: {token}"),))
    for wrong, right, key, expected in (
        ('user = "u1"', 'algorithm = "HS256"', "tokens.algorithm", "a known key"),
        ("token_setting", "key_setting", "tokens.token_setting", "a value"),
        ('connect = "wrong"', 'connect = "expired"', "scenario[0].steps[0].connect", "one of 'valid', 'none', 'empty'"),
        ("static-token", "static-tokn", "tokens.scheme", "one of jwt-shared-key, static-token"),
    ):
        mistakes = read_backend(write(STATIC.replace(wrong, right)))[1]
        found = next((mistake for mistake in mistakes if mistake.key == key), None)
        assert found is not None, mistakes
        assert found.line
        assert expected in found.expected


def test_a_codec_has_keys_of_its_own(write: Write) -> None:
    """Without the table frames are JSON objects; what another codec has is a mistake."""
    assert load_backend(write(STATIC)).codec == JsonObjects()
    frames = '[frames]\ncodec = "any-json"\ntype = "/header/type"\n[tokens]'
    assert load_backend(write(STATIC.replace("[tokens]", frames))).codec == AnyJson("/header/type")
    for wrong, key in (("codec = 7", "frames.codec"), ('type = "header"', "frames.type"), ("typ = 1", "frames.typ")):
        mistakes = read_backend(write(STATIC.replace("[tokens]", f"[frames]\n{wrong}\n[tokens]")))[1]
        assert [mistake.key for mistake in mistakes] == [key]


def test_the_schema_for_editors_is_made_of_the_schemes() -> None:
    """`python -m tests.editor_schemas` writes it."""
    for name, parts in editor_schemas.MADE.items():
        written = json.loads((editor_schemas.FOLDER / name).read_text(encoding="utf-8"))
        assert {part: written["$defs"][part] for part in parts} == {part: editor_schemas.made(part) for part in parts}


def test_the_schema_is_one() -> None:
    """It is valid JSON Schema."""
    Draft202012Validator.check_schema(SCHEMA)


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


def test_a_backend_that_runs_as_a_process_only_needs_no_image(write: Write) -> None:
    """One of the two it must have."""
    assert not load_backend(write('name = "bare"\n[process]\ncommand = ["serve"]\n')).image.given
    assert only_mistake(write('name = "bare"\n')).key == "image"


def test_a_header_may_be_called_what_http_allows(write: Write) -> None:
    """With an underscore, as gateways and older backends have it."""
    good = GOOD.replace("Authorization: Bearer {token}", "access_token: {token}")
    tokens = load_backend(write(good)).tokens
    assert tokens is not None
    assert tokens.carriers[0].header == "access_token: {token}"
    assert only_mistake(write(GOOD.replace("Authorization:", "two words:"))).key == "tokens.carriers[0].header"


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
