"""Settings that are composed of others: how they are taken apart, filled, checked, hidden, and told apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec
import pytest

from envparity.config.backend import read_backend
from envparity.config.environment import load_environment
from envparity.config.project import load_project, with_secrets_known
from envparity.errors import LaunchError
from envparity.isolate import differences, mix
from envparity.launch.resolve import ResolvedSetting, RunSecrets, fingerprints, resolve_settings
from envparity.launch.warm.isolation import _shared
from envparity.model.backend import Backend, ImageSource
from envparity.model.case import Boot
from envparity.model.composed import Composed, Placeholder, Stray, circle, is_composed, pieces, unescaped
from envparity.model.environment import RESERVED, Dependency, Environment, FromSource, SecretOf, Setting
from envparity.model.reach import known_settings
from envparity.support.redaction import Redaction

URL = "redis://:{redis.password}@{redis.host}:{redis.port}/{redis.database}"
SOURCES = {"redis.password": "p/w", "redis.host": "cache", "redis.port": "6379", "redis.database": "0"}
BACKEND = Backend("chat", Path("backend.toml"), ImageSource(name="chat"), settings={"LEVEL": "info"})


def resolved(
    settings: dict[str, Setting], boot: Boot | None = None, sources: dict[str, str] = SOURCES
) -> dict[str, ResolvedSetting]:
    """What a process gets in an environment with these settings."""
    environment = Environment("staging", settings=settings)
    found = resolve_settings(BACKEND, environment, boot or Boot(), sources, RunSecrets())
    return {setting.name: setting for setting in found}


def test_a_text_is_taken_apart() -> None:
    """Placeholders, doubled braces, and what is neither."""
    assert list(pieces("a{redis.host}{{{setting:B|urlencode}}}")) == [
        "a",
        Placeholder(source="redis.host"),
        "{",
        Placeholder(setting="B", encoded=True),
        "}",
    ]
    assert [piece for piece in pieces("{x}{ redis.host}{setting:}{") if isinstance(piece, Stray)] == [
        Stray("{x}"),
        Stray("{ redis.host}"),
        Stray("{setting:}"),
        Stray("{"),
    ]


@pytest.mark.parametrize("text", ['{"a": {"b": 1}}', "{}", "a{2,3}", "{{}}", "{a: 1}", "100%", ""])
def test_a_text_that_looks_like_no_template_stands_for_itself(text: str) -> None:
    """JSON is such a text, with however many braces."""
    assert not is_composed(text)
    assert unescaped(text) == text


def test_what_looks_like_a_placeholder_is_written_with_doubled_braces() -> None:
    """Then it is a plain text."""
    assert unescaped("{{user}} of {{{{b}}}}") == "{user} of {{b}}"


def test_values_are_filled_whatever_the_sequence() -> None:
    """Of sources, of other settings, of the backend's own, of the port; percent-encoded where that is asked for."""
    found = resolved(
        {
            "A": Composed("{setting:URL}?level={setting:LEVEL}&port={setting:PORT}&on={setting:B|urlencode}"),
            "B": "x/y",
            "URL": Composed(URL.replace("password", "password|urlencode")),
        }
    )
    assert found["A"].value == "redis://:p%2Fw@cache:6379/0?level=info&port=8000&on=x%2Fy"


def test_a_boot_changes_what_is_composed_of_what_it_sets() -> None:
    """And a composed setting that a boot sets itself has that value."""
    settings: dict[str, Setting] = {"A": Composed("{setting:LEVEL}!"), "B": Composed("{setting:A}?")}
    assert resolved(settings, Boot(settings=(("LEVEL", "debug"),)))["B"].value == "debug!?"
    assert resolved(settings, Boot(settings=(("A", "own"),)))["B"].value == "own?"


def test_a_source_that_is_not_there_is_named() -> None:
    """As one that a setting takes alone."""
    with pytest.raises(LaunchError, match=r"staging: A takes 'mysql\.host'"):
        resolved({"A": Composed("{mysql.host}:1")})


