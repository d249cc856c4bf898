"""A backend and its environments, read together."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from envparity.config.project import load_project
from envparity.errors import ConfigurationError

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


def test_what_fits_together_is_a_project(folder: Path) -> None:
    """The backend, its environments in the order asked for, and today's date."""
    before = dt.datetime.now(dt.UTC).date()
    project = load_project(Path("backend.toml"), Path("environments"), ["staging", "local"])
    assert project.backend.name == "chat"
    assert list(project.environments) == ["staging", "local"]
    assert before <= dt.date.fromisoformat(project.today) <= dt.datetime.now(dt.UTC).date()


def test_files_can_be_given_one_by_one(folder: Path) -> None:
    """Instead of a folder, several files."""
    files = [folder / "environments" / "local.toml", folder / "environments" / "staging.toml"]
    assert list(load_project(folder / "backend.toml", files).environments) == ["local", "staging"]


def test_the_mistakes_of_all_files_come_at_once(folder: Path) -> None:
    """Backend and environments in one message."""
    rewrite("backend.toml", "[image]", "[imag]")
    rewrite("environments/staging.toml", "MAX_BYTES = 8192", "MAX_BYTES = []")
    with pytest.raises(ConfigurationError) as caught:
        load_project(Path("backend.toml"), Path("environments"))
    assert [(mistake.source, mistake.key) for mistake in caught.value.mistakes] == [
        ("backend.toml", "image"),
        ("backend.toml", "imag"),
        ("environments/staging.toml", "settings.MAX_BYTES"),
    ]


def test_a_dependency_takes_commands_in_every_environment(folder: Path) -> None:
    """One of another kind, or none of that name, is a mistake of the step."""
    steps = '[[scenario]]\nname = "c"\nsteps = [{ command = { %s = ["PING"] } }]\n[[scenario]]'
    for name, wrong in (("redis", 0), ("postgres", 2), ("rediss", 2)):
        before = Path("backend.toml").read_text()
        rewrite("backend.toml", "[[scenario]]", steps % name)
        if wrong:
            with pytest.raises(ConfigurationError) as caught:
                load_project(Path("backend.toml"), Path("environments"))
            keys = {mistake.key for mistake in caught.value.mistakes}
            assert (keys, len(caught.value.mistakes)) == ({"scenario c: steps[0].command"}, wrong)
        else:
            load_project(Path("backend.toml"), Path("environments"))
        Path("backend.toml").write_text(before)


def test_a_setting_that_tokens_need_must_be_in_every_environment(folder: Path) -> None:
    """The environment that lacks it is named, and the setting that was meant."""
    rewrite("environments/staging.toml", "JWT_ISSUER", "JWT_ISSUR")
    with pytest.raises(ConfigurationError) as caught:
        load_project(Path("backend.toml"), Path("environments"))
    (mistake,) = caught.value.mistakes
    assert (mistake.key, mistake.got) == ("tokens.issuer_setting", "no JWT_ISSUER in staging")
    assert mistake.action == "did you mean JWT_ISSUR?"


def test_a_setting_that_a_scenario_needs_must_be_in_every_environment(folder: Path) -> None:
    """A placeholder without a value is found before anything is started."""
    rewrite("environments/local.toml", "MAX_BYTES = 8192\n", "")
    with pytest.raises(ConfigurationError, match=r"scenario too_big: .*no MAX_BYTES in local"):
        load_project(Path("backend.toml"), Path("environments"))


def test_what_the_backend_s_own_file_sets_counts(folder: Path) -> None:
    """A setting that is the same everywhere need not stand in every environment."""
    rewrite("environments/local.toml", "MAX_BYTES = 8192\n", "")
    rewrite("backend.toml", "[image]", "[settings]\nMAX_BYTES = 1\n[image]")
    assert load_project(Path("backend.toml"), Path("environments")).backend.settings == {"MAX_BYTES": "1"}


def test_revocation_needs_a_dependency_that_takes_that_command_everywhere(folder: Path) -> None:
    """One of that name that takes no commands will not do, nor one that takes others."""
    rewrite("environments/staging.toml", 'kind = "redis"', 'kind = "image"\nimage = "redis:7"\nport = 6379')
    with pytest.raises(ConfigurationError, match="that takes commands, got redis, a image, in staging"):
        load_project(Path("backend.toml"), Path("environments"))
    rewrite("environments/staging.toml", 'kind = "image"\nimage = "redis:7"\nport = 6379', 'kind = "memcached"')
    with pytest.raises(ConfigurationError) as caught:
        load_project(Path("backend.toml"), Path("environments"))
    assert [mistake.key for mistake in caught.value.mistakes] == ["tokens.revocation.command"]


def test_a_public_key_is_there_where_the_scheme_makes_one(folder: Path) -> None:
    """Nobody else's settings can take it."""
    rewrite("environments/staging.toml", '"audience"', '"audience"\nPUBLIC = { from = "tokens.public_key" }')
    with pytest.raises(ConfigurationError) as caught:
        load_project(Path("backend.toml"), Path("environments"))
    (mistake,) = caught.value.mistakes
    assert (mistake.key, mistake.action) == ("tokens.scheme", 'set scheme = "jwt-key-pair"')
    rewrite("backend.toml", 'key_setting = "JWT_SECRET"', 'scheme = "jwt-key-pair"')
    assert load_project(Path("backend.toml"), Path("environments"))
    rewrite("environments/staging.toml", "tokens.public_key", "tokens.private_key")
    with pytest.raises(ConfigurationError, match=r"one of tokens.public_key, tokens.public_jwk, tokens.jwks"):
        load_project(Path("backend.toml"), Path("environments"))


