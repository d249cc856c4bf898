"""Keys that several schemes have: those of a file, as the loader and the editors' schema say them; those that sign."""

from __future__ import annotations

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

__all__ = ["made_private_key", "setting_name"]


def setting_name(what: str) -> msgspec.Meta:
    """What a key is that names a setting `what`: "that holds the token"."""
    return msgspec.Meta(
        description=f"the name of the setting {what}: letters, digits and underscores, not beginning with a digit",
        pattern="^[A-Za-z_][A-Za-z0-9_]*$",
    )


def made_private_key(algorithm: str) -> str:
    """A new private key for that algorithm of RFC 7518 §3.1 or RFC 8037, in PEM."""
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    if algorithm.startswith(("RS", "PS")):
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    elif algorithm.startswith("ES"):
        curve = {"ES384": ec.SECP384R1, "ES512": ec.SECP521R1}.get(algorithm, ec.SECP256R1)
        private = ec.generate_private_key(curve())
    else:
        private = ed25519.Ed25519PrivateKey.generate()
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