def test_a_value_with_a_secret_in_it_is_one() -> None:
    """However far away the secret is; what is recorded of it is how it is composed, and of a secret text less."""
    found = resolved(
        {
            "KEY": SecretOf(32),
            "BEARER": Composed("Bearer {setting:KEY}"),
            "AGAIN": Composed("<{setting:BEARER}>"),
            "URL": Composed(URL),
            "OWN": Composed("http://app:hunter22@{redis.host}/"),
            "PLACE": Composed("{redis.host}:{redis.port}"),
        }
    )
    assert {name for name, setting in found.items() if setting.secret} == {"KEY", "BEARER", "AGAIN", "URL", "OWN"}
    shown = {fingerprint.name: fingerprint for fingerprint in fingerprints(tuple(found.values()), RunSecrets())}
    assert (shown["URL"].source, shown["URL"].value) == (URL, None)
    assert (shown["PLACE"].source, shown["PLACE"].value) == ("{redis.host}:{redis.port}", "cache:6379")
    assert "hunter22" not in str(shown)


def test_what_is_composed_of_a_secret_is_one_in_every_environment() -> None:
    """A literal of that name too; but not where it is a URL, in which the password alone is one."""
    environments = [
        Environment("a", settings={"KEY": SecretOf(32), "AUTH": Composed("Bearer {setting:KEY}"), "X": Composed(URL)}),
        Environment("b", settings={"AUTH": "Bearer of-nothing", "X": "redis://cache/0"}),
    ]
    backend = with_secrets_known(BACKEND, environments)
    assert backend.secret_settings == {"KEY", "AUTH"}


def test_a_password_with_reserved_characters_breaks_what_does_not_encode_it() -> None:
    """And no piece of it that a client makes of it is shown, whichever piece that is."""
    secrets = RunSecrets()
    password = secrets.reserved("staging", "dependency redis", 24)
    assert secrets.reserved("staging", "dependency redis", 24) == password
    good = urlsplit(f"redis://:{quote(password, safe='')}@cache:6379/0")
    assert (good.hostname, good.port) == ("cache", 6379)
    assert urlsplit(f"redis://:{password}@cache:6379/0").hostname != "cache"
    assert set("@/:%#+?") <= set(password)
    assert all(piece[:1].isalpha() for piece in re.split("[@/:#+?]", password) if piece)  # never an address or a port
    redaction = Redaction(secrets.named("staging"))
    for mark in "@/:#+?":
        for piece in password.split(mark):
            said = redaction.text(f"cannot resolve {piece.replace('%41', 'A')}, sorry")
            assert not any(len(run) >= 7 for run in _hexadecimal_runs(said)), said


def _hexadecimal_runs(text: str) -> list[str]:
    return "".join(character if character in "0123456789abcdef" else " " for character in text).split()


def test_a_composed_setting_is_one_trait() -> None:
    """In its file's words; with what it cannot be without, and nothing else."""
    redis = {"redis": Dependency("redis")}
    reserved = {"redis": Dependency("redis", password=RESERVED)}
    encoded = URL.replace("password", "password|urlencode")
    passing = Environment("a", settings={"URL": Composed(encoded)}, dependencies=redis)
    failing = Environment(
        "b", settings={"URL": Composed(URL), "A": Composed("{setting:B}"), "B": "1"}, dependencies=reserved
    )
    traits = differences(passing, failing)
    assert [str(trait) for trait in traits] == [
        f"URL={URL}",
        "A={setting:B} with B=1",
        "redis.password=reserved-characters",
    ]
    assert mix(passing, failing, traits).settings == failing.settings
    none = msgspec.structs.replace(failing, dependencies={"redis": Dependency("redis", password=False)})
    assert next(str(trait) for trait in differences(none, passing)) == f"URL={encoded} with redis.password=true"


def test_a_composed_secret_is_named_and_not_shown() -> None:
    """A password that somebody wrote into the text."""
    own = Composed("http://app:hunter22@{redis.host}/")
    (trait,) = differences(Environment("a"), Environment("b", settings={"OWN": own}))
    assert str(trait) == "OWN"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"URL": Composed(URL)}, ""),
        ({"URL": FromSource("redis.url"), "HOST": FromSource("redis.host")}, ""),
        ({"DB": FromSource("redis.database"), "HOST": FromSource("redis.host")}, ""),
        ({"URL": Composed("redis://{redis.host}:{redis.port}/0")}, "URL names redis and not {redis.database}"),
        ({"HOST": FromSource("redis.host")}, "no setting takes redis.url"),
    ],
)
def test_boots_are_kept_apart_only_where_each_is_told_its_place(settings: dict[str, Setting], problem: str) -> None:
    """Else they are booted cold, and this is why."""
    assert _shared(settings, "redis", {"redis.url", "redis.database"}) == problem


