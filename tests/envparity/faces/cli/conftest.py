"""A folder with a backend file and an environment that are in order, and a run that never boots anything."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from envparity.engine.events import Emit, RunFinished, RunStarted
from envparity.engine.session import engine
from envparity.engine.session.inputs import Exploration
from envparity.errors import EnvparityError
from envparity.faces.cli.app import app
from envparity.judge.finding import Finding, Verdict
from envparity.model.project import Project

BACKEND = """\
name = "chat"

[image]
name = "chat:1"

[[scenario]]
name = "greeting"
steps = [{ connect = "none" }, { close = 1000 }]

[[scenario]]
name = "farewell"
steps = [{ connect = "none" }, { close = 1000 }]
"""
FINDING = Finding("EP101", "startup validation failed", "postgres", "pass", "fail", ("local",), ("local",))


@dataclass
class FakeEngine:
    """Takes what the command line asks to run, and gives a verdict with these findings, or this error."""

    findings: tuple[Finding, ...] = ()
    error: EnvparityError | None = None
    asked: list[tuple[Project, str, tuple[str, ...]]] = field(default_factory=list)
    causes: list[bool] = field(default_factory=list)
    repeats: list[int] = field(default_factory=list)
    explored: list[Exploration | None] = field(default_factory=list)
    shares: list[Collection[str] | None] = field(default_factory=list)

    def to_verdict(self, project: Project, launcher: str, emit: Emit, asked: engine.RunRequest) -> Verdict:
        self.causes.append(asked.causes)
        self.repeats.append(asked.repeat)
        self.explored.append(asked.explore)
        self.shares.append(asked.share)
        self.asked.append((project, launcher, tuple(asked.only)))
        names = tuple(project.environments)
        emit(RunStarted("0a1b2c3d", "fake", (), project.backend.name, names, 1, 2, 22))
        if self.error:
            raise self.error
        attached = {name: deployed.url for name, deployed in project.attached.items()}
        verdict = Verdict("0a1b2c3d", "fake", ("anything",), names, 1, 2, 22, self.findings, (), 1.0, attached=attached)
        emit(RunFinished(verdict))
        return verdict


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: backend.toml and environments/{local,staging}.toml."""
    (tmp_path / "backend.toml").write_text(BACKEND, encoding="utf-8")
    (tmp_path / "environments").mkdir()
    for name in ("local", "staging"):
        (tmp_path / f"environments/{name}.toml").write_text(f'name = "{name}"\n[settings]\nA = "1"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("ENVPARITY_BACKEND", "ENVPARITY_LAUNCHER"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    made = FakeEngine()
    monkeypatch.setattr(engine, "to_verdict", made.to_verdict)
    return made


@pytest.fixture
def envparity(files: Path, fake: FakeEngine) -> Callable[..., Result]:
    """Run `envparity` with these arguments in that folder."""
    return lambda *arguments: CliRunner().invoke(app, list(arguments), prog_name="envparity")
