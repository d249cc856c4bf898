"""What a command was asked for can be asked for again."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.engine.session import engine
from envparity.engine.session.inputs import Inputs
from envparity.errors import ConfigurationError
from envparity.model.environment import ImageSource


def test_what_is_found_anyway_is_not_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual files and launcher need no option."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENVPARITY_LAUNCHER", raising=False)
    Path("backend.toml").touch()
    Path("environments").mkdir()
    assert Inputs.find().asked == ()
    assert Inputs.find(backend=tmp_path / "backend.toml").asked == ()


def test_other_files_and_another_launcher_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the words that lead there from the same folder."""
    monkeypatch.chdir(tmp_path)
    Path("stages").mkdir()
    inputs = Inputs.find(backend="services/chat.toml", environments="stages", launcher="process")
    assert inputs.asked == (
        "--backend", "services/chat.toml", "--environments", "stages", "--launcher", "process",
    )  # fmt: skip


DIGEST = f"sha256:{'a' * 64}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backend with an image, and an environment that has one of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENVPARITY_LAUNCHER", raising=False)
    Path("backend.toml").write_text(
        'name = "chat"\n[image]\nname = "chat:1"\n[[scenario]]\nname = "a"\n'
        'steps = [{ connect = "none" }, { close = 1000 }]\n',
        encoding="utf-8",
    )
    Path("environments").mkdir()
    Path("environments/local.toml").write_text('name = "local"\n', encoding="utf-8")
    Path("environments/staging.toml").write_text('name = "staging"\n[image]\nname = "other:1"\n', encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("image", [DIGEST, f"registry.test/chat@{DIGEST}"])
def test_an_image_is_that_of_every_environment(image: str, folder: Path) -> None:
    """Whatever the files say; containers boot it, and whoever repeats the command names it."""
    inputs = Inputs.find(image=image)
    assert inputs.launcher == "container"
    assert inputs.asked == ("--image", image)
    project = engine.load(inputs)
    assert project.backend.image == ImageSource(name=image)
    assert {environment.image for environment in project.environments.values()} == {None}
    assert engine.load(Inputs.find()).environments["staging"].image == ImageSource(name="other:1")


@pytest.mark.parametrize(
    ("image", "launcher"),
    [
        ("chat:1", None),
        ("chat", None),
        ("", None),
        ("sha256:abc", None),
        (f"chat:1 @{DIGEST}", None),
        (DIGEST, "process"),
    ],
)
def test_an_image_has_a_digest_and_is_booted_in_containers(image: str, launcher: str | None, folder: Path) -> None:
    """A tag may mean another one tomorrow, and a process has none."""
    with pytest.raises(ConfigurationError) as refused:
        Inputs.find(image=image, launcher=launcher)
    assert [mistake.source for mistake in refused.value.mistakes] == ["--image"]
