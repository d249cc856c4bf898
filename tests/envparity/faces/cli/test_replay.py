"""`envparity replay`: what it boots again, and what it says of what it sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from msgspec.structs import replace

from envparity.engine.replay import needed_environments, needed_scenarios, unplayed
from envparity.engine.replay_answer import ReplayAnswer
from envparity.errors import EngineUnavailable
from envparity.judge.finding import Finding
from envparity.model.case import Boot, Case
from envparity.report.saved import SavedRun
from tests.envparity.judge.builders import observation, transcript
from tests.envparity.report.recorded import run_of

Envparity = Callable[..., Result]
FINDING = Finding(
    "EP303", "close not as promised", "greeting", "1000", "1011", ("staging",), ("staging",),
    scenario="greeting", scenarios=("greeting",),
)  # fmt: skip
OTHER = Finding("EP101", "startup validation failed", "redis", "pass", "fail", ("local",), ("local",))


def seen_again(
    fake: Any, envparity: Envparity, before: tuple[Finding, ...], after: tuple[Finding, ...], *what: str
) -> Result:
    """Replay after a run that had some findings, where the boots now show others."""
    fake.findings = before
    envparity("run")
    fake.asked.clear()
    fake.findings = after
    return envparity("replay", *what)


def test_still_red_is_1(envparity: Envparity, fake: Any) -> None:
    """The same identity, whatever the detail: it is the finding."""
    result = seen_again(fake, envparity, (FINDING,), (replace(FINDING, got="1006"),), FINDING.id)
    assert result.exit_code == 1
    assert f"still red: {FINDING.id} close not as promised" in result.stdout
    assert "got          1006" in result.stdout


@pytest.mark.parametrize("other", [{"nature": "close 1006"}, {"step": 4}])
def test_another_failure_in_its_place_is_no_all_clear(envparity: Envparity, fake: Any, other: dict[str, Any]) -> None:
    """The same rule at the same place in another way, or at another step, is another failure, and may hide it."""
    known = replace(FINDING, nature="close 1011", step=2)
    result = seen_again(fake, envparity, (known,), (replace(known, **other),), known.id)
    assert result.exit_code == 1
    assert f"not decided: {FINDING.id}" in result.stdout


def test_no_longer_is_0(envparity: Envparity, fake: Any) -> None:
    """And what was there before and still is, is said."""
    result = seen_again(fake, envparity, (FINDING, OTHER), (OTHER,), FINDING.id)
    assert result.exit_code == 0
    assert f"no longer: {FINDING.id}" in result.stdout
    assert f"still there: {OTHER.id}" in result.stdout


def test_something_new_in_its_way_is_no_all_clear(envparity: Envparity, fake: Any) -> None:
    """A startup that fails now plays no conversation: that the finding is gone is not known."""
    result = seen_again(fake, envparity, (FINDING,), (OTHER,), FINDING.id)
    assert result.exit_code == 1
    assert f"not decided: {FINDING.id}" in result.stdout
    assert "EP101 startup validation failed" in result.stdout


def test_a_machine_that_cannot_boot_it_is_3(envparity: Envparity, fake: Any) -> None:
    """No engine, or an environment that does not stand: no answer."""
    unlaunched = Finding("EP901", "environment could not be stood up", "staging", "up", "no network", ("staging",), ())
    result = seen_again(fake, envparity, (FINDING,), (unlaunched,), FINDING.id)
    assert (result.exit_code, "no network" in result.stderr) == (3, True)
    fake.error = EngineUnavailable("no engine")
    assert envparity("replay", FINDING.id).exit_code == 3


def test_it_boots_what_is_needed_and_saves_no_run(envparity: Envparity, fake: Any, files: Path) -> None:
    """One environment and one scenario; the saved run stays the newest, so that it can be asked again."""
    seen_again(fake, envparity, (FINDING,), (), FINDING.id.lower())
    ((project, launcher, only),) = fake.asked
    assert (tuple(project.environments), launcher, only) == (("staging",), "auto", ("greeting",))
    assert [path.name for path in (files / ".envparity/runs").iterdir()] == ["0a1b2c3d.ndjson"]


def test_the_code_alone_is_enough_where_it_is_the_only_one(envparity: Envparity, fake: Any) -> None:
    """Otherwise the message says which there are."""
    assert seen_again(fake, envparity, (FINDING, OTHER), (), "EP303").exit_code == 0
    second = replace(FINDING, where="farewell")
    result = seen_again(fake, envparity, (FINDING, second), (), "EP303")
    assert (result.exit_code, fake.asked) == (2, [])
    assert f"{FINDING.id}, {second.id}" in result.stderr


@pytest.mark.parametrize(
    ("asked", "before", "told"),
    [
        (FINDING.id[:-1] + "x", (FINDING,), f"did you mean {FINDING.id}"),
        ("nonsense", (FINDING,), f"there are {FINDING.id}"),
        ("EP303", (), "that run was clean"),
    ],
)
def test_an_unknown_finding_is_2(
    envparity: Envparity, fake: Any, asked: str, before: tuple[Finding, ...], told: str
) -> None:
    """With those that are near; nothing boots."""
    result = seen_again(fake, envparity, before, (), asked)
    assert (result.exit_code, result.stdout, fake.asked) == (2, "", [])
    assert told in result.stderr


def test_another_run_may_be_named(envparity: Envparity, fake: Any, files: Path) -> None:
    """By its id or by its file; one that is not there is bad input."""
    fake.findings = (FINDING,)
    envparity("run", "--runs", "elsewhere")
    fake.findings = ()
    assert envparity("replay", FINDING.id).exit_code == 2
    assert envparity("replay", FINDING.id, "--run", "elsewhere/0a1b2c3d.ndjson").exit_code == 0
    assert envparity("replay", FINDING.id, "--run", "0a1b", "--runs", "elsewhere").exit_code == 0


def planned(finding: Finding) -> tuple[SavedRun, Finding]:
    """A run in which a boot without postgres was made for one scenario."""
    down = Boot(down=("postgres",))
    special = tuple(
        observation(name, boot=down, transcripts=(transcript(scenario="without"),)) for name in ("local", "staging")
    )
    run = run_of(observation("local"), observation("staging"), *special)
    return run, replace(finding, cases=(Case("staging", "shop", down).id,), scenario=None)


def test_a_finding_without_a_scenario_takes_one_that_boots_the_same_way() -> None:
    """A special boot is only made for a scenario that asks for it."""
    run, finding = planned(FINDING)
    assert needed_scenarios(finding, run) == ("without",)
    assert needed_environments(finding, run) == ("staging",)
    assert needed_scenarios(replace(finding, cases=("local",)), run) == ("chat",)


@pytest.mark.parametrize(
    ("code", "boot"),
    [("EP112", Boot(other_host=("postgres",))), ("EP504", Boot(silent_start=("postgres",)))],
    ids=["another host", "silent"],
)
def test_of_boots_that_no_scenario_asks_for_those_that_showed_it_are_made_again(code: str, boot: Boot) -> None:
    """Nothing was played in them; what shows in the usual boot too is seen there."""
    checked = observation("staging", boot=boot, transcripts=())
    run = run_of(observation("staging"), checked)
    finding = replace(FINDING, code=code, cases=(checked.case.id,), scenario=None, scenarios=())
    assert (unplayed(finding, run), needed_scenarios(finding, run)) == ((checked.case.id,), ())
    assert unplayed(replace(finding, cases=(checked.case.id, "staging")), run) == ()
    run, usual = planned(FINDING)
    assert unplayed(usual, run) == ()


@pytest.mark.parametrize("code", ["EP505", "EP524"])
def test_what_a_thorough_run_alone_does_at_the_end_of_the_usual_boot_is_done_again(code: str) -> None:
    """Somebody is killed in it, or visited very often."""
    run = run_of(observation("staging"), observation("local"))
    finding = replace(FINDING, code=code, cases=("staging",), scenario=None, scenarios=())
    assert (unplayed(finding, run), needed_scenarios(finding, run)) == (("staging",), ("chat",))


def test_a_comparison_boots_both_sides_and_a_declaration_everything() -> None:
    """The baseline comes first; an unused declaration can only be seen where all was played."""
    run, finding = planned(FINDING)
    assert needed_environments(replace(finding, cases=("staging", "local")), run) == ("local", "staging")
    unused = replace(finding, code="EP204")
    assert (needed_environments(unused, run), needed_scenarios(unused, run)) == (("local", "staging"), ())


def test_an_order_is_the_same_by_code_and_component() -> None:
    """A few orders stand for many, so the place may be called after another one; elsewhere identity alone counts."""
    known = replace(FINDING, component="redis")
    now = replace(known, where="elsewhere")
    assert ReplayAnswer((now,), ("local",), 2, 4, of_orders=True).same(now, known)
    assert not ReplayAnswer((now,), ("local",), 2, 4, of_orders=True).same(replace(now, component="postgres"), known)
    assert not ReplayAnswer((now,), ("local",), 2, 4).same(now, known)


def test_a_replay_plays_what_was_played_beside_it() -> None:
    """A fault may need another conversation at the same time; how a backend starts needs one client."""
    beside = (transcript(scenario="greeting"), transcript(scenario="chat"))
    run = run_of(observation("local"), observation("staging", transcripts=beside))
    assert needed_scenarios(FINDING, run) == ("greeting", "chat")
    grown = replace(FINDING, code="EP521", scenario=None, scenarios=())
    assert needed_scenarios(grown, run) == ("greeting", "chat"), "it takes all of them to see it"
    startup = replace(FINDING, code="EP101")
    assert needed_scenarios(startup, run) == ("greeting",)


def test_a_run_from_elsewhere_leads_to_no_file_outside_of_the_project(
    envparity: Envparity, fake: Any, files: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A backend's file says what is run: one that a stranger's file names is not taken, but the present project's."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("backend.toml", "environments/local.toml", "environments/staging.toml"):
        (elsewhere / name).parent.mkdir(exist_ok=True)
        (elsewhere / name).write_bytes((files / name).read_bytes())
    fake.findings = (FINDING,)
    envparity("run", "--backend", f"{elsewhere}/backend.toml", "--environments", f"{elsewhere}/environments")
    assert fake.asked.pop()[0].backend.file == elsewhere / "backend.toml"
    saved = elsewhere / "run.ndjson"
    saved.write_bytes((files / ".envparity/runs/0a1b2c3d.ndjson").read_bytes())
    fake.findings = ()
    assert envparity("replay", FINDING.id, "--run", str(saved)).exit_code == 0
    assert fake.asked.pop()[0].backend.file.resolve() == files / "backend.toml"
    assert envparity("replay", FINDING.id).exit_code == 0, "a run that was made here knows its files"
    assert fake.asked.pop()[0].backend.file == elsewhere / "backend.toml"
    (files / "backend.toml").unlink()
    assert envparity("replay", FINDING.id, "--run", str(saved)).exit_code == 2
    assert fake.asked == []
