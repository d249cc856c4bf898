"""Changes of the release: which cases they make, what a file must say for them, and what their cause is called."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from envparity.config.backend import read_backend
from envparity.config.project import load_project
from envparity.engine.changing import NOT_CHANGED, without_changes
from envparity.engine.plan import plan
from envparity.errors import ConfigurationError
from envparity.judge.cause import ReleaseCause
from envparity.judge.finding import Finding, Judgement
from envparity.judge.releases import with_changes
from envparity.launch.process.previous import previous_folder
from envparity.model.backend import Backend, Previous, ProcessSource
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment, Platform
from envparity.model.scenario import Scenario
from envparity.observe.record import Observation
from envparity.report.wording import cause_text
from tests.envparity.judge.builders import close, handshake, transcript

HEAD = 'name = "chat"\n[process]\ncommand = ["serve"]\n'
PREVIOUS = '[previous]\nfolder = "."\n'
STEPS = 'steps = [{ connect = "none" }, { close = 1000 }]\n'


def scenario(*more: str, name: str = "a") -> str:
    return f'[[scenario]]\nname = "{name}"\n' + "".join(f"{line}\n" for line in more) + STEPS


def mistakes_of(folder: Path, text: str) -> list[str]:
    """The keys of what is wrong with that backend's file, read with an environment."""
    file = folder / "backend.toml"
    file.write_text(text, encoding="utf-8")
    (folder / "environments").mkdir(exist_ok=True)
    (folder / "environments" / "local.toml").write_text('name = "local"\n', encoding="utf-8")
    try:
        load_project(file, folder / "environments")
    except ConfigurationError as wrong:
        return [mistake.key for mistake in wrong.mistakes]
    return []


UPGRADE = 'boot = { release = "upgrade" }'


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (HEAD + PREVIOUS + scenario(UPGRADE), []),
        (HEAD + scenario(UPGRADE), ["scenario a: boot.release"]),
        (HEAD + PREVIOUS + scenario(), []),
        (HEAD + "[previous]\n" + scenario(UPGRADE), ["previous"]),
        (HEAD + PREVIOUS + 'revision = "v1"\n' + scenario(UPGRADE), ["previous"]),
        (HEAD + '[previous]\nfolder = "nowhere"\n' + scenario(UPGRADE), ["previous.folder"]),
        (HEAD + '[previous]\nrevision = "--output=x"\n' + scenario(UPGRADE), ["previous.revision"]),
        (HEAD + PREVIOUS + scenario('boot = { release = "sideways" }'), ["previous", "scenario[0].boot"]),
        (HEAD + PREVIOUS + scenario(UPGRADE, "disruptive = true"), ["scenario[0].boot.release"]),
        (HEAD + PREVIOUS + scenario('boot = { release = "upgrade", hasten = 2 }'), ["scenario[0].boot.release"]),
        (
            'name = "chat"\n[image]\nname = "chat:1"\n' + PREVIOUS + scenario(UPGRADE),
            ["previous"],
        ),
    ],
)
def test_a_file_says_where_the_previous_release_is_and_what_changes_from_it(
    text: str, keys: list[str], tmp_path: Path
) -> None:
    """What has no effect, or cannot be done, is a mistake with its key."""
    found = mistakes_of(tmp_path, text)
    assert (found == keys) if "sideways" not in text else "scenario[0].boot" in " ".join(found)


def test_a_folder_is_beside_its_file(tmp_path: Path) -> None:
    """As every path of a backend's file is."""
    file = tmp_path / "backend.toml"
    (tmp_path / "old").mkdir()
    file.write_text(HEAD + '[previous]\nfolder = "old"\n' + scenario(UPGRADE), encoding="utf-8")
    backend, _ = read_backend(file)
    assert backend is not None
    assert backend.previous == Previous(folder=(tmp_path / "old").resolve())


