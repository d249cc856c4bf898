"""`envparity verify`: a good verdict is accepted, each kind of bad one refused with its reason, a bad question is 2."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

import envparity
from envparity.faces.cli.app import app
from envparity.report.attestation.envelope import sealed
from envparity.report.attestation.predicate import (
    Claimed,
    ClaimedExemption,
    ClaimedFinding,
    ClaimedImage,
    ClaimedOrders,
    ClaimedRevision,
)
from envparity.support.redaction.rebuilding import rebuilt
from tests.envparity.report.attestation.claims import COMMIT, DIGEST, Judge, good, payload

NOW = dt.datetime.now(dt.UTC)
OTHER = ClaimedImage("backend of staging", "chat:2", f"sha256:{'b' * 64}")


def ago(**lasting: float) -> str:
    return (NOW - dt.timedelta(**lasting)).isoformat(timespec="seconds")


def tampered(judge: Judge) -> bytes:
    """A red verdict made clean after it was signed."""
    red = good(verdict="red", findings=(ClaimedFinding("EP101-3fa2", "startup failed", "db", ("staging",)),))
    envelope = json.loads(judge.envelope(red))
    envelope["payload"] = base64.b64encode(payload(good())).decode()
    return json.dumps(envelope).encode()


def of_another_version(judge: Judge) -> bytes:
    return judge.envelope(good(schema="envparity.verdict/2"))


def of_another_type(judge: Judge) -> bytes:
    statement = json.loads(payload(good()))
    return judge.envelope(json.dumps(statement | {"predicateType": "https://slsa.dev/provenance/v1"}).encode())


BAD: dict[str, tuple[str, Callable[[Judge], bytes]]] = {
    "no envelope": ("unreadable", lambda _judge: payload(good())),
    "no JSON": ("unreadable", lambda _judge: b"CLEAN\n"),
    "no statement": ("unreadable", lambda judge: judge.envelope(b'{"clean": true}')),
    "another version": ("unreadable", of_another_version),
    "another predicate": ("unreadable", of_another_type),
    "unsigned": ("unsigned", lambda _judge: sealed(payload(good()), None)),
    "signed by somebody else": ("signer", lambda judge: Judge.in_folder(judge.folder, "other").envelope(good())),
    "tampered": ("tampered", tampered),
    "stale": ("stale", lambda judge: judge.envelope(good(began=ago(hours=25)))),
    "of tomorrow": ("future", lambda judge: judge.envelope(good(began=ago(days=-1)))),
    "of another image": ("image", lambda judge: judge.envelope(good(images=(OTHER,)))),
    "of another image in one environment": (
        "image",
        lambda judge: judge.envelope(good(images=(*good().images, OTHER))),
    ),
    "of no image": ("image", lambda judge: judge.envelope(good(images=()))),
    "of another commit": ("commit", lambda judge: judge.envelope(good(revision=ClaimedRevision("f" * 40, clean=True)))),
    "of no commit": ("commit", lambda judge: judge.envelope(good(revision=None))),
    "of changed files": ("commit", lambda judge: judge.envelope(good(revision=ClaimedRevision(COMMIT, clean=False)))),
    "red": ("red", lambda judge: judge.envelope(good(verdict="red"))),
    "of some scenarios": ("partial", lambda judge: judge.envelope(good(only=("conversation",)))),
    "by processes": ("weaker", lambda judge: judge.envelope(good(launcher="process"))),
    "partly attached": ("weaker", lambda judge: judge.envelope(good(attached=("staging",)))),
    "in fewer orders": ("weaker", lambda judge: judge.envelope(good(orders=ClaimedOrders(2, ("local: 6 orders",))))),
    "in no order after all": ("weaker", lambda judge: judge.envelope(good(orders=ClaimedOrders(3)))),
    "without an environment": ("weaker", lambda judge: judge.envelope(good(environments=("local", "staging")))),
}


def test_a_good_verdict_is_accepted(judge: Judge) -> None:
    """Exit 0, and what it was about is said."""
    result = judge.verify(judge.envelope(good()))
    assert result.exit_code == 0, result.output
    assert DIGEST in result.stdout
    assert COMMIT in result.stdout


@pytest.mark.parametrize("name", BAD)
def test_a_bad_verdict_is_refused_with_its_reason(name: str, judge: Judge) -> None:
    """Exit 1, and the one reason is of the kind that it should be."""
    kind, made = BAD[name]
    result = judge.verify(made(judge))
    assert result.exit_code == 1, result.output
    assert re.findall(r"^  (\w+): expected ", result.stdout, re.MULTILINE) == [kind]


def test_every_reason_is_said_at_once(judge: Judge) -> None:
    """Who mends one is not sent back for the next."""
    result = judge.verify(judge.envelope(good(began=ago(days=3), verdict="red", launcher="process", images=())))
    assert re.findall(r"^  (\w+): expected ", result.stdout, re.MULTILINE) == ["stale", "red", "image", "weaker"]


def test_at_most_so_many_exemptions(judge: Judge) -> None:
    """And what shows by chance, or was unsteady, is counted likewise."""
    used = (ClaimedExemption("staging", "report.x", "meant"), ClaimedExemption("staging", "report.y", "meant"))
    text = judge.envelope(good(exemptions=used, by_chance=("EP101-3fa2",)))
    asked = ("--commit", COMMIT)
    assert judge.verify(text, *asked, "--require", "exemptions=2,by_chance=1").exit_code == 0
    assert judge.verify(text, *asked, "--require", "exemptions=1").exit_code == 1
    assert judge.verify(text, *asked, "--require", "by_chance=0").exit_code == 1


def test_a_digest_of_a_registry_is_as_good_as_the_engines(judge: Judge) -> None:
    """Whatever of the two the deployment names."""
    image = ClaimedImage("backend", "chat:1", f"sha256:{'c' * 64}", (f"registry.test/chat@sha256:{DIGEST}",))
    text = judge.envelope(good(images=(image, ClaimedImage("redis", "redis:1", f"sha256:{'d' * 64}"))))
    for digest in (f"registry.test/chat@sha256:{DIGEST}", f"sha256:{'c' * 64}"):
        assert judge.verify(text, "--image", digest).exit_code == 0
    assert judge.verify(text, "--image", f"sha256:{'d' * 64}").exit_code == 1


def test_files_are_those_that_lie_here(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict about other files than those of the deployment is foreign."""
    monkeypatch.chdir(judge.folder)
    (judge.folder / "backend.toml").write_bytes(b"name = 1\n")
    digest = "0" * 64
    right = {"backend.toml": hashlib.sha256(b"name = 1\n").hexdigest()}
    asked = ("--commit", COMMIT, "--files")
    assert judge.verify(judge.envelope(good(files=right)), *asked).exit_code == 0
    for files in ({"backend.toml": digest}, right | {"gone.toml": digest}, {}):
        result = judge.verify(judge.envelope(good(files=files)), *asked)
        assert (result.exit_code, "files: expected" in result.stdout) == (1, True)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--image", "chat:latest"),
        ("--commit", "main"),
        ("--commit", COMMIT, "--max-age", "soon"),
        ("--commit", COMMIT, "--max-age", "0h"),
        ("--commit", COMMIT, "--require", "launcher=vm"),
        ("--commit", COMMIT, "--require", "orders"),
        ("--commit", COMMIT, "--require", "orders=many"),
        ("--commit", COMMIT, "--require", "orders=2,orders=3"),
        ("--commit", COMMIT, "--require", "speed=3"),
        ("--commit", COMMIT, "--require", "environments=staging+"),
    ],
)
def test_a_question_that_is_none_is_2(options: tuple[str, ...], judge: Judge) -> None:
    """Whatever the verdict says, even where it is good."""
    file = judge.folder / "verdict.json"
    file.write_bytes(judge.envelope(good()))
    arguments = ["verify", str(file), "--key", str(judge.public), *options]
    result = CliRunner().invoke(app, arguments, prog_name="envparity")
    assert result.exit_code == 2, result.output
    assert "accepted" not in result.output


