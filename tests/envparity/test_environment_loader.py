"""Environment files: what a good one says, and everything that can be wrong with one."""

from __future__ import annotations

import datetime as dt
import json
import os
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
from envparity.config.environment import load_environment, load_environments
from envparity.errors import ConfigurationError, Mistake
from envparity.model.composed import is_composed
from envparity.model.environment import Dependency, Difference, Environment, FromSource, Ingress, Platform, SecretOf

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a loaded machine is no failure

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
SCHEMA = json.loads((Path(envparity.__file__).parent / "schemas" / "environment.schema.json").read_text())

GOOD = """\
name = "staging"
description = "as production"
dependencies_first = false

[settings]
TEXT = "text"
NUMBER = 30
FLOAT = 2.5
FLAG = true
OFF = false
EMPTY = ""
JWT_SECRET = { secret = 48 }
DATABASE_URL = { from = "postgres.url" }
TRUSTED_PROXIES = { from = "ingress.network" }

[platform]
cpus = 1
memory_mib = 512
user = 10001
read_only_root = true
replicas = 2

[ingress]
kind = "nginx"
tls = true
host = "api.staging.netra.example"

[dependencies.postgres]
kind = "postgres"
tls = "verify-full"
latency_ms = 4
max_connections = 20

[[differences]]
path = "report.environment"
reason = "a label"
expires = 2031-12-31
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes an environment file below the working directory, and returns its relative path."""
    monkeypatch.chdir(tmp_path)

    def file(text: str, name: str = "staging") -> Path:
        path = Path(f"{name}.toml")
        path.write_text(text)
        return path

    return file


def only_mistake(path: Path) -> Mistake:
    """The one mistake of that file."""
    environment, mistakes = load_environment(path)
    assert environment is None
    (mistake,) = mistakes
    return mistake


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
        differences=(Difference("report.environment", "a label", dt.date(2031, 12, 31)),),
    )


def test_a_name_is_all_that_a_file_needs(write: Write) -> None:
    """Everything else has a default."""
    environment, mistakes = load_environment(write('name = "bare"', "bare"))
    assert (environment, mistakes) == (Environment("bare"), [])


