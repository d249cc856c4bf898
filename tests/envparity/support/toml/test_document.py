"""TOML documents: the line of every key, and mistakes in words."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envparity.support.toml.document import did_you_mean, dotted, in_words, read_document
from envparity.support.toml.lines import KeyPath, key_lines
from envparity.support.toml.schema import schema_mistakes

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a loaded machine is no failure

DOCUMENT = '''\
# a comment with [brackets] and = signs
top = 1
"quoted.key" = "a = b # no comment"   # a comment
multi = """
[not.a.table]
fake = 1
"""
literal = \'\'\'
also = "not a key" \'\'\'
array = [
  1,
  # between
  { inner = "x", deeper.still = [2, 3] },
  "]",
]

[table.below]
key = { a = 1, b = { c = 2 } }
dotted . key = 2025-01-01T00:00:00Z

[[list]]
name = "first"
  [[list.items]]
  n = 1

[[list]]
name = "second"
[list.table]
x = 1
[[list.items]]
n = 2
[[list.items]]
n = 3
'''

LINES: dict[KeyPath, int] = {
    ("top",): 2,
    ("quoted.key",): 3,
    ("multi",): 4,
    ("literal",): 8,
    ("array",): 10,
    ("array", 0): 11,
    ("array", 1): 13,
    ("array", 1, "inner"): 13,
    ("array", 1, "deeper", "still", 1): 13,
    ("array", 2): 14,
    ("table",): 17,
    ("table", "below", "key", "b", "c"): 18,
    ("table", "below", "dotted", "key"): 19,
    ("list",): 21,
    ("list", 0, "name"): 22,
    ("list", 0, "items", 0, "n"): 24,
    ("list", 1): 26,
    ("list", 1, "table", "x"): 29,
    ("list", 1, "items", 0, "n"): 31,
    ("list", 1, "items", 1): 32,
    ("list", 1, "items", 1, "n"): 33,
}


def paths(value: Any, key: KeyPath = ()) -> list[KeyPath]:
    """Every key path of parsed TOML."""
    under = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return ([key] if key else []) + [path for name, value in under for path in paths(value, (*key, name))]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_key_has_its_line(newline: str) -> None:
    """Tables and arrays of them, inline tables, arrays over lines, quoted and dotted keys, strings like keys."""
    lines = key_lines(DOCUMENT.replace("\n", newline))
    assert {path: lines.get(path) for path in LINES} == LINES
    assert set(paths(tomllib.loads(DOCUMENT))) == set(lines)


KEYS = st.text(max_size=5, alphabet=st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=20, alphabet=st.characters(exclude_categories=["Cs"]))
    | st.dates()
    | st.datetimes()
    | st.times()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=10
)
DICTS = st.dictionaries(KEYS, VALUES, max_size=4)


@QUIET
@given(data=DICTS, multiline=st.booleans())
def test_no_valid_document_confuses_the_scanner(data: dict[str, Any], multiline: bool) -> None:
    """Every key of any document has a line within it, in the order in which keys were written."""
    text = tomli_w.dumps(data, multiline_strings=multiline)
    lines = key_lines(text)
    assert set(paths(tomllib.loads(text))) == set(lines)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


def test_a_missing_file_is_a_mistake_that_names_its_neighbour(tmp_path: Path) -> None:
    """A typing error in the name of a file is answered with the file that was meant."""
    (tmp_path / "staging.toml").touch()
    document, (mistake,) = read_document(tmp_path / "stagin.toml")
    assert document is None
    assert str(mistake).endswith("(file): expected a TOML file, got no such file (did you mean staging.toml?)")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    """What can be opened by no program is said in the system's words."""
    document, (mistake,) = read_document(tmp_path)
    assert document is None
    assert mistake.got == "Is a directory"


@pytest.mark.parametrize(
    ("content", "line", "got"),
    [
        (b"a = 1\nb = \n", 2, "Invalid value"),
        (b"a = 1\na = 2\n", 2, "Cannot overwrite a value"),
        (b"a = 1\nb = [1,\n", 2, "Invalid value"),
        (b'a = "x', 1, "Unterminated string"),
        (b"a = 1\nb = \xff\n", 2, "byte 0xff"),
        (b"a = 2026-02-30", 1, "Invalid date or datetime"),
        (b"a = " + b"1" * 5000, 0, "Exceeds the limit (4300 digits) for integer string conversion"),
        (b"a = " + b"[" * 5000, 0, "one nested too deeply"),
    ],
)
def test_broken_syntax_is_a_mistake_with_its_line(tmp_path: Path, content: bytes, line: int, got: str) -> None:
    """What no TOML parser reads has a place and a reason."""
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    document, (mistake,) = read_document(path)
    assert document is None
    assert (mistake.line, mistake.key) == (line, "(file)")
    assert mistake.got.startswith(got)


