"""What is a secret: by the words of its name, by what its value is made of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from urllib.parse import unquote, urlsplit

__all__ = ["SHORTEST", "is_secret", "is_secret_name", "password_in", "secrets_in"]

SHORTEST = 4
"""A value with fewer characters is no secret, whatever it is called: it would be found everywhere."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ALWAYS = re.compile(r"\w*(?:SECRETS?|PASSWORDS?|PASSWD|PASSPHRASES?|CREDENTIALS?)|CREDS|PASSWORD\w*|SECRETKEY\w*")
"""A word that makes a secret of a name, but for what is said about it."""
_ABOUT = re.compile(
    r"AGE|ALG|ALGORITHM|AUDIENCE|BACKEND|COUNT|DAYS|DIR|ENABLED|ENDPOINT|EXPIRATION|EXPIRES|EXPIRY|FILE|FOLDER|HASHER"
    r"|HEADER|HOURS|ISSUER|LENGTH|LIFETIME|LIMIT|MANAGER|MAX|MIN|MINUTES|NAME|PATH|POLICY|PROVIDER|REQUIRED|ROTATION"
    r"|ROUNDS|SECONDS|SIZE|STORE|TTL|TYPE|VERSION"
)
"""What follows such a word where the setting is about a secret, and is none."""
_AT_THE_END = re.compile(
    r"TOKENS?|KEYS?|PASS|PWD|PW|DSN|PRIVATE|SALT|PEPPER|\w+(?:TOKEN|PWD)"
    r"|\w*(?:API|SIGNING|ACCESS|ENCRYPTION|AUTH|SHARED|SIGN|PRIVATE|MASTER|ACCOUNT)KEYS?"
)
"""A word that makes a secret of a name where nothing but `_WHICH` follows it."""
_WHICH = re.compile(
    r"\d+|A|B|BACKUP|BASE|CURRENT|DATA|DER|DEV|HEX|JSON|JWK|KEYS?|LIVE|LOCAL|NEW|NEXT|OLD|PEM|PREVIOUS|PRIMARY|PROD"
    r"|PRODUCTION|RAW|RING|SECONDARY|STAGING|TEST|V|VALUE"
)
"""Which one of several, or how it is written."""
_OPENS_NOTHING = re.compile(
    r"CACHE|CLAIM|CLUSTERING|COLUMN|FOREIGN|GROUP|IDEMPOTENCY|INDEX|LOG|LOOKUP|MESSAGE|METRIC|NATURAL|OBJECT|ORDER"
    r"|PARTITION|PRIMARY|PUBLIC|PUBLISHABLE|QUEUE|RANGE|ROUTING|ROW|SHARD|SHARDING|SITE|SORT|STREAM|SURROGATE|TOPIC"
    r"|UNIQUE"
)
"""What stands before KEY where that is no key to anything."""
_PLAIN_WORDS = frozenset({"true", "false", "none", "null", "test", "local", "default"})
_WHOLE_NUMBER_BELOW = 8
_IN_A_CONNECTION_STRING = re.compile(
    r"(?:^|[;\s?&])(?:ssl)?(?:password|passwd|pwd|accountkey|sharedaccesskey|sharedaccesssignature)\s*=\s*('[^']*'|[^;\s&]+)",
    re.IGNORECASE,
)
_PRIVATE_KEY = "PRIVATE KEY-----"


def is_secret_name(name: str) -> bool:
    """Whether a setting of that name holds a secret, by the words that people use for one."""
    if name in {"PWD", "OLDPWD"}:  # a shell's folders
        return False
    words = [word.upper() for word in _WORD.findall(name)]
    return any(_names_a_secret(words, place) for place in range(len(words)))


def _names_a_secret(words: list[str], place: int) -> bool:
    word, after = words[place], words[place + 1 :]
    if _ALWAYS.fullmatch(word):
        return not any(_ABOUT.fullmatch(following) for following in after)
    if not _AT_THE_END.fullmatch(word):
        return False
    if word.startswith("KEY") and place and _OPENS_NOTHING.fullmatch(words[place - 1]):
        return False
    return all(_WHICH.fullmatch(following) for following in after)


def is_secret(name: str, value: str, known: Collection[str] = ()) -> bool:
    """Whether that setting's literal value is a secret: by its name, as one of the `known`, or for what is in it.

    A number, a switch, and what is shorter than four characters is none, whatever it is called.
    """
    if any(True for _ in secrets_in(value)):
        return True
    if name not in known and not is_secret_name(name):
        return False
    return len(value.strip()) >= SHORTEST and value.lower() not in _PLAIN_WORDS and not _is_number(value)


def password_in(value: str) -> str | None:
    """The password in a URL, None where there is none."""
    try:
        return (urlsplit(value).password or None) if "://" in value else None
    except ValueError:
        return None


def secrets_in(value: str) -> Iterator[str]:
    """What is a secret by itself in that value: a password in a URL or a connection string, a private key."""
    if password := password_in(value):
        yield password
        yield unquote(password)
    if "=" in value:
        yield from (found.strip("'") for found in _IN_A_CONNECTION_STRING.findall(value) if len(found) >= SHORTEST)
    if _PRIVATE_KEY in value:
        yield value


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return len(value.strip()) < _WHOLE_NUMBER_BELOW
