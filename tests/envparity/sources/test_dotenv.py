"""What `extends` takes from files of variables, and every mistake with its own line."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.environment import load_environment
from envparity.errors import Mistake
from envparity.sources.dotenv import SOURCE


def loaded(folder: Path, text: str, **files: str) -> tuple[dict[str, object] | None, list[Mistake]]:
    (folder / "staging.toml").write_text(f'name = "staging"\n{text}', encoding="utf-8")
    for name, content in files.items():
        (folder / f"{name}.env").write_text(content, encoding="utf-8")
    environment, mistakes = load_environment(folder / "staging.toml")
    return (None if environment is None else dict(environment.settings)), mistakes


def test_the_later_goes_before_the_earlier_and_the_file_itself_before_both(tmp_path: Path) -> None:
    """Also a secret of the file before a literal of another."""
    settings, mistakes = loaded(
        tmp_path,
        'extends = ["a.env", "b.env"]\n[settings]\nC = "own"\n',
        a="A=1\nB=1\nC=1\n",
        b="# comment\n\nexport B='two words'\nD=\"${A:-x} ${B}\"\n",
    )
    assert mistakes == []
    assert settings == {"A": "1", "B": "two words", "C": "own", "D": "x two words"}


def test_the_port_is_the_platforms(tmp_path: Path) -> None:
    """As `PORT=8080` in the files of most projects; one that is no number is a mistake."""
    (tmp_path / ".env").write_text("PORT=9000\nA=1\n", encoding="utf-8")
    (tmp_path / "local.toml").write_text('name = "local"\nextends = [".env"]\n', encoding="utf-8")
    environment, mistakes = load_environment(tmp_path / "local.toml")
    assert environment is not None, mistakes
    assert (environment.platform.port, dict(environment.settings)) == (9000, {"A": "1"})
    assert environment.places["platform.port"].endswith(".env:1")
    assert loaded(tmp_path, 'extends = ["a.env"]\n', a="PORT=http\n")[1][0].key == "PORT"


def test_nothing_comes_from_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no earlier line gives is a mistake, though the variable is set here."""
    monkeypatch.setenv("HERE", "secret")
    (mistake,) = loaded(tmp_path, 'extends = ["a.env"]\n', a="A=${HERE}\n")[1]
    assert (mistake.line, mistake.key) == (1, "A")
    assert "secret" not in str(mistake)


@pytest.mark.parametrize(
    ("content", "places"),
    [
        ("A\n\n=3\n", [(1, "A"), (3, "(line)")]),
        ("\n\nA.B=1\n", [(3, "A.B")]),
        ("X=1\nPORT=http\n", [(2, "PORT")]),
        ("A=a\0b\n", [(1, "A")]),
    ],
)
def test_every_mistake_has_its_own_line(tmp_path: Path, content: str, places: list[tuple[int, str]]) -> None:
    """Of the file that it stands in, not of the one that extends it."""
    mistakes = loaded(tmp_path, 'extends = ["a.env"]\n', a=content)[1]
    assert [(mistake.line, mistake.key) for mistake in mistakes] == places
    assert all(mistake.source.endswith("a.env") for mistake in mistakes)


@pytest.mark.parametrize(
    "entry", ['"nowhere.env"', '"a.yaml"', '"a.env#part"', "7", '""', '"."'], ids=lambda entry: entry.strip('"')
)
def test_what_cannot_be_extended_is_a_mistake(tmp_path: Path, entry: str) -> None:
    """One, and not an exception."""
    settings, mistakes = loaded(tmp_path, f"extends = [{entry}]\n", a="A=1\n")
    assert settings is None
    assert len(mistakes) == 1


def test_names_of_files() -> None:
    """As teams have them."""
    read = [name for name in (".env", ".env.staging", "staging.env", "env", "a.toml") if SOURCE.reads(Path(name))]
    assert read == [".env", ".env.staging", "staging.env"]
