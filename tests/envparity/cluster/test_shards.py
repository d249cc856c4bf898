"""Shards: each boots its own cases, and merged they are the run that one process would have made."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.cluster.plan import CaseOfPlan, shares
from envparity.judge.cause import TraitsCause
from envparity.report.saved import SavedRun, newest_run
from tests.envparity.cluster.conftest import Envparity
from tests.envparity.cluster.ferries import CASES, SECRET, FerryLauncher, unlike

OF = 4


@pytest.fixture
def shards(envparity_: Envparity) -> Callable[..., list[str]]:
    """A function that observes all shards, and gives their files."""

    def observe(*options: str, of: int = OF, name: str = "shard") -> list[str]:
        files = [f"{name}-{index}.ndjson" for index in range(1, of + 1)]
        for index, file in enumerate(files, start=1):
            result = envparity_("run", "--plain", "--shard", f"{index}/{of}", "--ndjson", file, *options)
            assert result.exit_code == 0, result.output
        return files

    return observe


Shards = Callable[..., list[str]]


def saved() -> SavedRun:
    return newest_run(Path(".envparity/runs"))


def test_merged_shards_are_the_run_of_one_process(
    envparity_: Envparity, shards: Shards, launchers: list[FerryLauncher]
) -> None:
    """Findings, causes, exemptions, extent: nothing differs but times. No shard boots what is another's."""
    assert envparity_("run", "--plain").exit_code == 1
    alone = saved().verdict
    files = shards()
    booted = [case.id for launcher in launchers[1:] for case in launcher.booted]
    assert sorted(booted) == sorted({*booted})
    assert len(booted) == CASES
    assert envparity_("merge", "--plain", *files).exit_code == 1
    together = saved().verdict
    assert unlike(alone, together) == []
    assert together.run_id != alone.run_id
    causes = [finding.cause for finding in together.findings if isinstance(finding.cause, TraitsCause)]
    assert {cause.alternatives for cause in causes} == {(("GREETING=terse",),)}
    assert all(launcher.closed for launcher in launchers)


def test_every_boot_of_a_repeated_case_is_merged(envparity_: Envparity, shards: Shards) -> None:
    """`--repeat` is each shard's own matter; the counts are those of all boots."""
    assert envparity_("run", "--plain", "--repeat", "2", "--no-causes").exit_code == 1
    alone = saved().verdict
    assert envparity_("merge", "--plain", "--no-causes", *shards("--repeat", "2")).exit_code == 1
    assert unlike(alone, saved().verdict) == []


def test_a_clean_merge_boots_nothing(
    envparity_: Envparity, shards: Shards, launchers: list[FerryLauncher], ferry: Path
) -> None:
    """It needs no engine on the machine that merges."""
    (ferry / "environments" / "harbour.toml").unlink()
    (ferry / "backend.toml").write_text((ferry / "backend.toml").read_text().partition("[[scenario]]")[0])
    files = shards(of=1)
    before = len(launchers)
    merged = envparity_("merge", "--plain", *files)
    assert "CLEAN" in merged.output, merged.output
    assert (merged.exit_code, len(launchers)) == (0, before)


def test_no_secret_is_in_a_shard_and_whether_two_are_the_same_is_known_all_the_same(
    envparity_: Envparity, shards: Shards, ferry: Path
) -> None:
    """Each shard has a salt of its own, which stays with it; the merge makes fingerprints of what its files say."""
    files = shards()
    assert envparity_("merge", "--plain", "--no-causes", *files).exit_code == 1
    assert not [finding for finding in saved().verdict.findings if finding.where == "API_TOKEN"]
    environment = ferry / "environments" / "harbour.toml"
    environment.write_text(environment.read_text().replace(SECRET, f"another-{SECRET}"))
    assert envparity_("merge", "--plain", "--no-causes", *shards()).exit_code == 1
    assert [finding.code for finding in saved().verdict.findings if finding.where == "API_TOKEN"] == ["EP203"]
    assert not any(SECRET in (ferry / file).read_text() for file in files)


def test_a_merged_run_is_saved_and_reported_as_any_other(envparity_: Envparity, shards: Shards, ferry: Path) -> None:
    """Its reports are those of a run; and what a case took in a shard is what a plan knows from then on."""
    files = shards()
    assert envparity_("merge", "--plain", *files, "--junit", "junit.xml", "--ndjson", "all.ndjson").exit_code == 1
    assert "EP203" in (ferry / "junit.xml").read_text()
    assert (ferry / "all.ndjson").read_text().count('"type":"CaseObserved"') == CASES
    assert len(saved().observations) == CASES
    planned = json.loads(envparity_("plan", "--json").output)["cases"]
    assert all(case["seconds"] is not None for case in planned)


