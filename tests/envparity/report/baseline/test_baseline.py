"""`envparity baseline`: the same run twice is no change, what has changed is said by environment, red is not kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from envparity.engine.events import Event
from envparity.faces.cli.app import app
from envparity.model.case import Boot, Case
from envparity.observe.record import Observation, SettingFingerprint
from envparity.observe.transcript import Transcript
from envparity.report.baseline.behaviour import VARIES, behaviour
from envparity.report.saved import Saver
from tests.envparity.judge.builders import close, handshake, observation, received, transcript
from tests.envparity.report.recorded import PROJECT, described, events_of, startup_run

BACKEND = """\
name = "chat"
[image]
name = "chat:1"
[[scenario]]
name = "greeting"
steps = [{ connect = "none" }, { close = 1000 }]
"""


def play(greeting: str, scenario: str = "greeting") -> Transcript:
    script = transcript(handshake(), received({"type": "welcome", "text": greeting}), close(by="client"))
    return msgspec.structs.replace(script, scenario=scenario)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "backend.toml").write_text(BACKEND, encoding="utf-8")
    (tmp_path / "environments").mkdir()
    for name in ("local", "staging"):
        (tmp_path / f"environments/{name}.toml").write_text(f'name = "{name}"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENVPARITY_RUNS", raising=False)
    return tmp_path


def saved(files: Path, events: Sequence[Event]) -> None:
    """A run in the folder of runs, and no other."""
    folder = files / ".envparity" / "runs"
    for old in folder.glob("*") if folder.exists() else ():
        old.unlink()
    saver = Saver(described(), folder)
    for event in events:
        saver.handle(event)


def seen(*plays: Transcript, name: str = "local") -> Observation:
    return observation(name, transcripts=plays)


def run_of(files: Path, local: str, staging: str) -> None:
    saved(files, events_of([seen(play(local)), seen(play(staging), name="staging")], PROJECT))


def baseline(command: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["baseline", command, *arguments], prog_name="envparity")


def test_the_same_run_is_no_change_and_another_is_said(files: Path) -> None:
    """By environment, with the line as it was and as it is; saving accepts it."""
    run_of(files, "hello", "hello")
    assert baseline("save").exit_code == 0
    assert baseline("check").exit_code == 0
    run_of(files, "good day", "good day")
    changed = baseline("check")
    assert changed.exit_code == 1
    lines = [line.strip() for line in changed.stdout.splitlines()]
    assert lines[0] == "local"
    assert [line[:2] for line in lines if "text" in line] == ["- ", "+ ", "- ", "+ "]
    assert baseline("save").exit_code == 0
    assert baseline("check").exit_code == 0


def test_a_field_of_the_contract_that_is_gone_comes_first(files: Path) -> None:
    """Before what has changed in environments, with whom it breaks."""
    schema = "asyncapi: 3.0.0\ninfo: {title: c, version: '1'}\nchannels:\n  c:\n    address: /ws\n    messages:\n"
    schema += "      welcome:\n        payload:\n          type: object\n          required: [type, text]\n"
    schema += "          properties: {type: {const: welcome}, text: {type: string}}\n"
    schema += "operations:\n  w: {action: send, channel: {$ref: '#/channels/c'}}\n"
    (files / "contract.yaml").write_text(schema, encoding="utf-8")
    contract = '[contract]\ndocument = "contract.yaml"\nview = "server"\n'
    (files / "backend.toml").write_text(BACKEND.replace("[image]", contract + "[image]"), encoding="utf-8")
    run_of(files, "hello", "hello")
    saved_as = baseline("save")
    assert saved_as.exit_code == 0, saved_as.output
    (files / "contract.yaml").write_text(schema.replace(", text: {type: string}", "").replace(", text]", "]"))
    run_of(files, "good day", "hello")
    changed = baseline("check")
    assert changed.exit_code == 1, changed.output
    assert "received welcome.text is gone" in changed.stdout
    assert changed.stdout.index("welcome.text") < changed.stdout.index("local")


def test_what_differs_between_two_plays_of_a_boot_is_not_kept() -> None:
    """It would differ in the next run as well; where even the number of entries differs, none of them is."""
    steady = seen(play("hello"))
    apart = msgspec.structs.replace(steady, control=(play("by chance"),))
    lines = behaviour(PROJECT, "local", [apart])
    assert sum(line.endswith(VARIES) for line in lines) == 1
    longer = transcript(handshake(), received({"type": "welcome"}), received({"type": "more"}), close(by="client"))
    longer = msgspec.structs.replace(longer, scenario="greeting")
    lines = behaviour(PROJECT, "local", [msgspec.structs.replace(steady, control=(longer,))])
    assert f"conversation.greeting = {VARIES}" in lines


def test_no_secret_and_nothing_of_a_run_is_kept() -> None:
    """A secret shows that it is there; its fingerprint is salted for each run, and left out."""
    secret = SettingFingerprint("KEY", "environment file", "0123abcd")
    lines = behaviour(PROJECT, "local", [msgspec.structs.replace(seen(play("hello")), settings=(secret,))])
    assert 'fingerprints.KEY.value = "<secret>"' in lines
    assert not [line for line in lines if "0123abcd" in line]


def test_boots_that_nobody_planned_are_not_kept() -> None:
    """Orders, and what was booted to find a cause."""
    other = msgspec.structs.replace(seen(play("hello")), case=Case("local", "chat", Boot(settings=(("LIMIT", "3"),))))
    assert behaviour(PROJECT, "local", [other]) == []


def test_a_red_run_is_kept_by_nobody(files: Path) -> None:
    """It is checked all the same."""
    run_of(files, "hello", "hello")
    assert baseline("save").exit_code == 0
    red = startup_run()
    saved(files, events_of(red.observations))
    assert baseline("save").exit_code == 2
    assert baseline("check").exit_code == 1


def test_without_a_baseline_or_a_run_it_is_bad_input(files: Path) -> None:
    """Exit code 2."""
    assert baseline("check").exit_code == 2
    run_of(files, "hello", "hello")
    assert baseline("check").exit_code == 2


def test_environments_that_are_no_more_are_said_and_removed(files: Path) -> None:
    """One that is left out of the folder is a change like another."""
    run_of(files, "hello", "hello")
    assert baseline("save").exit_code == 0
    (files / "baseline/environments/old.txt").write_text("[as it is]\nx = 1\n", encoding="utf-8")
    assert "\nold\n" in "\n" + baseline("check").stdout
    assert baseline("save").exit_code == 0
    assert not (files / "baseline/environments/old.txt").exists()
