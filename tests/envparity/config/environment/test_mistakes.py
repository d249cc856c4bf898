"""Everything that can be wrong with an environment file."""

from __future__ import annotations

import re

import pytest

from envparity.config.environment import load_environment, load_environments
from envparity.errors import ConfigurationError
from tests.envparity.config.environment.good_files import GOOD, Write, only_mistake

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