# What is refused ------------------------------------------------------------------------------------------------------


def head_of(file: Path) -> dict[str, object]:
    return dict(json.loads(file.read_text().splitlines()[0]))


def with_head(file: Path, **changed: object) -> None:
    """Change what a shard's file says of itself."""
    first, *rest = file.read_text().splitlines()
    head = json.loads(first)
    head["shard"] |= changed
    file.write_text("\n".join([json.dumps(head), *rest]) + "\n")


def refused(envparity_: Envparity, launchers: Sequence[FerryLauncher], *files: str) -> str:
    """What is said where these files are not one run; nothing is booted for it."""
    before = len(launchers)
    result = envparity_("merge", "--plain", *files)
    assert (result.exit_code, len(launchers)) == (2, before), result.output
    return result.output


def test_a_shard_that_is_missing_is_named(
    envparity_: Envparity, shards: Shards, launchers: list[FerryLauncher]
) -> None:
    files = shards()
    assert "none of 2/4" in refused(envparity_, launchers, *files[:1], *files[2:])


def test_a_shard_that_is_doubled_is_named(
    envparity_: Envparity, shards: Shards, launchers: list[FerryLauncher], ferry: Path
) -> None:
    files = shards()
    shutil.copy(ferry / files[1], ferry / "again.ndjson")
    said = refused(envparity_, launchers, *files, "again.ndjson")
    assert "shard 2/4 2 times" in said
    assert "again.ndjson" in said


@pytest.mark.parametrize(
    ("changed", "word"), [({"version": "0.0.9"}, "version"), ({"commit": "1a2b"}, "commit"), ({"files": "0"}, "files")]
)
def test_a_shard_of_something_else_is_refused(
    envparity_: Envparity,
    shards: Shards,
    launchers: list[FerryLauncher],
    ferry: Path,
    changed: dict[str, str],
    word: str,
) -> None:
    """One of another commit, other files or another version than the others; and all of them, than what is here."""
    files = shards(of=2)
    with_head(ferry / files[1], **changed)
    said = refused(envparity_, launchers, *files)
    assert f"expected {word} " in said
    assert f"as {files[0]} has" in said
    with_head(ferry / files[0], **changed)
    said = refused(envparity_, launchers, *files)
    assert f"expected {word} " in said
    assert "as here" in said


def test_a_shard_that_was_interrupted_is_refused(
    envparity_: Envparity, shards: Shards, launchers: list[FerryLauncher], ferry: Path
) -> None:
    """What is missing is named. A file that ends in the middle of a line is no saved run."""
    files = shards()
    lines = (ferry / files[0]).read_text().splitlines(keepends=True)
    (ferry / files[0]).write_text("".join(line for line in lines if "CaseObserved" not in line))
    own = head_of(ferry / files[0])["shard"]
    assert isinstance(own, dict)
    said = refused(envparity_, launchers, *files)
    assert "interrupted before" in said
    assert all(case in said for case in own["own"])
    (ferry / files[0]).write_text("".join(lines)[:-40])
    assert files[0] in refused(envparity_, launchers, *files)


def test_shards_with_other_options_are_refused(
    envparity_: Envparity, shards: Shards, launchers: list[FerryLauncher]
) -> None:
    """What is booted must be the same in all of them."""
    files = shards(of=2)
    others = shards("--only", "ask", of=2, name="other")
    assert "plan" in refused(envparity_, launchers, files[0], others[1])


def test_shards_that_were_cut_by_different_plans_are_refused(
    envparity_: Envparity, shards: Shards, launchers: list[FerryLauncher], ferry: Path
) -> None:
    """A case that is in none of them or in two is named; with the same plan they are one run."""
    plan = json.loads(envparity_("plan", "--json").output)
    for at, case in enumerate(plan["cases"]):
        case["seconds"] = float(at * at)
    (ferry / "plan.json").write_text(json.dumps(plan))
    files, planned = shards(of=2), shards("--plan", "plan.json", of=2, name="planned")
    said = refused(envparity_, launchers, files[0], planned[1])
    assert "in none" in said or "in several" in said
    assert envparity_("merge", "--plain", "--no-causes", *planned).exit_code == 1
    assert len(saved().observations) == CASES


