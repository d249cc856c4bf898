"""The settings: read once, all mistakes at once, by name and never by value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from netra_backend.app.settings import SettingsReading, read_settings, setting_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Read = Callable[..., SettingsReading]

GOOD = {
    "ENVIRONMENT": "test",
    "DATABASE_URL": "postgresql://user:password@db.example:5432/name",
    "REDIS_URL": "redis://cache.example:6379/0",
    "JWT_SECRET": "x" * 32,
    "JWT_ISSUER": "issuer",
    "JWT_AUDIENCE": "audience",
}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read an environment that is good but for what is changed; None takes a variable out."""

    def read_one(**changed: str | None) -> SettingsReading:
        for name in setting_names():
            monkeypatch.delenv(name, raising=False)
        for name, value in {**GOOD, **changed}.items():
            if value is not None:
                monkeypatch.setenv(name, value)
        return read_settings()

    return read_one


def public_key(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    """The PEM of a key's public half."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_good_settings_are_read_with_their_defaults(read: Read) -> None:
    """Nothing is wrong; what was not given has its default, and says so."""
    reading = read(ALLOWED_ORIGINS="https://a.example, https://b.example", PORT="9000")
    assert reading.problems == ()
    assert reading.settings is not None
    assert reading.settings.port == 9000
    assert reading.settings.allowed_origins == ("https://a.example", "https://b.example")
    assert reading.settings.websocket_connections_per_user == 3
    shown = {held["name"]: held for held in reading.fingerprints()}
    assert shown["PORT"] == {"name": "PORT", "source": "environment", "secret": False, "value": 9000}
    assert shown["RELEASE"]["source"] == "default"
    assert shown["JWT_SECRET"] == {"name": "JWT_SECRET", "source": "environment", "secret": True, "value": None}


def test_every_mistake_is_reported_at_once(read: Read) -> None:
    """Five mistakes, five names."""
    reading = read(ENVIRONMENT=None, PORT="x", LOG_FORMAT="xml", JWT_SECRET="short", STARTUP_STEP_TIMEOUT_S="-1")
    assert reading.settings is None
    assert {problem.name for problem in reading.problems} == {
        "ENVIRONMENT",
        "PORT",
        "LOG_FORMAT",
        "JWT_SECRET",
        "STARTUP_STEP_TIMEOUT_S",
    }
    assert reading.listening is None


def test_where_to_listen_is_known_when_the_rest_is_unusable(read: Read) -> None:
    """So that the report can be served."""
    reading = read(ENVIRONMENT=None, PORT="9000")
    assert reading.listening is not None
    assert reading.listening.port == 9000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", None),
        ("ENVIRONMENT", ""),
        ("JWT_SECRET", "x" * 31),
        ("JWT_SECRET", "x" * 40 + "\r\n"),
        ("JWT_SECRET", " " + "x" * 40),
        ("JWT_SECRET", None),
        ("DATABASE_URL", GOOD["DATABASE_URL"] + "\n"),
        ("DATABASE_URL", "mysql://user:hidden@db.example/name"),
        ("DATABASE_URL", "postgresql://db.example/name"),
        ("DATABASE_URL", "postgresql://user:hidden@db.example:port/name"),
        ("DATABASE_URL", GOOD["DATABASE_URL"] + "?sslmode=prefer"),
        ("DATABASE_URL", GOOD["DATABASE_URL"] + "?sslmode=require&sslrootcert=/nowhere.pem"),
        ("DATABASE_URL", GOOD["DATABASE_URL"] + "?connect_timeout=1"),
        ("REDIS_URL", "http://cache.example"),
        ("REDIS_URL", "redis://cache.example/zero"),
        ("REDIS_URL", "redis://cache.example?ssl_ca_certs=/x.pem"),
        ("REDIS_URL", "rediss://cache.example?ssl_ca_certs=/nowhere.pem"),
        ("REDIS_URL", "rediss://cache.example?ssl_cert_reqs=none"),
        ("ALLOWED_ORIGINS", "https://a.example/"),
        ("ALLOWED_ORIGINS", "*"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "ingress"),
        ("WEBSOCKET_MAX_MESSAGE_BYTES", "12"),
        ("SHUTDOWN_GRACE_S", "0"),
        ("JWT_PUBLIC_KEY", "not a key"),
    ],
)
def test_a_mistake_is_named_and_its_value_is_not_shown(read: Read, name: str, value: str | None) -> None:
    """One mistake; the name is there, the value is not."""
    reading = read(**{name: value})
    assert reading.settings is None
    assert name in {problem.name for problem in reading.problems}
    told = " ".join(str(problem) for problem in reading.problems)
    assert "hidden" not in told
    if value and len(value) > 1:  # a single character stands in any sentence
        assert value not in told


def test_exactly_one_key_must_be_given(read: Read) -> None:
    """A secret and a public key together are a mistake, like none of them."""
    key = public_key(ec.generate_private_key(ec.SECP256R1()))
    assert read(JWT_PUBLIC_KEY=key).settings is None
    assert read(JWT_SECRET=None).settings is None
    assert read(JWT_PUBLIC_KEY=key, JWT_SECRET=None).settings is not None


def test_the_algorithm_follows_from_the_key(read: Read) -> None:
    """HS256 with a secret, RS256 with an RSA key, ES256 with a P-256 key; weak and other keys are refused."""

    def algorithm(key: str | None) -> str | None:
        settings = read(JWT_SECRET=None if key else GOOD["JWT_SECRET"], JWT_PUBLIC_KEY=key).settings
        return settings.jwt_algorithm if settings else None

    assert algorithm(None) == "HS256"
    assert algorithm(public_key(rsa.generate_private_key(65537, 2048))) == "RS256"
    assert algorithm(public_key(ec.generate_private_key(ec.SECP256R1()))) == "ES256"
    assert algorithm(public_key(rsa.generate_private_key(65537, 1024))) is None  # noqa: S505  # that is the test
    assert algorithm(public_key(ec.generate_private_key(ec.SECP384R1()))) is None


def test_a_certificate_file_must_hold_a_certificate(read: Read, tmp_path: Path) -> None:
    """A file that is there but holds none is a mistake of the setting that names it."""
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    reading = read(DATABASE_URL=f"{GOOD['DATABASE_URL']}?sslmode=verify-full&sslrootcert={empty}")
    assert [problem.name for problem in reading.problems] == ["DATABASE_URL"]
