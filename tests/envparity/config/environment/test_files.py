"""Environment files: what a good one says, and a folder of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from envparity.config.environment import load_environment, load_environments
from envparity.errors import ConfigurationError
from envparity.model.environment import (
    RESERVED,
    DeclaredDifference,
    Dependency,
    Environment,
    FromSource,
    Ingress,
    Platform,
    SecretOf,
)
from tests.envparity.config.environment.good_files import GOOD, SCHEMA, Write

ENVIRONMENTS = Path(__file__).parents[4] / "environments"


def test_a_good_file_becomes_an_environment(write: Write) -> None:
    """Literals become the strings of a process environment; what is not said has its default."""
    environment, mistakes = load_environment(write(GOOD))
    assert not mistakes
    assert environment == Environment(
        name="staging",
        description="as production",
        settings={
            "TEXT": "text",
            "NUMBER": "30",
            "FLOAT": "2.5",
            "FLAG": "true",
            "OFF": "false",
            "EMPTY": "",
            "JWT_SECRET": SecretOf(48),
            "DATABASE_URL": FromSource("postgres.url"),
            "TRUSTED_PROXIES": FromSource("ingress.network"),
        },
        platform=Platform(cpus=1.0, memory_mib=512, user=10001, read_only_root=True, replicas=2),
        ingress=Ingress(kind="nginx", tls=True, host="api.staging.netra.example"),
        dependencies={"postgres": Dependency("postgres", tls="verify-full", latency_ms=4.0, max_connections=20)},
        dependencies_first=False,
        differences=(DeclaredDifference("report.environment", "a label", dt.date(2031, 12, 31)),),
    )


def test_a_name_is_all_that_a_file_needs(write: Write) -> None:
    """Everything else has a default."""
    environment, mistakes = load_environment(write('name = "bare"', "bare"))
    assert (environment, mistakes) == (Environment("bare"), [])


def test_a_value_below_settings_is_never_quoted(write: Write) -> None:
    """What is wrong there may be a secret."""
    text = GOOD.replace("{ secret = 48 }", '{ secret = "hunter2" }').replace("NUMBER = 30", 'NUMBER = ["hunter2"]')
    _, mistakes = load_environment(write(text))
    assert [mistake.got for mistake in mistakes] == ["an array", "a string"]


def test_a_folder_gives_the_baseline_first_and_the_others_by_name(write: Write) -> None:
    """Without names asked for the order is the files' own."""
    for name in ("a", "b", "c"):
        write(f'name = "{name}"\nbaseline = {str(name == "b").lower()}\n', name)
    assert list(load_environments([Path()])) == ["b", "a", "c"]


def test_names_choose_the_environments_and_their_order(write: Write) -> None:
    """Only what is asked for is read; a broken file that nobody asked for disturbs nobody."""
    for name in ("a", "b", "c"):
        write(f'name = "{name}"\nbaseline = true\n', name)
    write("broken", "d")
    assert list(load_environments([Path()], ["c", "a", "c"])) == ["c", "a"]


def test_an_unknown_environment_is_answered_with_the_nearest(write: Write) -> None:
    """And with all there are, together with the mistakes of the files that were read."""
    write(GOOD.replace("cpus", "cpu"))
    write('name = "local"', "local")
    with pytest.raises(ConfigurationError) as caught:
        load_environments([Path()], ["stagin", "staging"])
    assert [str(mistake) for mistake in caught.value.mistakes] == [
        '.: environment asked for: expected one of local, staging, got "stagin" (a string) (did you mean staging?)',
        "staging.toml:17: platform.cpu: expected a known key, got an unknown one (did you mean cpus?)",
    ]


def test_mistakes_of_all_files_come_at_once(write: Write) -> None:
    """Files, folders without any, and two baselines."""
    write('name = "x"\nbaseline = true\nreplicas = 1', "x")
    write('name = "y"\nbaseline = true', "y")
    write('name = "z"\nbaseline = true', "z")
    Path("empty").mkdir()
    with pytest.raises(ConfigurationError) as caught:
        load_environments([Path(), Path("empty"), Path("none.toml"), Path("x.toml")])
    assert [(mistake.source, mistake.key) for mistake in caught.value.mistakes] == [
        ("empty", "(folder)"),
        ("none.toml", "(file)"),
        ("x.toml", "replicas"),
        ("y.toml", "baseline"),
        ("z.toml", "baseline"),
    ]