# What is replaced in the good file, by what, and the mistake: line, key, and words of the message.
WRONG: dict[str, tuple[str, str, int, str, str]] = {
    "unknown key": ("cpus = 1", "cpu = 1", 17, "platform.cpu", "expected a known key, .*did you mean cpus"),
    "unknown key, near nothing": ("cpus = 1", "zzz = 1", 17, "platform.zzz", "known here: cpus, memory_mib"),
    "unknown table": ("[ingress]", "[x]\n[ingress]", 23, "x", "a known key"),
    "wrong type": ("memory_mib = 512", 'memory_mib = "512"', 18, "platform.memory_mib", 'a whole number, got "512"'),
    "boolean for a number": ("user = 10001", "user = true", 19, "platform.user", "a whole number, got true"),
    "negative": ("latency_ms = 4", "latency_ms = -4", 31, "dependencies.postgres.latency_ms", "at least 0"),
    "port 0": ("cpus = 1", "port = 0", 17, "platform.port", "at least 1"),
    "port too high": ("cpus = 1", "port = 65536", 17, "platform.port", "at most 65535"),
    "no cores": ("cpus = 1", "cpus = 0", 17, "platform.cpus", "more than 0"),
    "relative folder": ("cpus = 1", 'writable = ["tmp"]', 17, r"platform.writable\[0\]", "an absolute path"),
    "folder twice": ("cpus = 1", 'writable = ["/a", "/a"]', 17, "platform.writable", "each of them once"),
    "unknown kind": (
        'kind = "postgres"',
        'kind = "postgre"',
        29,
        "dependencies.postgres.kind",
        "one of postgres, redis.*did you mean postgres",
    ),
    "no kind": ('kind = "postgres"\n', "", 28, "dependencies.postgres.kind", "a value, got no such key"),
    "unknown TLS mode": ('"verify-full"', '"verify"', 30, "dependencies.postgres.tls", "off, require, verify-full"),
    "reserved dependency": (
        "[dependencies.postgres]",
        '[dependencies.platform]\nkind = "redis"\n[dependencies.postgres]',
        28,
        "dependencies.platform",
        "not ingress or platform",
    ),
    "missing dependency": (
        '"postgres.url"',
        '"redis.url"',
        13,
        "settings.DATABASE_URL.from",
        r"DATABASE_URL takes redis.url, but there is no \[dependencies.redis\]",
    ),
    "misspelt dependency": (
        '"postgres.url"',
        '"postgre.url"',
        13,
        "settings.DATABASE_URL.from",
        "did you mean postgres",
    ),
    "unknown source": (
        '"postgres.url"',
        '"postgres.uri"',
        13,
        "settings.DATABASE_URL.from",
        "postgres.url, postgres.host, .*did you mean url",
    ),
    "unknown ingress source": (
        '"ingress.network"',
        '"ingress.url"',
        14,
        "settings.TRUSTED_PROXIES.from",
        "one of ingress.network, ingress.origin, ingress.host, ingress.prefix",
    ),
    "unknown platform source": (
        '"ingress.network"',
        '"platform.cpus"',
        14,
        "settings.TRUSTED_PROXIES.from",
        "one of platform.port",
    ),
    "no source": ('"postgres.url"', '"postgres"', 13, "settings.DATABASE_URL.from", "DEPENDENCY.url, .host"),
    "short secret": ("secret = 48", "secret = 31", 12, "settings.JWT_SECRET.secret", "at least 32, got 31"),
    "secret and source": (
        "secret = 48",
        'secret = 48, from = "postgres.url"',
        12,
        "settings.JWT_SECRET",
        "at most 1 key",
    ),
    "empty setting": ("{ secret = 48 }", "{}", 12, "settings.JWT_SECRET", "at least 1 key"),
    "unknown key of a setting": (
        "{ secret = 48 }",
        "{ secrt = 48 }",
        12,
        "settings.JWT_SECRET.secrt",
        "did you mean secret",
    ),
    "list as a setting": ("NUMBER = 30", "NUMBER = [30]", 7, "settings.NUMBER", "got an array"),
    "date as infinite setting": ("NUMBER = 30", "NUMBER = inf", 7, "settings.NUMBER", "a finite number"),
    "zero byte": ('TEXT = "text"', 'TEXT = "te\\u0000xt"', 6, "settings.TEXT", "a zero byte"),
    "bad setting name": ("NUMBER = 30", '"NUM BER" = 30', 7, 'settings."NUM BER"', "letters, digits and underscores"),
    "newline in a setting name": (
        "NUMBER = 30",
        '"NUMBER\\n" = 30',
        7,
        r'settings."NUMBER\\n"',
        "letters, digits and underscores",
    ),
    "port twice": ("NUMBER = 30", "PORT = 30", 7, "settings.PORT", r"the port from \[platform\] alone"),
    "no ingress network": (
        'replicas = 2\n\n[ingress]\nkind = "nginx"\ntls = true',
        "[ingress]",
        14,
        "settings.TRUSTED_PROXIES.from",
        "an ingress, whose network is meant",
    ),
    "blank reason": ('"a label"', '" "', 36, r"differences\[0\].reason", "why the difference is meant"),
    "no reason": ('reason = "a label"\n', "", 34, r"differences\[0\].reason", "a value, got no such key"),
    "blank in a path": (
        '"report.environment"',
        '"report environment"',
        35,
        r"differences\[0\].path",
        "a glob over the paths",
    ),
    "bad date": ("2031-12-31", '"2031-02-30"', 37, r"differences\[0\].expires", "a date such as 2031-12-31"),
    "date and time": ("2031-12-31", "2031-12-31T00:00:00", 37, r"differences\[0\].expires", "a date such as"),
    "same path twice": (
        "[[differences]]",
        '[[differences]]\npath = "report.environment"\nreason = "x"\n[[differences]]',
        38,
        r"differences\[1\].path",
        r"which differences\[0\] has too",
    ),
    "host with a scheme": ('"api.staging.netra.example"', '"https://x"', 26, "ingress.host", "host name"),
    "another name than the file's": (
        'name = "staging"',
        'name = "stage"',
        1,
        "name",
        "staging, as the file is called.*rename the file to stage.toml",
    ),
    "no name": ('name = "staging"', "", 0, "name", "no such key"),
    "bad syntax": ("cpus = 1", "cpus = ", 17, r"\(file\)", "valid TOML 1.0, got Invalid value"),
}


@pytest.mark.parametrize(("old", "new", "line", "key", "words"), WRONG.values(), ids=WRONG)
def test_every_mistake_has_its_place_and_its_words(
    write: Write, old: str, new: str, line: int, key: str, words: str
) -> None:
    """One thing wrong gives one mistake: file, line, key, what was expected, what stands there, what to do."""
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    mistake = only_mistake(write(text))
    place = f"staging.toml:{line}" if line else "staging.toml"
    assert re.match(f"{place}: {key}: .*(?:{words})", str(mistake)), str(mistake)


def test_the_password_of_a_server_that_asks_for_none_is_a_mistake(write: Write) -> None:
    """A setting cannot be taken from what is not there."""
    text = GOOD.replace("postgres.url", "postgres.password").replace("latency_ms = 4", "password = false")
    assert only_mistake(write(text)).got == "none: it has password = false"


def test_replicas_and_tls_need_an_ingress(write: Write) -> None:
    """Without an ingress nothing spreads connections and nothing speaks TLS to clients."""
    text = 'name = "staging"\n[platform]\nreplicas = 2\n[ingress]\ntls = true\n'
    _, mistakes = load_environment(write(text))
    assert [(mistake.line, mistake.key) for mistake in mistakes] == [(3, "platform.replicas"), (5, "ingress.tls")]


