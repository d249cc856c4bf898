"""A run's verdict as it is written: what it claims, and with which key it is signed."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from msgspec.structs import replace

import envparity
from envparity.errors import ConfigurationError
from envparity.faces.cli.app import app
from envparity.observe.image import ImageRecord
from envparity.report.attestation.envelope import opened
from envparity.report.attestation.keys import public_key
from envparity.report.attestation.requirements import stated
from envparity.report.attested import claimed, statement
from envparity.report.kinds import make_report
from envparity.report.outputs import Outputs
from envparity.report.revision import Revision
from tests.envparity.report.attestation.claims import COMMIT, DIGEST, Judge
from tests.envparity.report.recorded import clean_run, orders_run, startup_run

SCHEMA = Path(envparity.__file__).parent / "schemas" / "verdict.schema.json"


def test_what_is_claimed_is_what_the_run_was(tmp_path: Path) -> None:
    """Verdict, findings, orders, images, commit; valid by the published schema, and the subjects carry the digests."""
    run = orders_run()
    images = (ImageRecord("backend", "chat:1", f"sha256:{DIGEST}"), ImageRecord("redis", "redis:1", "sha256:00"))
    run = replace(
        run,
        verdict=replace(run.verdict, images=images),
        project=replace(run.project, orders=3, revision=Revision(COMMIT, clean=True), only=("a*",), repeat=2),
    )
    said = json.loads(statement(run))
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(said["predicate"])
    digests = [subject["digest"] for subject in said["subject"]]
    assert {"sha256": DIGEST} in digests
    assert {"gitCommit": COMMIT} in digests
    assert {"sha256": "00"} not in digests
    claims = claimed(run)
    assert (claims.verdict, claims.only, claims.repeat) == ("clean", ("a*",), 2)
    assert (claims.orders.strength, len(claims.orders.coverage)) == (3, 1)


def test_a_red_run_claims_its_findings() -> None:
    """By their ids and places."""
    run = startup_run()
    claims = claimed(run)
    assert claims.verdict == "red"
    assert [finding.id for finding in claims.findings] == [finding.id for finding in run.verdict.findings]


@pytest.mark.parametrize("way", ["text", "file"])
def test_it_is_signed_with_the_key_of_the_variable_or_of_the_file(
    way: str, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And opened with the public half, payload unchanged."""
    if way == "text":
        monkeypatch.setenv("ENVPARITY_SIGNING_KEY", judge.private.decode())
    else:
        (judge.folder / "key").write_bytes(judge.private)
        monkeypatch.setenv("ENVPARITY_SIGNING_KEY_FILE", str(judge.folder / "key"))
    run = clean_run()
    text = make_report("verdict", run, ())
    assert b"PRIVATE" not in text
    assert stated(opened(text, public_key(judge.public))) == claimed(run)


def test_without_a_key_it_has_no_signature(judge: Judge) -> None:
    """Written all the same, for who reads it; who verifies refuses it."""
    envelope = json.loads(make_report("verdict", clean_run(), ()))
    assert envelope["signatures"] == []


@pytest.mark.parametrize("text", ["rubbish", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_key_that_is_none_is_refused_before_anything_boots(
    text: str, tmp_path: Path, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message without a byte of it."""
    monkeypatch.setenv("ENVPARITY_SIGNING_KEY", text)
    with pytest.raises(ConfigurationError) as refused:
        Outputs({"verdict": tmp_path / "verdict.json"}).check()
    assert "AAAA" not in str(refused.value)
    assert "rubbish" not in str(refused.value)


def test_two_keys_are_one_too_many(judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows which of them signs."""
    monkeypatch.setenv("ENVPARITY_SIGNING_KEY", judge.private.decode())
    monkeypatch.setenv("ENVPARITY_SIGNING_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(ConfigurationError):
        Outputs({"verdict": tmp_path / "verdict.json"}).check()


def test_new_keys_are_a_pair_and_overwrite_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The private half is its owner's alone, and is not printed; a second time is bad input."""
    file = tmp_path / "gate.key"
    made = CliRunner().invoke(app, ["keys", "new", str(file)], prog_name="envparity")
    assert made.exit_code == 0, made.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().splitlines()[1] not in made.output
    monkeypatch.setenv("ENVPARITY_SIGNING_KEY_FILE", str(file))
    assert opened(make_report("verdict", clean_run(), ()), public_key(tmp_path / "gate.key.pub"))
    before = file.read_bytes()
    again = CliRunner().invoke(app, ["keys", "new", str(file)], prog_name="envparity")
    assert (again.exit_code, file.read_bytes() == before) == (2, True)


def test_verify_imports_no_engine() -> None:
    """A deploy step waits for it: what boots, judges or compares is not loaded, nor what reads TOML."""
    heavy = ("docker", "websockets", "httpx", "numpy", "hypothesis", "rich", "jsonschema", "envparity.engine.run")
    script = (
        "import sys; sys.argv = ['envparity', 'verify', '--help']\n"
        "from envparity.faces.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "from envparity.report.attestation import envelope, keys, requirements\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.splitlines()[-1] == "[]"
