"""Values that TOML can hold in an environment file, and keys that contradict one another."""

from __future__ import annotations

import os
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envparity.config.environment import load_environment
from envparity.model.composed import is_composed
from tests.envparity.config.environment.good_files import SCHEMA, Write, only_mistake

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a loaded machine is no failure
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