def test_a_shard_by_another_launcher_and_a_whole_run_are_refused(
    envparity_: Envparity, shards: Shards, launchers: list[FerryLauncher], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = shards(of=2)
    monkeypatch.setattr(FerryLauncher, "name", "other")
    others = shards(of=2, name="other")
    assert "launcher fake" in refused(envparity_, launchers, files[0], others[1])
    assert envparity_("run", "--plain", "--no-causes").exit_code == 1
    (whole,) = Path(".envparity/runs").glob("*.ndjson")
    assert "whole run" in refused(envparity_, launchers, str(whole))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--shard", "0/4", "--ndjson", "x.ndjson"), "I/N"),
        (("--shard", "5/4", "--ndjson", "x.ndjson"), "I/N"),
        (("--shard", "1/4"), "--ndjson"),
        (("--plan", "plan.json"), "--shard"),
        (("--shard", "1/2", "--ndjson", "x.ndjson", "--html", "x.html"), "no report of a shard"),
        (("--shard", "1/2", "--ndjson", "x.ndjson", "--plan", "missing.json"), "missing.json"),
    ],
)
def test_what_has_no_effect_in_a_shard_is_refused(envparity_: Envparity, options: tuple[str, ...], word: str) -> None:
    result = envparity_("run", *options)
    assert result.exit_code == 2
    assert word in result.output


# Plans ----------------------------------------------------------------------------------------------------------------


def test_a_plan_is_the_same_each_time_and_knows_its_commit(envparity_: Envparity, ferry: Path) -> None:
    """What is changed since the commit is known too; where a secret is another one, no digest tells."""
    git = ["git", "-c", "user.name=f", "-c", "user.email=f@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "the ferry"]):
        subprocess.run([*git, *command], check=True, timeout=300)
    first, second = (json.loads(envparity_("plan", "--json").output) for _ in range(2))
    assert first == second
    assert [case["id"] for case in first["cases"]][:2] == ["quay", "harbour"]
    assert len(first["cases"]) == CASES
    assert len(first["commit"]) == 40
    (ferry / "server.py").write_text("print('another')\n")
    changed = json.loads(envparity_("plan", "--json").output)
    assert changed["commit"].startswith(first["commit"] + "+")
    assert changed["files"] == first["files"]
    environment = ferry / "environments" / "quay.toml"
    environment.write_text(environment.read_text().replace(SECRET, "hidden"))
    assert json.loads(envparity_("plan", "--json").output)["files"] == first["files"]
    environment.write_text(environment.read_text().replace('BOATS = "2"', 'BOATS = "3"'))
    assert json.loads(envparity_("plan", "--json").output)["files"] != first["files"]


def test_a_plan_of_other_files_is_refused(envparity_: Envparity, ferry: Path) -> None:
    """With what differs."""
    (ferry / "plan.json").write_text(envparity_("plan", "--json").output)
    environment = ferry / "environments" / "quay.toml"
    environment.write_text(environment.read_text().replace('BOATS = "2"', 'BOATS = "3"'))
    result = envparity_("run", "--shard", "1/2", "--ndjson", "x.ndjson", "--plan", "plan.json")
    assert result.exit_code == 2
    assert "files" in result.output
    (ferry / "plan.json").write_text("{}")
    assert envparity_("run", "--shard", "1/2", "--ndjson", "x.ndjson", "--plan", "plan.json").exit_code == 2


@given(st.lists(st.one_of(st.none(), st.floats(0.0, 600.0)), max_size=40), st.integers(1, 9))
def test_every_case_is_in_one_shard_and_none_has_more_than_it_must(took: list[float | None], count: int) -> None:
    """The longest first: no shard is later than the mean by more than the longest case (Graham 1969)."""
    cases = [CaseOfPlan(f"case-{at}", "local", "", 1, seconds) for at, seconds in enumerate(took)]
    cut = shares(cases, count)
    assert len(cut) == count
    assert sorted(case for own in cut for case in own) == sorted(case.id for case in cases)
    assert cut == shares(msgspec.json.decode(msgspec.json.encode(cases), type=list[CaseOfPlan]), count)
    if cases and None not in took:
        known = {case.id: case.seconds or 0.0 for case in cases}
        loads = [sum(known[case] for case in own) for own in cut]
        assert max(loads) <= sum(loads) / count + max(known.values()) + 1e-6
