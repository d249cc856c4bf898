"""Backend files: what a good one says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from envparity.auth.jwt_shared_key import Revocation, SharedKeyJwt
from envparity.auth.static_token import StaticToken
from envparity.config.backend import load_backend, read_backend
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
from tests.envparity.config.backend.good_files import GOOD, PROCESS, SCHEMA, Write, only_mistake


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


def test_how_it_is_run_without_an_image(write: Write, tmp_path: Path) -> None:
    """Its folder is relative to the file, and the file's own where it is left out; without the table there is none."""
    assert load_backend(write(GOOD)).process is None
    expected = ProcessSource(("python3", "-m", "chat"), tmp_path, ("chat/**",), {"PYTHONUNBUFFERED": "1"})
    assert load_backend(write(GOOD + PROCESS)).process == expected
    bare = '\n[process]\ncommand = ["serve"]\n'
    assert load_backend(write(GOOD + bare)).process == ProcessSource(("serve",), tmp_path / "app")


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
