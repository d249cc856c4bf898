"""What docs/extend.md adds from outside works as the page says; nothing of envparity is changed for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from envparity.auth.scheme import SCHEMES, Request
from envparity.doors import entries_of
from envparity.judge import rule
from tests.docs.extending import EXTEND, install_example
from tests.docs.pages import blocks
from tests.docs.saved_run import saved_red_run
from tests.installed import run_with


def test_a_report_of_another_distribution(tmp_path: Path) -> None:
    """Its option writes it, on the command line; pytest and the doctor know of it."""
    site = install_example(tmp_path / "site", "kitchen-minutes")
    run = saved_red_run(tmp_path / "runs")
    made = run_with(site, tmp_path, "envparity", "report", str(run.file), "--minutes", "minutes.txt")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "minutes.txt").read_text() == "".join(
        f"{finding.id}: {rule(finding.code).title}, {', '.join(finding.environments)}\n" for finding in run.findings
    )
    usage = run_with(site, tmp_path, "envparity", "run", "--help").stdout
    assert "--minutes FILE Write a line for each finding." in " ".join(usage.split())
    assert "--envparity-minutes=FILE" in run_with(site, tmp_path, "pytest", "--help", "-p", "no:cacheprovider").stdout
    assert "kitchen-minutes 1.0: minutes (reports)" in run_with(site, tmp_path, "envparity", "doctor").stdout


JUDGED = """
import sys
from pathlib import Path
from envparity.report.saved import Saver
from tests.envparity.judge.builders import observation, replica
from tests.envparity.report.recorded import described, events_of

saver = Saver(described(), Path(sys.argv[1]))
for event in events_of([observation(name, replica(log=("DEBUG hello",))) for name in ("local", "staging")]):
    saver.handle(event)
"""


def test_a_rule_of_another_distribution(tmp_path: Path) -> None:
    """It is listed, explained, judged, and its finding is in what every writer makes."""
    site = install_example(tmp_path / "site", "kitchen-rules")
    assert "KIT101  a log that is too chatty" in run_with(site, tmp_path, "envparity", "rules").stdout
    assert "What to do\nSet the log's level" in run_with(site, tmp_path, "envparity", "explain", "kit101").stdout
    (site / "judged.py").write_text(JUDGED, encoding="utf-8")
    judged = run_with(site, tmp_path, "judged", "runs")
    assert judged.returncode == 0, judged.stderr
    reports = [part for name in ("html", "junit", "sarif", "gitlab") for part in (f"--{name}", name)]
    made = run_with(site, tmp_path, "envparity", "report", "--runs", "runs", "--github", *reports)
    assert made.returncode == 0, made.stderr
    told = run_with(site, tmp_path, "envparity", "report", "--runs", "runs").stdout
    for text in (told, made.stdout, *((tmp_path / name).read_text() for name in ("html", "junit", "sarif", "gitlab"))):
        assert re.search("KIT101", text)


BACKEND = """
name = "kitchen"
[image]
name = "kitchen:1"
[[scenario]]
name = "hello"
steps = [{ connect = "of_another", status = 401 }, { close = 1000 }]
"""


def test_a_scheme_of_another_distribution(tmp_path: Path) -> None:
    """The file of the page is in order, and what is wrong with it is said in the scheme's own words."""
    site = install_example(tmp_path / "site", "kitchen-signature")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/local.toml").write_text(
        'name = "local"\n[settings]\nSESSION_KEY = { secret = 32 }\n', encoding="utf-8"
    )
    (said,) = [block.text for block in blocks(EXTEND, "toml") if block.text.startswith("[tokens]")]
    for text, code, told in (
        (said, 0, "the files are in order"),
        (said + "digits = 7\n", 2, "tokens.digits: expected at least 16, got 7"),
        (said.replace("key_setting", "key"), 2, "no such key (the setting that holds the key)"),
        (said.replace("signed-user", "jwt-shared-key"), 2, "'other_environment', got 'of_another'"),
    ):
        (tmp_path / "backend.toml").write_text(BACKEND.replace("[[scenario", text + "[[scenario"), encoding="utf-8")
        checked = run_with(site, tmp_path, "envparity", "check")
        assert (checked.returncode, told in checked.stdout + checked.stderr) == (code, True), checked.stderr


