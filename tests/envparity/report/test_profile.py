"""Where the time went: the parts of the run by the clock, the phases of its boots added up, the longest first."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from envparity.faces.cli.app import app
from envparity.judge import RULES
from envparity.report.html.page import html_page
from envparity.report.profile import profile_lines, profile_of
from envparity.report.saved import SavedRun, Saver
from tests.envparity.judge.builders import observation
from tests.envparity.report.recorded import described, events_of, run_of

TIMINGS = {
    "network": 0.5, "postgres": 3.0, "backend 0": 1.0, "backend 1": 2.0, "ingress": 0.5, "job migrate": 1.0,
    "startup": 4.0, "boot": 12.0, "scenarios": 20.0, "orders": 15.0,
}  # fmt: skip


def measured() -> SavedRun:
    staging = msgspec.structs.replace(observation("staging"), timings=TIMINGS)
    local = msgspec.structs.replace(observation("local"), timings={"startup": 1.0, "boot": 1.0, "scenarios": 2.0})
    run = run_of(local, staging)
    verdict = replace(run.verdict, duration_s=40.0, seconds={"boots": 30.0, "judging and looking for causes": 6.0})
    return replace(run, verdict=verdict)


def test_the_parts_by_the_clock_are_the_whole() -> None:
    """What is not measured by itself is the rest."""
    profile = profile_of(measured())
    assert [(share.name, share.seconds) for share in profile.clock] == [
        ("boots", 30.0),
        ("judging and looking for causes", 6.0),
        ("the rest", 4.0),
    ]


def test_the_phases_of_the_boots_are_added_up_and_are_all_of_them() -> None:
    """Servers and replicas start together, so that the slowest counts; orders are not conversations."""
    profile = profile_of(measured())
    phases = {phase.name: (phase.seconds, phase.of) for phase in profile.phases}
    assert phases == {
        "orders": (15.0, 1),
        "conversations": (7.0, 2),
        "startup of the backend": (5.0, 2),
        "servers": (3.0, 1),
        "places, networks, waiting for a turn": (2.0, 1),
        "replicas and ingress": (2.0, 1),
        "jobs": (1.0, 1),
    }
    assert profile.booted_s == 35.0
    assert list(phases) == sorted(phases, key=lambda name: (-phases[name][0], name))
    assert [boot.name for boot in profile.boots] == ["staging", "local"]


def test_a_run_that_measured_nothing_has_a_profile() -> None:
    """Of an earlier version: what is there is said."""
    run = run_of(observation("local"), observation("staging"))
    assert profile_of(run).phases == ()
    assert str(next(profile_lines(profile_of(run)))).startswith("Where the time went")


def test_the_page_has_it() -> None:
    """As a section that can be reached from the top."""
    page = html_page(measured(), RULES).decode()
    assert 'href="#profile"' in page
    assert "startup of the backend" in page


def test_report_says_it_where_it_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the verdict; not else."""
    monkeypatch.chdir(tmp_path)
    run = measured()
    saver = Saver(described(), tmp_path / "runs")
    for event in events_of(run.observations):
        saver.handle(event)
    asked = ["report", "--runs", str(tmp_path / "runs")]
    without = CliRunner().invoke(app, asked, prog_name="envparity")
    with_it = CliRunner().invoke(app, [*asked, "--profile"], prog_name="envparity")
    assert (without.exit_code, with_it.exit_code) == (0, 0)
    assert "Where the time went" not in without.stdout
    assert with_it.stdout.index("CLEAN") < with_it.stdout.index("Where the time went")
