"""A session of its own over a run that replays recorded observations."""

from __future__ import annotations

import pytest

import envparity.engine.plan
import envparity.faces.pytest.session
import envparity.model.project  # noqa: F401  pytester forgets what an inner session imports, and would import it each time
from envparity.engine.session import engine
from tests.envparity.faces.pytest.replaying import BACKEND, ENVIRONMENT, INI, Replay


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> Replay:
    made = Replay()
    monkeypatch.setattr(engine, "open_run", made.open_run)
    for name in ("ENVPARITY_BACKEND", "ENVPARITY_LAUNCHER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    return made


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with a backend of four scenarios and two environments."""
    (pytester.path / "backend.toml").write_text(BACKEND, encoding="utf-8")
    pytester.mkdir("environments")
    for name in ("local", "staging"):
        (pytester.path / f"environments/{name}.toml").write_text(ENVIRONMENT.format(name=name), encoding="utf-8")
    pytester.makeini(INI)
    return pytester
