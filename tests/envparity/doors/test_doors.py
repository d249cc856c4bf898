"""Doors: what is installed is listed without being imported, and what does not work is said, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from envparity.doors import Door, InstalledEntry, entries_of, foreign_entries, unforeseen
from envparity.doors import registry as doors
from envparity.errors import ConfigurationError, DoorFailed
from envparity.faces.cli.installed import DOORS
from envparity.judge import judge, registry
from tests.docs.saved_run import saved_red_run
from tests.envparity.report.recorded import PROJECT
from tests.installed import install, run_with

REPORTS = "envparity.reports"
BROKEN = {
    "it cannot be imported": ("broken:REPORT", "raise RuntimeError('no licence')", "RuntimeError: no licence"),
    "it ends the interpreter": ("broken:REPORT", "raise SystemExit(0)", "SystemExit: 0"),
    "it has no module": ("elsewhere:REPORT", "", "ModuleNotFoundError: No module named 'elsewhere'"),
    "it has no such attribute": ("broken:REPORT", "", "AttributeError: module 'broken' has no attribute 'REPORT'"),
    "it is something else": ("broken:REPORT", "REPORT = 7", "it is int, not a Report"),
    "it raises": ("broken:REPORT", "def make(*_): raise KeyError('x')", "KeyError: 'x'"),
    "it makes something else": ("broken:REPORT", "def make(*_): return 'text'", "it made str, not bytes"),
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    entries_of.cache_clear()
    yield folder
    entries_of.cache_clear()


def named(site: Path, points: Mapping[str, str], distribution: str = "kitchen") -> None:
    install(site, distribution, {REPORTS: points}, {})
    entries_of.cache_clear()


def test_what_is_installed_is_listed_and_not_imported(site: Path) -> None:
    """With the distribution and the version; the built-in come first."""
    named(site, {"minutes": "nowhere:REPORT"})
    assert list(entries_of(REPORTS)) == ["html", "junit", "sarif", "gitlab", "verdict", "minutes"]
    assert InstalledEntry(REPORTS, "minutes", "nowhere:REPORT", "kitchen", "1.0") in foreign_entries()


@pytest.mark.parametrize("name", ["html", "runs", "Minutes", "a b"])
def test_a_name_that_is_taken_or_is_none_is_said(site: Path, name: str) -> None:
    """With both who have it."""
    named(site, {name: "nowhere:REPORT"})
    with pytest.raises(DoorFailed) as failed:
        entries_of(REPORTS)
    assert failed.value.entry == f"entry point {name} = nowhere:REPORT ({REPORTS}) of kitchen 1.0"
    assert ("envparity" in failed.value.why) == (name == "html")


def test_two_distributions_of_one_name(site: Path) -> None:
    """Neither is taken in silence."""
    named(site, {"minutes": "nowhere:REPORT"})
    named(site, {"minutes": "elsewhere:REPORT"}, "pantry")
    with pytest.raises(DoorFailed, match=r"pantry 1\.0 does not work: its name is taken by .* of kitchen 1\.0"):
        entries_of(REPORTS)


def test_our_own_errors_pass_and_those_of_others_are_named() -> None:
    """A mistake in a file stays one, whoever found it."""
    entry = InstalledEntry(REPORTS, "minutes", "x:Y", "kitchen", "1.0")
    with pytest.raises(ConfigurationError), unforeseen(entry):
        raise ConfigurationError([])
    with pytest.raises(DoorFailed, match="ZeroDivisionError"), unforeseen(entry):
        _ = 1 // 0


def test_every_door_loads_all_that_is_built_in() -> None:
    """And every group has a door that can be asked."""
    assert set(DOORS) == set(doors.GROUPS)
    for door in DOORS.values():
        assert isinstance(door, Door)
        assert list(door.every()) == list(door.entries())


@pytest.mark.parametrize(("value", "text", "why"), BROKEN.values(), ids=BROKEN)
def test_a_door_that_fails_is_one_message_and_3(tmp_path: Path, value: str, text: str, why: str) -> None:
    """It names the distribution; there is no traceback, and the other reports and commands work."""
    if "make" in text:
        text += "\nfrom envparity.report.kinds import Report\nREPORT = Report('Write.', make)\n"
    site = install(tmp_path / "site", "kitchen", {REPORTS: {"minutes": value}}, {"broken": text})
    run = saved_red_run(tmp_path / "runs")
    made = run_with(site, tmp_path, "envparity", "report", str(run.file), "--minutes", "minutes.txt")
    assert (made.returncode, made.stdout) == (3, "")
    assert f"entry point minutes = {value} ({REPORTS}) of kitchen 1.0 does not work: {why}" in made.stderr
    assert "Traceback" not in made.stderr
    assert not (tmp_path / "minutes.txt").exists()


def test_a_broken_door_harms_nobody_who_does_not_ask_for_it(tmp_path: Path) -> None:
    """The doctor says what is wrong with it."""
    site = install(tmp_path / "site", "kitchen", {REPORTS: {"minutes": "broken:REPORT"}}, {"broken": "1 / 0"})
    run = saved_red_run(tmp_path / "runs")
    made = run_with(site, tmp_path, "envparity", "report", str(run.file), "--junit", "junit.xml")
    assert (made.returncode, (tmp_path / "junit.xml").exists()) == (0, True)
    doctor = run_with(site, tmp_path, "envparity", "doctor")
    assert "kitchen 1.0 does not work: ZeroDivisionError" in " ".join(doctor.stdout.split())
    assert doctor.returncode == 3


RULE = """
from dataclasses import replace
from envparity.judge.registry import RULES
from envparity.judge.rules import ParityRule
RULE = replace(next(one for one in RULES if isinstance(one, ParityRule)), code="KIT101", check=lambda view: [])
"""
BROKEN_RULES = {
    "a code that is none": ("RULE = replace(RULE, code='kitchen')", "'kitchen' is no code"),
    "a code that another has": ("RULE = replace(RULE, code=RULES[0].code)", "is a rule of envparity"),
    "a family that is none": ("RULE = replace(RULE, conduct=replace(RULE.conduct, family='x'))", "of the family 'x'"),
    "a check that raises": ("RULE = replace(RULE, check=lambda view: 1 / 0)", "ZeroDivisionError"),
    "a check that gives nonsense": ("RULE = replace(RULE, check=lambda view: ['x'])", "something else than breaches"),
    "no rule": ("RULE = ()", "it is tuple, not a rule or a tuple of rules"),
}


@pytest.mark.parametrize("case", BROKEN_RULES)
def test_a_rule_that_does_not_work_names_its_distribution(site: Path, case: str) -> None:
    """Wherever it fails: when it is loaded, or when something is held against it."""
    text, why = BROKEN_RULES[case]
    module = f"kitchen_{list(BROKEN_RULES).index(case)}"
    install(site, "kitchen", {"envparity.rules": {"kitchen": f"{module}:RULE"}}, {module: f"{RULE}\n{text}\n"})
    registry._by_code.cache_clear()
    entries_of.cache_clear()
    try:
        with pytest.raises(DoorFailed) as failed:
            judge(PROJECT, [])
    finally:
        registry._by_code.cache_clear()
    assert "of kitchen 1.0" in failed.value.entry
    assert why in failed.value.why


def test_no_report_can_be_called_as_another_option() -> None:
    """Of the commands that make reports: a name that is taken there is refused where reports are listed."""
    from envparity.faces.cli.app import app
    from envparity.faces.cli.reporting import ReportingCommand

    commands = [command for command in app.commands.values() if isinstance(command, ReportingCommand)]
    assert commands
    options = {name for command in commands for held in command.params for name in (*held.opts, *held.secondary_opts)}
    own = {name.removeprefix("--") for name in options if name.startswith("--")} - {*entries_of(REPORTS)}
    assert own <= doors._RESERVED[REPORTS]