def test_all_mistakes_of_a_question_are_said(judge: Judge) -> None:
    """At once, with none left for the second try."""
    result = judge.verify(b"", "--image", "x", "--commit", "y", "--max-age", "z", "--require", "a=1")
    assert result.exit_code == 2
    assert all(f"{name}: " in result.stderr for name in ("--image", "--commit", "--max-age", "--require"))


def test_the_key_must_be_a_public_ed25519_key(judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A private key, another kind of key, none at all: exit 2, and nothing of the key is printed."""
    file = judge.folder / "verdict.json"
    file.write_bytes(judge.envelope(good()))
    secret = judge.folder / "secret.pem"
    secret.write_bytes(judge.private)
    rubbish = judge.folder / "rubbish.pem"
    rubbish.write_bytes(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    for key in (secret, rubbish, tmp_path / "nothing.pem"):
        arguments = ["verify", str(file), "--key", str(key), "--commit", COMMIT]
        result = CliRunner().invoke(app, arguments, prog_name="envparity")
        assert result.exit_code == 2
        assert judge.private.decode().splitlines()[1] not in result.output
    without = ["verify", str(file), "--commit", COMMIT]
    assert CliRunner().invoke(app, without, prog_name="envparity").exit_code == 2
    monkeypatch.setenv("ENVPARITY_VERIFY_KEY", judge.public.read_text())
    assert CliRunner().invoke(app, without, prog_name="envparity").exit_code == 0


def test_no_damage_makes_a_bad_verdict_good(judge: Judge) -> None:
    """Every byte of an envelope changed, one at a time: refused, or the same claim read another way; never a crash."""
    text = judge.envelope(good(verdict="red"))
    for place in range(0, len(text), 41):
        damaged = text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :]
        assert judge.verify(damaged).exit_code == 1


def test_the_schema_that_is_published_is_that_of_what_is_written() -> None:
    """The file beside the package, which other programs read, says what the struct says."""
    file = Path(envparity.__file__).parent / "schemas" / "verdict.schema.json"
    published = json.loads(file.read_text(encoding="utf-8"))
    written = json.loads(msgspec.json.encode(msgspec.json.schema(Claimed)))
    # How the lines of a docstring are indented in it is a matter of the library's version.
    told, says = (
        rebuilt(schema, lambda text: " ".join(text.split()))
        for schema in ({key: published[key] for key in ("$ref", "$defs")}, written)
    )
    assert told == says