def test_what_is_composed_of_literals_is_known_without_a_launcher() -> None:
    """For an environment that is only looked at."""
    composed: dict[str, Setting] = {"A": Composed("{setting:B}/a"), "B": Composed("{setting:LEVEL}/b")}
    environment = Environment("a", settings={**composed, "C": Composed("{redis.host}"), "D": Composed("{setting:C}")})
    assert known_settings(BACKEND, environment) == {"LEVEL": "info", "A": "info/b/a", "B": "info/b"}


GOOD = """name = "staging"
[settings]
A = "{setting:B}"
B = "b"
PLAIN = "{{b}}"
URL = "VALUE"
[dependencies.redis]
kind = "redis"
password = "reserved-characters"
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Writes `staging.toml` with that value of URL, and returns its relative path."""
    monkeypatch.chdir(tmp_path)

    def file(value: str) -> Path:
        Path("staging.toml").write_text(GOOD.replace("VALUE", value))
        return Path("staging.toml")

    return file


def test_a_file_composes_settings(write: Callable[[str], Path]) -> None:
    """What has only doubled braces is a literal."""
    environment, mistakes = load_environment(write(URL), given=())
    assert environment is not None, mistakes
    composed = {"A": Composed("{setting:B}"), "B": "b", "PLAIN": "{b}", "URL": Composed(URL)}
    assert environment.settings == composed
    assert environment.dependencies["redis"].password == RESERVED


@pytest.mark.parametrize(
    ("value", "got", "action"),
    [
        ("{redis.hots}", '"redis.hots" (a string)', "did you mean host"),
        ("{redis.user}", '"redis.user" (a string)', ""),
        ("{rediss.host}", "URL takes rediss.host, but there is no [dependencies.rediss]", "did you mean redis"),
        ("{ingress.network}", "no ingress", "add [ingress]"),
        ("{setting:BB}", "{setting:BB}, which is not given here", "did you mean B"),
        ("{setting:URL}", "URL from URL", "write one of them out"),
        ("{user}", "{user}", "write {{ and }}"),
        ("{redis.host|quote}", "{redis.host|quote}", "write {{ and }}"),
        ("{redis.host}{", "{", "write {{ and }}"),
    ],
)
def test_a_placeholder_that_nothing_fills_is_a_mistake_with_its_line(
    write: Callable[[str], Path], value: str, got: str, action: str
) -> None:
    """And with advice; braces that are none as well."""
    environment, (mistake,) = load_environment(write(value), given=("LEVEL",))
    assert environment is None
    assert (mistake.line, mistake.key.removesuffix(".from"), mistake.got) == (6, "settings.URL", got)
    assert action in mistake.action


def test_every_setting_of_a_circle_is_named(write: Callable[[str], Path]) -> None:
    """With the way around."""
    path = write("{setting:A}")
    path.write_text(path.read_text().replace('B = "b"', 'B = "{setting:URL}"'))
    _, mistakes = load_environment(path)
    assert [(mistake.key, mistake.got) for mistake in mistakes] == [
        ("settings.A", "A from B from URL from A"),
        ("settings.B", "B from URL from A from B"),
        ("settings.URL", "URL from A from B from URL"),
    ]
    assert circle("A", {"A": Composed("{setting:B}"), "B": Composed("{setting:B}")}) == ()


def test_settings_of_the_backends_file_can_be_taken(write: Callable[[str], Path]) -> None:
    """They are known where both are read."""
    Path("backend.toml").write_text(
        'name = "chat"\n[process]\ncommand = ["true"]\n[settings]\nLEVEL = "info"\nTEXT = "{{x}}"\n'
    )
    project = load_project(Path("backend.toml"), write("{setting:LEVEL}"))
    assert project.environments["staging"].settings["URL"] == Composed("{setting:LEVEL}")
    assert project.backend.settings["TEXT"] == "{x}"


def test_nothing_is_composed_where_every_environment_has_the_same(tmp_path: Path) -> None:
    """In the backend's settings and in those of a boot a placeholder is a mistake."""
    path = tmp_path / "backend.toml"
    path.write_text(
        'name = "chat"\n[process]\ncommand = ["true"]\n[settings]\nA = "{setting:B}"\n'
        '[[scenario]]\nname = "one"\nboot = { settings = { C = "{redis.host}", D = "{{d}}" } }\n'
        'steps = [{ connect = "none" }, { close = 1000 }]\n'
    )
    _, mistakes = read_backend(path)
    found = {(mistake.line, mistake.key, mistake.got) for mistake in mistakes}
    assert found == {(5, "settings.A", "{setting:B}"), (8, "scenario[0].boot.settings.C", "{redis.host}")}
