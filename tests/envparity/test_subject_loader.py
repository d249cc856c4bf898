"""A backend and its environments, read together."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from envparity.errors import ConfigurationError
from envparity.subject_loader import load_subject

BACKEND = """\
name = "chat"
[image]
name = "chat:1"
[tokens]
key_setting = "JWT_SECRET"
issuer_setting = "JWT_ISSUER"
audience_setting = "JWT_AUDIENCE"
carriers = [{ name = "header", header = "Authorization: Bearer {token}" }]
[tokens.revocation]
dependency = "redis"
command = ["SET", "revoked:{jti}", "1"]
[[scenario]]
name = "too_big"
title = "a frame that is too big is refused"
steps = [
  { connect = "valid" },
  { send_size = "{setting:MAX_BYTES}+1", frame = { text = "" }, pad_field = "text" },
  { expect_close = [1009] },
]
"""

ENVIRONMENT = """\
name = "%s"
[settings]
JWT_SECRET = { secret = 48 }
JWT_ISSUER = "issuer"
JWT_AUDIENCE = "audience"
MAX_BYTES = 8192
[dependencies.redis]
kind = "redis"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backend and two environments that fit, in the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("environments").mkdir()
    Path("backend.toml").write_text(BACKEND)
    for name in ("local", "staging"):
        Path(f"environments/{name}.toml").write_text(ENVIRONMENT % name)
    return tmp_path


def rewrite(path: str, old: str, new: str) -> None:
    """Replace something in a file."""
    text = Path(path).read_text()
    assert old in text
    Path(path).write_text(text.replace(old, new))


def test_what_fits_together_is_a_subject(folder: Path) -> None:
    """The backend, its environments in the order asked for, and today's date."""
    before = dt.datetime.now(dt.UTC).date()
    subject = load_subject(Path("backend.toml"), Path("environments"), ["staging", "local"])
    assert subject.backend.name == "chat"
    assert list(subject.environments) == ["staging", "local"]
    assert before <= dt.date.fromisoformat(subject.today) <= dt.datetime.now(dt.UTC).date()


def test_files_can_be_given_one_by_one(folder: Path) -> None:
    """Instead of a folder, several files."""
    files = [folder / "environments" / "local.toml", folder / "environments" / "staging.toml"]
    assert list(load_subject(folder / "backend.toml", files).environments) == ["local", "staging"]


def test_the_mistakes_of_all_files_come_at_once(folder: Path) -> None:
    """Backend and environments in one message."""
    rewrite("backend.toml", "[image]", "[imag]")
    rewrite("environments/staging.toml", "MAX_BYTES = 8192", "MAX_BYTES = []")
    with pytest.raises(ConfigurationError) as caught:
        load_subject(Path("backend.toml"), Path("environments"))
    assert [(one.source, one.key) for one in caught.value.mistakes] == [
        ("backend.toml", "image"),
        ("backend.toml", "imag"),
        ("environments/staging.toml", "settings.MAX_BYTES"),
    ]


def test_a_setting_that_tokens_need_must_be_in_every_environment(folder: Path) -> None:
    """The environment that lacks it is named, and the setting that was meant."""
    rewrite("environments/staging.toml", "JWT_ISSUER", "JWT_ISSUR")
    with pytest.raises(ConfigurationError) as caught:
        load_subject(Path("backend.toml"), Path("environments"))
    (mistake,) = caught.value.mistakes
    assert (mistake.key, mistake.got) == ("tokens.issuer_setting", "no JWT_ISSUER in staging")
    assert mistake.action == "did you mean JWT_ISSUR?"


def test_a_setting_that_a_scenario_needs_must_be_in_every_environment(folder: Path) -> None:
    """A placeholder without a value is found before anything is started."""
    rewrite("environments/local.toml", "MAX_BYTES = 8192\n", "")
    with pytest.raises(ConfigurationError, match=r"scenario too_big: .*no MAX_BYTES in local"):
        load_subject(Path("backend.toml"), Path("environments"))


def test_what_the_backend_s_own_file_sets_counts(folder: Path) -> None:
    """A setting that is the same everywhere need not stand in every environment."""
    rewrite("environments/local.toml", "MAX_BYTES = 8192\n", "")
    rewrite("backend.toml", "[image]", "[settings]\nMAX_BYTES = 1\n[image]")
    assert load_subject(Path("backend.toml"), Path("environments")).backend.settings == {"MAX_BYTES": "1"}


def test_revocation_needs_a_redis_everywhere(folder: Path) -> None:
    """A dependency of that name that is no Redis will not do."""
    rewrite("environments/staging.toml", 'kind = "redis"', 'kind = "postgres"')
    with pytest.raises(ConfigurationError, match="no Redis called redis in staging"):
        load_subject(Path("backend.toml"), Path("environments"))


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ("BEAT_S = 'often'", "BEAT_S = 'often' in staging"),
        ("BEAT_S = 0", "BEAT_S = '0' in staging"),
        ("BEAT_S = { secret = 48 }", "BEAT_S = what is made for each run in staging"),
        ("", "no BEAT_S in staging"),
    ],
)
def test_an_idle_setting_is_a_number_of_seconds_everywhere(folder: Path, value: str, got: str) -> None:
    """Otherwise no boot could make it shorter."""
    rewrite("backend.toml", "[image]", 'idle_settings = ["BEAT_S"]\n[image]')
    rewrite("environments/local.toml", "MAX_BYTES", "BEAT_S = 2.5\nMAX_BYTES")
    rewrite("environments/staging.toml", "MAX_BYTES", f"{value}\nMAX_BYTES")
    with pytest.raises(ConfigurationError) as caught:
        load_subject(Path("backend.toml"), Path("environments"))
    assert [(one.key, one.got) for one in caught.value.mistakes] == [("idle_settings[0]", got)]
