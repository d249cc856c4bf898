"""A run on disk: whole, without secrets, the newest 20, and refused in one message where it is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from envparity.config.project import load_project
from envparity.engine.events import RunStarted, Waiting
from envparity.errors import ConfigurationError
from envparity.report.ndjson import NdjsonWriter
from envparity.report.saved import (
    KEPT,
    SavedRun,
    Saver,
    find_run,
    newest_run,
    read_run,
    runs_folder,
    saved_project,
    saved_runs,
)
from envparity.report.saved_project import FORMAT
from tests.envparity.judge.builders import observation
from tests.envparity.report.recorded import described, events_of

FILES = {
    "backend.toml": 'name = "chat"\n[image]\nname = "chat:1"\n\n[[scenario]]\nname = "greeting"\ntitle = "hello"\n'
    'steps = [{ connect = "none" }, { close = 1000 }]\n',
    "environments/local.toml": 'name = "local"\n\n[settings]\nA = "hunter2-hunter2"\n\n'
    '[[differences]]\npath = "*.A.value"\nreason = "meant"\n',
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(folder: Path, run_id: str = "0a1b2c3d", *, until: int | None = None) -> list[SavedRun]:
    """Write a run as the engine would; returns what was handed on."""
    handed: list[SavedRun] = []
    saver = Saver(described(), folder, [handed.append])
    saver.handle(Waiting("", "an image"))  # before the run has an id
    for event in events_of([observation("local"), observation("staging")])[:until]:
        saver.handle(replace(event, run_id=run_id) if isinstance(event, RunStarted) else event)
    saver.close()
    return handed


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    """Project, observations and verdict; the reports get the very same."""
    (handed,) = save(tmp_path / "runs")
    assert read_run(tmp_path / "runs/0a1b2c3d.ndjson") == handed
    assert [observation.case.id for observation in handed.observations] == ["local", "staging"]


def test_its_lines_are_called_as_in_runs_that_were_saved_before(tmp_path: Path) -> None:
    save(tmp_path)
    first, second, *_ = (tmp_path / "0a1b2c3d.ndjson").read_text(encoding="utf-8").splitlines()
    assert first.startswith('{"type":"SavedSubject",')
    assert second.startswith('{"type":"RunStarted",')


def test_an_interrupted_run_is_kept_and_is_no_report(tmp_path: Path) -> None:
    """What it saw lies in whole lines; the newest finished run is another."""
    save(tmp_path, "aaaaaaaa")
    assert save(tmp_path, "bbbbbbbb", until=-1) == []
    os.utime(tmp_path / "aaaaaaaa.ndjson", (1, 1))
    assert newest_run(tmp_path).started.run_id == "aaaaaaaa"
    with pytest.raises(ConfigurationError, match="interrupted"):
        read_run(tmp_path / "bbbbbbbb.ndjson")


def test_the_newest_20_are_kept(tmp_path: Path) -> None:
    """The oldest go first, whatever they are called; what is no run stays."""
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    for number in range(KEPT + 3):
        save(tmp_path, f"{99 - number:08x}")
        os.utime(tmp_path / f"{99 - number:08x}.ndjson", (number, number))
    save(tmp_path, "ffffffff")
    kept = saved_runs(tmp_path)
    assert (len(kept), kept[0].stem, kept[-1].stem) == (KEPT, "ffffffff", f"{99 - 4:08x}")
    assert (tmp_path / "notes.txt").is_file()


def test_a_run_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    """As long as only one begins so; otherwise the message names those that there are."""
    save(tmp_path, "abc11111")
    save(tmp_path, "abd22222")
    assert find_run("abc", tmp_path).started.run_id == "abc11111"
    assert find_run(str(tmp_path / "abd22222.ndjson"), tmp_path).started.run_id == "abd22222"
    with pytest.raises(ConfigurationError, match=r"2 that begin so: abd22222, abc11111"):
        find_run("ab", tmp_path)
    with pytest.raises(ConfigurationError, match=r"did you mean abc11111\?"):
        find_run("abc11112", tmp_path)


def test_no_value_of_a_setting_is_saved_with_the_project(files: Path) -> None:
    """A literal in an environment's file may be a secret; only where it stands is kept."""
    project = load_project(files / "backend.toml", files / "environments")
    saver = Saver(saved_project(project, files / "environments"), files / "runs")
    for event in events_of([observation("local")], project):
        saver.handle(event)
    (file,) = saved_runs(files / "runs")
    assert "hunter2" not in file.read_text(encoding="utf-8")
    (environment,) = read_run(file).project.environments
    assert environment.file == "environments/local.toml"
    assert {key: environment.lines[key] for key in ("settings.A", "differences.*.A.value")} == {
        "settings.A": 4,
        "differences.*.A.value": 6,
    }
    assert [(scenario.name, scenario.title, scenario.line) for scenario in read_run(file).project.scenarios] == [
        ("greeting", "hello", 5)
    ]


def test_what_is_no_saved_run_is_refused_by_its_line(tmp_path: Path) -> None:
    """A missing file, another program's lines, and the bare stream of --ndjson: each its own message."""
    (tmp_path / "other.ndjson").write_text('{"type":"SavedSubject"}\n', encoding="utf-8")
    writer = NdjsonWriter(tmp_path / "bare.ndjson")
    for event in events_of([observation("local")]):
        writer.handle(event)
    writer.close()
    for name, told in (
        ("none.ndjson", "No such file"),
        ("other.ndjson", r"other.ndjson:1: .*began"),
        ("bare.ndjson", "bare stream"),
    ):
        with pytest.raises(ConfigurationError, match=told):
            read_run(tmp_path / name)
    with pytest.raises(ConfigurationError, match="no saved run"):
        newest_run(tmp_path / "empty")


def test_a_folder_that_cannot_be_made_is_refused_before_the_run(tmp_path: Path) -> None:
    """Nothing boots only to be lost."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="--runs or ENVPARITY_RUNS"):
        Saver(described(), tmp_path / "file/runs")


def test_the_folder_is_said_or_set_or_the_usual_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option wins over ENVPARITY_RUNS, which wins over .envparity/runs."""
    monkeypatch.delenv("ENVPARITY_RUNS", raising=False)
    assert runs_folder(root=tmp_path) == tmp_path / ".envparity/runs"
    monkeypatch.setenv("ENVPARITY_RUNS", "elsewhere")
    assert runs_folder() == Path("elsewhere")
    assert runs_folder("here") == Path("here")


@pytest.mark.parametrize("other", [FORMAT - 1, FORMAT + 1])
def test_a_run_of_another_version_is_refused_by_its_format(tmp_path: Path, other: int) -> None:
    """By its first line, before anything in it is misread: what has other names now would be missed in silence."""
    save(tmp_path)
    path = tmp_path / "0a1b2c3d.ndjson"
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    assert f'"format":{FORMAT}' in first
    path.write_text("\n".join([first.replace(f'"format":{FORMAT}', f'"format":{other}'), *rest]), encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        read_run(path)
    (mistake,) = refused.value.mistakes
    assert (mistake.line, mistake.got) == (1, f"format {other}")
