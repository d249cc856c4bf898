"""The time zone of an environment: what is taken is one in effect, whatever the image and the runtime."""

from __future__ import annotations

import pytest

from envparity.config.environment import load_environment
from tests.envparity.config.environment.good_files import Write


def told(write: Write, text: str) -> list[tuple[str, str]]:
    """Each mistake by its key, with all that is said of it."""
    return [(wrong.key, str(wrong)) for wrong in load_environment(write(f'name = "x"\n{text}', "x"))[1]]


@pytest.mark.parametrize("name", ["Asia/Kathmandu", "UTC", "America/Argentina/Buenos_Aires"])
def test_a_zone_is_named_by_its_name(write: Write, name: str) -> None:
    """As the database of time zones has it."""
    environment, mistakes = load_environment(write(f'name = "x"\n[platform]\ntimezone = "{name}"', "x"))
    assert mistakes == []
    assert environment is not None
    assert environment.platform.timezone == name


def test_left_out_it_is_none(write: Write) -> None:
    """Then nothing is given."""
    environment, _ = load_environment(write('name = "x"', "x"))
    assert environment is not None
    assert environment.platform.timezone is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Asia/Katmandoo", "Asia/Kat"),
        ("NPT-5:45", "name of a place"),
        ("<+0545>-5:45", "name of a place"),
        ("../x", ""),
    ],
)
def test_what_is_no_zone_would_be_utc_in_silence(write: Write, name: str, words: str) -> None:
    """A name of nothing, and a string of POSIX, which runtimes with zones of their own do not take."""
    [(key, text)] = told(write, f'[platform]\ntimezone = "{name}"')
    assert key == "platform.timezone"
    assert words in text
    assert '"Asia/Kathmandu"' in text


def test_a_machine_without_zones_says_what_to_install(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """And takes UTC all the same."""
    monkeypatch.setattr("envparity.config.environment_checks.known_zones", lambda: frozenset({"UTC"}))
    [(_, text)] = told(write, '[platform]\ntimezone = "Asia/Kathmandu"')
    assert "tzdata" in text
    assert told(write, '[platform]\ntimezone = "UTC"') == []


def test_the_zone_is_said_once(write: Write) -> None:
    """A setting beside it would be overridden in silence, wherever it stands."""
    zone = '[platform]\ntimezone = "UTC"'
    [(key, _)] = told(write, f'{zone}\n[settings]\nTZ = "Asia/Kathmandu"')
    assert key == "settings.TZ"
    assert told(write, '[settings]\nTZ = "Asia/Kathmandu"') == []


def test_a_file_that_is_extended_does_not_say_it_either(write: Write) -> None:
    """What a `.env` says is a setting too."""
    file = write('name = "x"\nextends = [".env"]\n[platform]\ntimezone = "UTC"', "x")
    (file.parent / ".env").write_text("TZ=Asia/Kathmandu\n", encoding="utf-8")
    assert [wrong.key for wrong in load_environment(file)[1]] == ["settings.TZ"]