def test_two_files_of_one_name_clash(write: Write) -> None:
    """An environment has one file."""
    write('name = "x"', "x")
    Path("more").mkdir()
    Path("more/x.toml").write_text('name = "x"')
    with pytest.raises(ConfigurationError, match="x, which another file has too"):
        load_environments([Path(), Path("more")])


@pytest.mark.parametrize(
    ("struct", "schema"),
    [
        (Environment, SCHEMA),
        (Platform, SCHEMA["$defs"]["platform"]),
        (Ingress, SCHEMA["$defs"]["ingress"]),
        (DeclaredDifference, SCHEMA["$defs"]["difference"]),
    ],
)
def test_schema_and_data_have_the_same_keys(struct: type[msgspec.Struct], schema: dict[str, Any]) -> None:
    """Neither can gain a key without the other, and what has no default is required."""
    fields = msgspec.structs.fields(struct)
    of_files_alone = {"preset", "http2"} if struct is Ingress else set()
    of_extended_files = {"notes", "places"} if struct is Environment else set()
    assert set(schema["properties"]) | of_extended_files == {field.encode_name for field in fields} | of_files_alone
    assert set(schema.get("required", [])) == {field.encode_name for field in fields if field.required}


def test_the_schema_is_one() -> None:
    """It is valid JSON Schema, and every key says what it is for."""
    Draft202012Validator.check_schema(SCHEMA)
    tables = [SCHEMA, *SCHEMA["$defs"].values()]
    for table in tables:
        for key, value in table.get("properties", {}).items():
            assert "description" in value or "$ref" in value, key


def test_the_project_s_own_environments_are_good() -> None:
    """The three of the reference backend: same settings everywhere, the table of differences as documented."""
    found = load_environments([ENVIRONMENTS], ["local", "staging", "production"])
    local, staging, production = found.values()
    assert local.baseline
    assert local.settings.keys() == staging.settings.keys() == production.settings.keys()
    names = (
        "HEARTBEAT_INTERVAL_S",
        "IDLE_TIMEOUT_S",
        "MESSAGES_PER_MINUTE",
        "MAX_MESSAGE_BYTES",
        "CONNECTIONS_PER_USER",
    )
    assert [[environment.settings[f"WEBSOCKET_{name}"] for name in names] for environment in found.values()] == [
        ["45", "300", "300", "8192", "3"],
        ["30", "600", "100", "8192", "3"],
        ["25", "900", "30", "8192", "3"],
    ]
    assert [environment.settings["LOG_FORMAT"] for environment in found.values()] == ["console", "json", "json"]
    assert [
        (environment.platform.cpus, environment.platform.memory_mib, environment.platform.replicas)
        for environment in found.values()
    ] == [
        (None, None, 1),
        (1.0, 512, 1),
        (2.0, 1024, 2),
    ]
    assert [environment.dependencies["postgres"].tls for environment in found.values()] == [
        "off",
        "require",
        "verify-full",
    ]
    assert [environment.dependencies["redis"].password for environment in found.values()] == [False, RESERVED, RESERVED]
    assert [(environment.ingress.kind, environment.ingress.tls) for environment in found.values()] == [
        ("none", False),
        *[("nginx", True)] * 2,
    ]
    assert [environment.dependencies_first for environment in found.values()] == [True, False, False]
    for environment in (staging, production):
        assert environment.dependencies["postgres"].max_connections is not None
        assert (
            int(str(environment.settings["DATABASE_POOL_SIZE"])) * environment.platform.replicas
            < environment.dependencies["postgres"].max_connections
        )
        assert float(str(environment.settings["WEBSOCKET_HEARTBEAT_INTERVAL_S"])) < environment.ingress.idle_timeout_s
        assert float(str(environment.settings["SHUTDOWN_GRACE_S"])) < environment.platform.stop_grace_s
