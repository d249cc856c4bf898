"""Verdicts as a judge would sign them, and keys made for the test."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner

from envparity.faces.cli.app import app
from envparity.report.attestation.envelope import sealed
from envparity.report.attestation.keys import new_pair
from envparity.report.attestation.predicate import (
    PREDICATE_TYPE,
    SCHEMA,
    Claimed,
    ClaimedImage,
    ClaimedOrders,
    ClaimedRevision,
    ResourceDescriptor,
    Statement,
)

DIGEST = "a" * 64
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def good(**changed: Any) -> Claimed:
    """A verdict that a deployment accepts, with these fields changed."""
    claimed = Claimed(
        schema=SCHEMA,
        envparity="0.1.0",
        run="0a1b2c3d",
        began=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        duration_s=50.0,
        verdict="clean",
        findings=(),
        launcher="container",
        backend="chat",
        environments=("local", "staging", "production"),
        cases=9,
        scenarios=40,
        rules=50,
        files={},
        orders=ClaimedOrders(3, ("local: 17 orders of strength 3",)),
        images=(ClaimedImage("backend", "chat:1", f"sha256:{DIGEST}"),),
        revision=ClaimedRevision(COMMIT, clean=True),
    )
    return msgspec.structs.replace(claimed, **changed)


def payload(claimed: Claimed) -> bytes:
    """The statement of it."""
    return msgspec.json.encode(Statement((ResourceDescriptor("chat:1", {"sha256": DIGEST}),), PREDICATE_TYPE, claimed))


@dataclass
class Judge:
    """Somebody who judges: a private key, the file of its public half, and a folder for verdicts."""

    folder: Path
    private: bytes
    public: Path

    @classmethod
    def in_folder(cls, folder: Path, name: str = "gate") -> Judge:
        private, public = new_pair()
        file = folder / f"{name}.pub"
        file.write_bytes(public)
        return cls(folder, private, file)

    def envelope(self, content: bytes | Claimed) -> bytes:
        key = load_pem_private_key(self.private, password=None)
        signer = CryptoSigner(key)
        return sealed(payload(content) if isinstance(content, Claimed) else content, signer)

    def verify(self, text: bytes, *options: str) -> Result:
        """What `envparity verify` says of it, asked for the image, the commit and what this project requires."""
        file = self.folder / "verdict.json"
        file.write_bytes(text)
        asked = options or ("--image", f"sha256:{DIGEST}", "--commit", COMMIT)
        required = () if options else ("--require", "launcher=container,orders=3,environments=staging+production")
        arguments = ["verify", str(file), "--key", str(self.public), *asked, *required]
        return CliRunner().invoke(app, arguments, prog_name="envparity")


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    for name in ("ENVPARITY_VERIFY_KEY", "ENVPARITY_SIGNING_KEY", "ENVPARITY_SIGNING_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    return Judge.in_folder(tmp_path)