def test_an_identity_provider_is_one_in_every_environment(folder: Path) -> None:
    """Where tokens are of its keys, and where they are rotated; its issuer need be no setting."""
    rewrite("backend.toml", 'key_setting = "JWT_SECRET"\nissuer_setting = "JWT_ISSUER"',
            'scheme = "jwt-key-pair"\nprovider = "idp"')  # fmt: skip
    rewrite("backend.toml", "[[scenario]]", '[[scenario]]\nname = "r"\ndisruptive = true\n'
            'steps = [{ rotate = "idp" }]\n[[scenario]]')  # fmt: skip
    for name, kind in (("local", "identity-provider"), ("staging", "redis")):
        rewrite(f"environments/{name}.toml", "[dependencies.redis]", f'[dependencies.idp]\nkind = "{kind}"\n'
                "[dependencies.redis]")  # fmt: skip
    with pytest.raises(ConfigurationError) as caught:
        load_project(Path("backend.toml"), Path("environments"))
    assert {(mistake.key, mistake.got) for mistake in caught.value.mistakes} == {
        ("scenario r: rotate", "idp, a redis, in staging"),
        ("tokens.provider", "idp, a redis, in staging"),
    }
    rewrite("environments/staging.toml", 'idp]\nkind = "redis"', 'idp]\nkind = "identity-provider"')
    assert load_project(Path("backend.toml"), Path("environments"))


def test_what_is_kept_is_kept_in_a_dependency_that_says_what_it_holds(folder: Path) -> None:
    """In every environment; what an image holds nobody knows."""
    rewrite("backend.toml", "[image]", '[keeps]\nredis = ["user:*"]\ncache = []\n[image]')
    for name, kind in (("local", 'image"\nimage = "redis:7"\nport = 6379\n#"'), ("staging", 'memcached"')):
        rewrite(f"environments/{name}.toml", "[dependencies.redis]", f'[dependencies.cache]\nkind = "{kind}\n'
                "[dependencies.redis]")  # fmt: skip
    with pytest.raises(ConfigurationError) as caught:
        load_project(Path("backend.toml"), Path("environments"))
    assert [(mistake.key, mistake.got) for mistake in caught.value.mistakes] == [
        ("keeps.cache", "cache, a image, in local")
    ]
    rewrite("backend.toml", "cache = []", 'bus = ["x"]')
    with pytest.raises(ConfigurationError) as caught:
        load_project(Path("backend.toml"), Path("environments"))
    assert {mistake.key for mistake in caught.value.mistakes} == {"keeps.bus"}
    rewrite("backend.toml", 'bus = ["x"]\n', "")
    assert load_project(Path("backend.toml"), Path("environments")).backend.keeps == {"redis": ("user:*",)}


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ("BEAT_S = 'often'", "BEAT_S = 'often' in staging"),
        ("BEAT_S = 0", "BEAT_S = '0' in staging"),
        ("BEAT_S = { secret = 48 }", "BEAT_S = a secret in staging"),
    ],
)
def test_an_idle_setting_is_a_number_of_seconds_everywhere(folder: Path, value: str, got: str) -> None:
    """Otherwise no boot could make it shorter."""
    rewrite("backend.toml", "[image]", 'idle_settings = ["BEAT_S"]\n[image]')
    rewrite("environments/local.toml", "MAX_BYTES", "BEAT_S = 2.5\nMAX_BYTES")
    rewrite("environments/staging.toml", "MAX_BYTES", f"{value}\nMAX_BYTES")
    with pytest.raises(ConfigurationError) as caught:
        load_project(Path("backend.toml"), Path("environments"))
    assert [(mistake.key, mistake.got) for mistake in caught.value.mistakes] == [("idle_settings[0]", got)]


def test_an_idle_setting_may_be_one_environments_alone(folder: Path) -> None:
    """But somebody must set it."""
    rewrite("backend.toml", "[image]", 'idle_settings = ["BEAT_S"]\n[image]')
    with pytest.raises(ConfigurationError) as caught:
        load_project(Path("backend.toml"), Path("environments"))
    assert [(mistake.key, mistake.got) for mistake in caught.value.mistakes] == [
        ("idle_settings[0]", "BEAT_S, which none has")
    ]
    rewrite("environments/staging.toml", "MAX_BYTES", "BEAT_S = 2\nMAX_BYTES")
    assert load_project(Path("backend.toml"), Path("environments")).backend.idle_settings == ("BEAT_S",)


def test_a_boot_that_hastens_needs_a_place_in_each_configuration_of_nginx(folder: Path) -> None:
    """Otherwise its idle time would stay as long as it is, in silence."""
    rewrite("backend.toml", "steps = [", "boot = { hasten = 5 }\nsteps = [")
    own = "server { listen {listen}; location / { proxy_pass http://{upstream}; } }\n"
    Path("environments/own.conf").write_text(own)
    text = Path("environments/staging.toml").read_text()
    Path("environments/staging.toml").write_text(f'{text}[ingress]\nkind = "nginx"\nconfig = "own.conf"\n')
    with pytest.raises(ConfigurationError) as caught:
        load_project(Path("backend.toml"), Path("environments"))
    assert [(mistake.key, mistake.got) for mistake in caught.value.mistakes] == [
        ("scenario too_big: boot.hasten", "none in own.conf of staging")
    ]
    rewrite("environments/own.conf", "location", "proxy_read_timeout {idle_timeout_s}s; location")
    assert load_project(Path("backend.toml"), Path("environments"))