def test_a_path_below_the_working_directory_is_shown_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absolute path is shortened; any other stands as the user gave it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for path, shown in [
        (tmp_path / "folder" / "x.toml", "folder/x.toml"),
        (Path("folder/x.toml"), "folder/x.toml"),
        (Path("/nowhere/x.toml"), "/nowhere/x.toml"),
    ]:
        assert read_document(path)[1][0].source == shown


def test_a_key_that_is_missing_has_the_line_of_its_table(tmp_path: Path) -> None:
    """A line is found for a key that is not there: the nearest table around it."""
    path = tmp_path / "x.toml"
    path.write_text(DOCUMENT)
    document, mistakes = read_document(path)
    assert document is not None
    assert not mistakes
    assert document.line(("list", 1, "items", 1, "missing")) == 32
    assert document.line(("nowhere",)) == 0
    assert document.line_of("list[1].items[1].missing.deeper[3]") == 32
    assert document.line_of('"quoted.key"') == 3
    assert document.line_of("nowhere[0].at") == 0
    assert document.line_of("") == 0


@pytest.mark.parametrize(
    ("number", "expected"),
    [("nan", "a finite number"), ("-inf", "a finite number"), ("9223372036854775808", "an integer of 64 bits")],
)
def test_numbers_that_are_none_are_mistakes(tmp_path: Path, number: str, expected: str) -> None:
    """No schema keyword refuses them, and no process environment can use them."""
    path = tmp_path / "x.toml"
    path.write_text(f"[platform]\ncpus = [1, {number}]\n")
    _, (mistake,) = read_document(path)
    assert (mistake.line, mistake.key, mistake.expected) == (2, "platform.cpus[1]", expected)


def test_keys_are_written_as_in_toml() -> None:
    """Indices in brackets, quotes only where TOML needs them."""
    assert dotted(("differences", 1, "path")) == "differences[1].path"
    assert dotted(("settings", "a b", "from")) == 'settings."a b".from'
    assert dotted(('"',)) == '"\\""'


def test_the_nearest_word_is_offered_only_when_it_is_near() -> None:
    """A wild guess helps nobody."""
    assert did_you_mean("cpu", ["cpus", "user"]) == "did you mean cpus?"
    assert not did_you_mean("zzz", ["cpus", "user"])


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        pytest.param("auth", ("audit", "tokens", "health"), "tokens", id="what others call it"),
        pytest.param("auth", ("audit", "health"), "", id="three letters of four are no slip"),
        pytest.param("timeout", ("timeout_s", "output"), "timeout_s", id="a piece of the name"),
        pytest.param("idle_timeout_seconds", ("idle_timeout_s", "timeout"), "idle_timeout_s", id="a longer name"),
        pytest.param("stagign", ("staging", "string"), "staging", id="two letters the wrong way round"),
        pytest.param("Origin", ("origin", "region"), "origin", id="case"),
        pytest.param("replica", ("replicas", "replay"), "replicas", id="one too few"),
        pytest.param("services", ("service", "dependencies"), "service", id="a slip before another's name"),
        pytest.param("user", ("uses", "tls"), "uses", id="one wrong"),
        pytest.param("path", ("bath_room", "hosts"), "", id="half of it is wrong"),
        pytest.param("app.startup", ("app", "app.settings"), "", id="another one of the same package"),
        pytest.param("", ("a", "b"), "", id="no word"),
    ],
)
def test_what_is_offered_is_what_was_meant(word: str, known: tuple[str, ...], meant: str) -> None:
    """A slip of the keys, a piece of a name, or what others call the same; else nothing."""
    assert did_you_mean(word, known) == (f"did you mean {meant}?" if meant else "")


def test_values_are_described_in_one_short_line() -> None:
    """Type and value; a long one is cut, and what may be a secret shows its type alone."""
    assert in_words("x" * 100) == '"' + "x" * 56 + "... (a string)"
    assert in_words(3) == "3 (an integer)"
    assert in_words(True) == "true (a boolean)"
    assert in_words({}) == "a table"
    assert in_words("hunter2", secretive=True) == "a string"
    assert in_words(10**5000) == "an integer beyond 64 bits"


@QUIET
@given(data=DICTS)
def test_no_document_crashes_the_schema(data: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Anything that TOML can hold is judged, by both schemas, without an exception."""
    path = tmp_path_factory.getbasetemp() / f"any-{os.getpid()}.toml"
    path.write_bytes(tomli_w.dumps(data).encode())
    document, _ = read_document(path)
    assert document is not None
    for schema in ("environment.schema.json", "backend.schema.json"):
        assert schema_mistakes(document, schema)  # no such document happens to be an environment
