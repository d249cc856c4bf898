"""A signed statement: a DSSE envelope, signed with an Ed25519 key."""

from __future__ import annotations

import json

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from envparity.report.attestation.refusal import Refusal, VerdictRefused

__all__ = ["PAYLOAD_TYPE", "opened", "sealed"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def sealed(payload: bytes, signer: CryptoSigner | None) -> bytes:
    """The payload in an envelope; without a signer it has no signature, and nobody accepts it."""
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    if signer is not None:
        envelope.sign(signer)
    return json.dumps(envelope.to_dict(), indent=2).encode() + b"\n"


def opened(text: bytes, key: SSlibKey) -> bytes:
    """The payload of an envelope that this key has signed. Raises `VerdictRefused`."""
    try:
        read = json.loads(text)
        envelope = Envelope.from_dict(read)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise VerdictRefused([Refusal("unreadable", "a DSSE envelope", "something else")]) from error
    if envelope.payload_type != PAYLOAD_TYPE:
        raise VerdictRefused([Refusal("unreadable", f"a payload of {PAYLOAD_TYPE}", repr(envelope.payload_type)[:80])])
    if not envelope.signatures:
        raise VerdictRefused([Refusal("unsigned", "a signature", "none")])
    if key.keyid not in envelope.signatures:
        signers = ", ".join(str(signature)[:12] for signature in list(envelope.signatures)[:4])
        raise VerdictRefused([Refusal("signer", f"a signature by the key {key.keyid[:12]}", f"one by {signers}")])
    try:
        envelope.verify([key], 1)
    except (VerificationError, UnverifiedSignatureError) as error:
        raise VerdictRefused([Refusal("tampered", "what the key has signed", "something else")]) from error
    payload: bytes = envelope.payload
    return payload