def test_all_mistakes_come_in_one_message(write: Write) -> None:
    """An unknown key, a wrong type and a missing dependency: three lines, in the order of the file."""
    text = GOOD.replace("cpus", "cpu").replace("512", '"512"').replace("postgres.url", "redis.url")
    with pytest.raises(ConfigurationError) as caught:
        load_environments([write(text)])
    head, *lines = str(caught.value).splitlines()
    assert head == "3 mistakes in the configuration; nothing was started"
    assert [line.partition(": expected")[0].strip() for line in lines] == [
        "staging.toml:13: settings.DATABASE_URL.from",
        "staging.toml:17: platform.cpu",
        "staging.toml:18: platform.memory_mib",
    ]
    assert "DATABASE_URL takes redis.url, but there is no [dependencies.redis]" in lines[0]


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
        (Difference, SCHEMA["$defs"]["difference"]),
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
    assert [environment.dependencies["redis"].password for environment in found.values()] == [False, True, True]
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


KNOWN = sorted({key for table in [SCHEMA, *SCHEMA["$defs"].values()] for key in table.get("properties", {})})
TEXT = st.text(max_size=8, alphabet=st.characters(exclude_categories=["Cs"]))
WORDS = st.sampled_from([*KNOWN, "postgres", "redis", "nginx", "postgres.url", "ingress.network", "JWT_SECRET"]) | TEXT
LEAVES = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | WORDS | st.dates()
NESTED = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=15
)


@QUIET
@given(data=st.dictionaries(WORDS, NESTED, max_size=8))
def test_nothing_that_toml_can_hold_crashes_the_loader(
    data: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An environment, or mistakes, never both and never an exception; known keys in any shape."""
    path = tmp_path_factory.getbasetemp() / f"any-{os.getpid()}.toml"
    path.write_bytes(tomli_w.dumps(data).encode())
    environment, mistakes = load_environment(path)
    assert (environment is None) == bool(mistakes)
    assert all(str(mistake) for mistake in mistakes)


GOOD_SETTINGS = st.dictionaries(
    st.from_regex(r"[A-Z_][A-Z0-9_]{0,9}", fullmatch=True).filter(lambda name: name != "PORT"),
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9, alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
)


@QUIET
@given(given_settings=GOOD_SETTINGS)
def test_every_literal_reaches_the_environment_as_text(
    given_settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Text as it is (of a template with doubled braces), booleans in lower case, numbers as they read back."""
    path = tmp_path_factory.getbasetemp() / f"good-{os.getpid()}.toml"
    written = {
        name: value.replace("{", "{{").replace("}", "}}") if isinstance(value, str) and is_composed(value) else value
        for name, value in given_settings.items()
    }
    path.write_bytes(tomli_w.dumps({"name": path.stem, "settings": written}).encode())
    environment, mistakes = load_environment(path)
    assert not mistakes
    assert environment is not None
    for name, value in given_settings.items():
        text = environment.settings[name]
        assert isinstance(text, str)
        if isinstance(value, bool):
            assert text == str(value).lower()
        else:
            assert type(value)(text) == value


CONTRADICTORY = {
    "a prefix to strip": ("strip_prefix = true", "strip_prefix"),
    "X-Forwarded-For to append to": ('forwarded = ["proto"]\nforwarded_for = "append"', "forwarded_for"),
    "dropped and needed": ('drop_headers = ["host"]', "drop_headers"),
    "dropped and set": ('drop_headers = ["x-real-ip"]', "drop_headers"),
    "upper case": ('drop_headers = ["Authorization"]', "drop_headers[0]"),
    "a slash at the end": ('prefix = "/chat/"', "prefix"),
    "no age": ("max_lifetime_s = 0", "max_lifetime_s"),
    "no such header": ('forwarded = ["ip"]', "forwarded[0]"),
}


@pytest.mark.parametrize(("keys", "key"), CONTRADICTORY.values(), ids=CONTRADICTORY)
def test_keys_of_an_ingress_that_do_nothing_or_contradict_one_another_are_mistakes(
    write: Write, keys: str, key: str
) -> None:
    """Each at its own line."""
    line = 3 + keys.count("\n")
    mistake = only_mistake(write(f'name = "staging"\n[ingress]\n{keys}\nkind = "nginx"\n'))
    assert (mistake.key, mistake.line) == (f"ingress.{key}", line)
    assert mistake.action or mistake.expected


def test_what_an_ingress_does_needs_one(write: Write) -> None:
    """Every such key without it is told; one that says what is so anyway is none."""
    keys = {
        "affinity": '"cookie"',
        "max_lifetime_s": "30",
        "prefix": '"/chat"',
        "strip_prefix": "true",
        "forwarded": "[]",
        "forwarded_for": '"append"',
        "drop_headers": '["cookie"]',
        "host_header": '"upstream"',
        "upgrade": "false",
    }
    said = "".join(f"{key} = {value}\n" for key, value in keys.items())
    _, mistakes = load_environment(write(f'name = "staging"\n[ingress]\n{said}'))
    assert [(mistake.line, mistake.key) for mistake in mistakes] == [
        (line, f"ingress.{key}") for line, key in enumerate(keys, start=3)
    ]
    said = 'affinity = "none"\nforwarded = ["for", "proto", "host", "port", "real-ip"]\nupgrade = true\n'
    assert load_environment(write(f'name = "staging"\n[ingress]\n{said}'))[1] == []
