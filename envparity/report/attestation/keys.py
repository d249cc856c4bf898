"""The keys of verdicts: Ed25519, as PEM, from a file or from a variable. A private key is in no message."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import CryptoSigner, SSlibKey

from envparity.errors import ConfigurationError, Mistake
from envparity.support.reading import opened

__all__ = ["SIGNING_KEY", "SIGNING_KEY_FILE", "VERIFY_KEY", "new_pair", "public_key", "signer"]

SIGNING_KEY: Final = "ENVPARITY_SIGNING_KEY"
SIGNING_KEY_FILE: Final = "ENVPARITY_SIGNING_KEY_FILE"
VERIFY_KEY: Final = "ENVPARITY_VERIFY_KEY"
_PRIVATE, _PUBLIC = "an Ed25519 private key as PEM, without a passphrase", "an Ed25519 public key as PEM"
_LONGEST = 1 << 16


def new_pair() -> tuple[bytes, bytes]:
    """A private key and its public half, both as PEM (PKCS #8, SubjectPublicKeyInfo)."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def signer() -> CryptoSigner | None:
    """What signs, by the variable that holds the key or the one that names its file; None where neither is set.

    Raises `ConfigurationError`.
    """
    text, file = os.environ.get(SIGNING_KEY), os.environ.get(SIGNING_KEY_FILE)
    if text and file:
        raise ConfigurationError([Mistake(SIGNING_KEY, 0, "key", f"it or {SIGNING_KEY_FILE}", "both", "unset one")])
    if not text and not file:
        return None
    source = SIGNING_KEY if text else SIGNING_KEY_FILE
    pem = text.encode() if text else _read(source, Path(str(file)), _PRIVATE)
    key = _loaded(source, lambda: load_pem_private_key(pem, password=None), _PRIVATE)
    if not isinstance(key, Ed25519PrivateKey):
        raise _wrong(source, _PRIVATE, "a key of another kind")
    return CryptoSigner(key)


def public_key(file: Path | None) -> SSlibKey:
    """The key that verdicts must be signed with: of that file, else of the variable. Raises `ConfigurationError`."""
    text = os.environ.get(VERIFY_KEY)
    if file is None and not text:
        raise ConfigurationError([Mistake("--key", 0, "key", _PUBLIC, "none", f"name its file, or set {VERIFY_KEY}")])
    source = "--key" if file is not None else VERIFY_KEY
    pem = _read(source, file, _PUBLIC) if file is not None else str(text).encode()
    if b"PRIVATE KEY" in pem:
        raise _wrong(source, _PUBLIC, "a private key", "who verifies needs the public half alone")
    key = _loaded(source, lambda: load_pem_public_key(pem), _PUBLIC)
    if not isinstance(key, Ed25519PublicKey):
        raise _wrong(source, _PUBLIC, "a key of another kind")
    return SSlibKey.from_crypto(key)


def _read(source: str, file: Path, expected: str) -> bytes:
    try:
        with opened(file) as reading:
            return reading.whole(_LONGEST)
    except OSError as error:
        raise _wrong(source, expected, f"{file}: {error.strerror or 'an error'}") from error


def _loaded(source: str, load: Callable[[], object], expected: str) -> object:
    """What it loads; of a failure nothing is passed on, in which a key might be."""
    try:
        return load()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _wrong(source, expected, "something else") from None


def _wrong(source: str, expected: str, got: str, action: str = "`envparity keys new` makes a pair") -> Exception:
    return ConfigurationError([Mistake(source, 0, "key", expected, got, action)])
