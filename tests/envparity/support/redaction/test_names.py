"""Which settings hold a secret, by their names and by what is in their values."""

from __future__ import annotations

import re

import pytest

from envparity.support.redaction import is_secret, is_secret_name

SECRET = re.findall(
    r"\S+",
    """
    JWT_SECRET DB_PASS DB_PASSWORD DBPASSWORD dbPassword MYSQL_PWD REDIS_PWD PASSPHRASE SSH_PRIVATE_KEY_PASSPHRASE
    SIGNING_KEY SIGNING_KEYS SIGNINGKEY API_KEY APIKEY apiKey KEY KEYS KEY_2 PRIVATE_KEY RSA_PRIVATE JWT_KEY_PEM
    ENCRYPTION_KEY_BASE64 SECRET_KEY_BASE TOKEN TOKEN_V2 OAUTH2_TOKEN GITHUB_TOKEN authToken GH_ACCESSTOKEN
    CLIENT_SECRET_V2 VAULT_SECRET_ID CREDENTIALS GOOGLE_CREDENTIALS_JSON SENTRY_DSN PASSWORD_HASH HASH_SALT
    """,
)
NO_SECRET = re.findall(
    r"\S+",
    """
    PUBLIC_KEY JWT_PUBLIC_KEYS STRIPE_PUBLISHABLE_KEY SORT_KEY PRIMARY_KEY PARTITION_KEY KEYBOARD KEYSPACE KEY_PREFIX
    MONKEY HOTKEYS AWS_ACCESS_KEY_ID TOKENIZER TOKEN_TTL TOKEN_ISSUER TOKEN_LEEWAY_S MAX_TOKENS_PER_MINUTE PWD OLDPWD
    BYPASS PASS_THROUGH COMPASS PASSPORT PASSWORD_MIN_LENGTH SECRET_NAME SECRETARY PRIVATE_NETWORK PORT HOST
    """,
)


@pytest.mark.parametrize("name", SECRET)
def test_a_name_that_is_a_secrets(name: str) -> None:
    """Whatever words, letters and numbers stand around the one that says so."""
    assert is_secret_name(name)


@pytest.mark.parametrize("name", NO_SECRET)
def test_a_name_that_is_no_secrets(name: str) -> None:
    """What only looks like it, and what is about a secret."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "value",
    [
        "postgres://app:hunter2@db/app",
        "Server=db;User Id=app;Password=hunter2;",
        "host=db user=app password='hunter 2' sslmode=require",
        "https://hooks.invalid/in?password=hunter2",
        "DefaultEndpointsProtocol=https;AccountKey=aHVudGVyMg==;",
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEI\n-----END EC PRIVATE KEY-----",
    ],
)
def test_a_value_that_holds_a_secret_is_one(value: str) -> None:
    """Whatever the setting is called."""
    assert is_secret("ANYTHING", value)


@pytest.mark.parametrize("value", ["12", "3.5", "true", "None", "abc", ""])
def test_a_number_a_switch_and_what_is_short_is_none(value: str) -> None:
    """It would be found everywhere."""
    assert not is_secret("JWT_SECRET", value)


def test_what_makes_tokens_is_one_whatever_it_is_called() -> None:
    """The backend's file says so."""
    assert is_secret("HANDSHAKE", "correct horse", ["HANDSHAKE"])
    assert not is_secret("HANDSHAKE", "correct horse")