def test_what_its_scheme_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Good credentials and bad ones, each as it says."""
    monkeypatch.syspath_prepend(install_example(tmp_path / "site", "kitchen-signature"))
    entries_of.cache_clear()
    try:
        scheme = SCHEMES.get("signed-user")(key_setting="K")
    finally:
        entries_of.cache_clear()
    made = {kind: scheme.make(kind, Request({"K": "k"}, "u1", "j", 0)) for kind in scheme.kinds}
    assert {credential.partition(".")[0] for credential in made.values()} == {"u1"}
    assert len(set(made.values())) == len(made)


TALK = """
from pathlib import Path
from envparity.config.backend import load_backend
from envparity.conversation import actions
from envparity.conversation.machine import Conversation
from envparity.conversation.resolving import resolve_scenario
from envparity.observe.transcript import HandshakeAnswered

backend = load_backend(Path("backend.toml"))
(scenario,) = backend.scenarios
talk = Conversation(scenario, resolve_scenario(scenario, backend, {}, "https://a", now_s=0))
assert isinstance(talk.next(0.0), actions.Open)
talk.opened(HandshakeAnswered(0.1, "a", "accept", status=101))
print(talk.next(0.2).message)
talk.next(0.3)
talk.received("a", '["kitchen", "served", {"tea": 2}]', 0.4)
talk.next(0.5)
print(talk.transcript.departure)
"""


@pytest.mark.parametrize("tea", [2, 3])
def test_a_codec_of_another_distribution(tmp_path: Path, tea: int) -> None:
    """What is sent is written by it, and what comes is expected by the names that it gives."""
    site = install_example(tmp_path / "site", "kitchen-topics")
    steps = '{ connect = "none" }, { send = { event = "order", payload = { tea = 2 } } }, '
    steps += f'{{ expect = "served", fields = {{ "payload.tea" = {tea} }} }}, {{ close = 1000 }}'
    (tmp_path / "backend.toml").write_text(
        f'name = "k"\n[image]\nname = "k:1"\n[frames]\ncodec = "topics"\ntopic = "bar"\n'
        f'[[scenario]]\nname = "s"\nsteps = [{steps}]\n', encoding="utf-8"
    )  # fmt: skip
    (site / "talk.py").write_text(TALK, encoding="utf-8")
    talked = run_with(site, tmp_path, "talk")
    assert talked.returncode == 0, talked.stderr
    sent, departure = talked.stdout.splitlines()
    assert sent == '["bar", "order", {"tea": 2}]'
    assert (departure == "None") == (tea == 2), departure


HEARD = """
from kitchen_bells import Bells
from envparity.frames.codec import CODECS, Converses

codec = CODECS.get("bells")()
assert isinstance(codec, Converses)
dialogue = codec.dialogue()
print(dialogue.received('["hall", "bell", {}]\\n["bar", "served", {}]\\n["bar", "paid", {}]'))
print(dialogue.beat.every_s)
"""


def test_a_codec_that_converses(tmp_path: Path) -> None:
    """Several frames in a message, an answer, and what is said at intervals."""
    site = tmp_path / "site"
    install_example(site, "kitchen-topics")
    install_example(site, "kitchen-bells")
    (site / "heard.py").write_text(HEARD, encoding="utf-8")
    heard = run_with(site, tmp_path, "heard")
    assert heard.returncode == 0, heard.stderr
    received, every_s = heard.stdout.splitlines()
    assert re.findall(r"'event': '(\w+)'", received) == ["served", "paid"]
    assert received.count('"heard"') == 1
    assert float(every_s) == 20


def test_a_source_of_another_distribution(tmp_path: Path) -> None:
    """What it says is a setting of the environment, and its mistakes are told with their lines."""
    site = install_example(tmp_path / "site", "kitchen-recipes")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/local.toml").write_text('name = "local"\nextends = ["../tea.recipe"]\n', encoding="utf-8")
    (tmp_path / "backend.toml").write_text(
        BACKEND.replace('connect = "of_another", status = 401', 'connect = "none", query = "{setting:TEA}"'),
        encoding="utf-8",
    )
    for recipe, code, told in (
        ("TEA is green\n", 0, "the files are in order"),
        ("MILK is none\n", 2, "no TEA in local"),
        ("TEA is green\nTEA for two\n", 2, "tea.recipe:2: (line): expected NAME is VALUE"),
    ):
        (tmp_path / "tea.recipe").write_text(recipe, encoding="utf-8")
        checked = run_with(site, tmp_path, "envparity", "check")
        assert (checked.returncode, told in checked.stdout + checked.stderr) == (code, True), checked.stderr
