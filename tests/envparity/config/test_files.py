"""Files of an environment: read from templates, filled with settings, and told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.environment import load_environment
from envparity.isolate import differences, mix
from envparity.model.environment import Environment
from envparity.model.file_template import FileTemplate, settings_in

TEXT = '{"{setting:NAME}": {"{x}": "${A}", "{redis.host}": "{setting:NAME}"}}\n'
GOOD = """name = "a"
[settings]
NAME = "n"
[files."/etc/app.json"]
template = "app.json"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an environment and its template lie."""
    monkeypatch.chdir(tmp_path)
    Path("app.json").write_text(TEXT)
    return tmp_path


def test_only_settings_are_filled() -> None:
    """Whatever else stands in braces there is the file's own; nothing shows its text."""
    file = FileTemplate("app.json", TEXT)
    assert file.filled({"NAME": "{setting:B}"}) == TEXT.replace("{setting:NAME}", "{setting:B}")
    assert settings_in(TEXT) == ("NAME",)
    assert repr(file) == "FileTemplate('app.json')"


def test_an_environment_has_files(folder: Path) -> None:
    """With the text that their templates have."""
    (folder / "a.toml").write_text(GOOD)
    environment, mistakes = load_environment(Path("a.toml"), given=())
    assert environment is not None, mistakes
    assert environment.files == {"/etc/app.json": FileTemplate("app.json", TEXT)}


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        (GOOD.replace('"app.json"', '"other.json"'), 5, 'files."/etc/app.json".template'),
        (GOOD.replace("NAME", "NAMES"), 5, 'files."/etc/app.json".template'),
        (GOOD.replace("/etc/app.json", "etc/app.json"), 4, 'files."etc/app.json"'),
        (GOOD.replace("/etc/app.json", "/etc/../app.json"), 4, 'files."/etc/../app.json"'),
        (GOOD.replace("/etc/app.json", "/etc/envparity/tls/ca.crt"), 4, 'files."/etc/envparity/tls/ca.crt"'),
        (GOOD.replace("/etc/app.json", "/etc/"), 4, 'files."/etc/"'),
    ],
)
def test_what_is_wrong_with_a_file_is_a_mistake(folder: Path, text: str, line: int, key: str) -> None:
    """A template that is not there, a setting that nobody gives, a path that can be none."""
    (folder / "a.toml").write_text(text)
    _, (mistake,) = load_environment(Path("a.toml"), given=())
    assert (mistake.line, mistake.key) == (line, key)


def test_a_file_is_a_trait() -> None:
    """By its path and its template; with a setting that only one of them has."""
    first, other = FileTemplate("a.conf", "1"), FileTemplate("b.conf", "{setting:B}")
    passing = Environment("a", files={"/etc/x": first, "/etc/gone": first})
    failing = Environment("b", files={"/etc/x": other}, settings={"B": "1"})
    traits = differences(passing, failing)
    assert [str(trait) for trait in traits] == ["B=1 with file /etc/x from b.conf", "no file /etc/gone"]
    assert mix(passing, failing, traits).files == failing.files