def test_each_change_is_booted_and_held_against_this_release_alone() -> None:
    """A scenario of a change is played on the usual boot as well; rolling needs two replicas."""
    changing = tuple(Scenario(name=change, boot=Boot(release=change), steps=()) for change in ("upgrade", "rolling"))
    backend = Backend("chat", Path("backend.toml"), scenarios=changing)
    environments = {
        "laptop": Environment(name="laptop"),
        "cloud": Environment(name="cloud", platform=Platform(replicas=2)),
    }
    planned = {
        str(planned_case.case): [each.name for each in planned_case.scenarios]
        for planned_case in plan(backend, environments)
    }
    assert planned == {
        "laptop": ["upgrade"],
        "cloud": ["upgrade", "rolling"],
        "laptop (upgrade from the previous release)": ["upgrade"],
        "cloud (upgrade from the previous release)": ["upgrade"],
        "cloud (rolling from the previous release)": ["rolling"],
    }
    cases = plan(backend, environments)

    class Other:
        name = "container"

    class Processes:
        name = "process"

    left, told = without_changes(cases, Other())  # type: ignore[arg-type]
    assert ({planned_case.case.boot.release for planned_case in left}, told) == ({""}, (NOT_CHANGED,))
    assert without_changes(cases, Processes()) == (cases, ())  # type: ignore[arg-type]


def seen(release: str, *, kept: bool = True, before: bool = True) -> Observation:
    whole = transcript(handshake(), close(by="client"))
    broken = msgspec.structs.replace(whole, departure=object())
    script: Any = whole if kept else broken
    old: Any = whole if before else broken
    case = Case("cloud", "chat", Boot(release=release))  # type: ignore[arg-type]
    return Observation(case, "process", "0a1b2c3d", transcripts=(script,), before=(old,) if release else ())


def finding(*observations: Observation) -> Finding:
    name = observations[0].transcripts[0].scenario
    return Finding(
        "EP305", "t", "w", "e", "g", ("cloud",), tuple(observation.case.id for observation in observations),
        scenario=name, scenarios=(name,),
    )  # fmt: skip


def caused(found: Finding, *observations: Observation) -> ReleaseCause | None:
    (told,) = with_changes(Judgement((found,), (), 1), observations).findings
    assert told.cause is None or isinstance(told.cause, ReleaseCause)
    return told.cause


def test_what_only_a_change_shows_has_it_for_its_cause() -> None:
    """With what either release does by itself; several changes are all named."""
    rolling, back, usual = seen("rolling", kept=False), seen("rollback", kept=False), seen("")
    cause = caused(finding(rolling, back), rolling, back, usual)
    assert cause == ReleaseCause(("rolling", "rollback"), before=True, alone=True)
    assert cause_text(cause).count("previous release") == 2


def test_what_a_release_shows_by_itself_is_not_the_changes() -> None:
    """No cause where the usual boot shows it too; less of one where the previous release did not keep to it."""
    rolling, usual = seen("rolling", kept=False), seen("", kept=False)
    assert caused(finding(rolling, usual), rolling, usual) is None
    worse = seen("rolling", kept=False, before=False)
    assert caused(finding(worse), worse, seen("")) == ReleaseCause(("rolling",), before=False, alone=True)
    assert caused(finding(rolling), rolling) == ReleaseCause(("rolling",), before=True, alone=False)


def git(folder: Path, *arguments: str) -> None:
    command = [shutil.which("git") or "git", "-c", "user.name=n", "-c", "user.email=n@example.org", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)


def test_a_revision_is_the_tree_of_that_commit(tmp_path: Path) -> None:
    """Of the folder that this release has; one that is none is a mistake of the file."""
    repository = tmp_path / "repository"
    (repository / "service").mkdir(parents=True)
    program = repository / "service" / "serve.py"
    program.write_text("old\n", encoding="utf-8")
    git(repository, "init", "--quiet")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "The first")
    git(repository, "tag", "v1")
    program.write_text("new\n", encoding="utf-8")
    source = ProcessSource(("serve",), repository / "service")

    def named(revision: str) -> Backend:
        return Backend("chat", repository / "backend.toml", process=source, previous=Previous(revision=revision))

    found = previous_folder(named("v1"), source, tmp_path / "tree")
    assert found is not None
    assert (found / "serve.py").read_text(encoding="utf-8") == "old\n"
    with pytest.raises(ConfigurationError):
        previous_folder(named("v2"), source, tmp_path / "other")
    with pytest.raises(ConfigurationError):
        previous_folder(named("v1"), ProcessSource(("serve",), tmp_path), tmp_path / "third")
