"""The image that a deployment names, held against the one that the backend's file has."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.deployed_image import with_fitting_image
from envparity.model.backend import Backend
from envparity.model.environment import ImageSource
from tests.envparity.sources.reading import environment, notes, put

BUILT = "services:\n  api:\n    build: {context: ., target: prod}\n"
NAMED = "services:\n  api:\n    image: registry.example/api:4\n"


@pytest.mark.parametrize(
    ("compose", "own", "expected", "noted"),
    [
        (BUILT, ImageSource(Path("Dockerfile"), Path(), ("*.py",), target="prod"), None, False),
        (BUILT, ImageSource(Path("Dockerfile"), Path(), ("*.py",)),
         ImageSource(Path("Dockerfile"), Path(), ("*.py",), target="prod"), False),
        (BUILT, ImageSource(name="api:3"), ImageSource(Path("Dockerfile"), Path(), target="prod"), False),
        (BUILT, ImageSource(), None, True),
        (NAMED, ImageSource(name="registry.example/api:4"), None, False),
        (NAMED, ImageSource(name="api:3"), ImageSource(name="registry.example/api:4"), False),
        (NAMED, ImageSource(Path("Dockerfile"), Path()), None, True),
        (NAMED, ImageSource(), None, True),
    ],
)  # fmt: skip
def test_it_goes_before_the_backends_own_where_it_can(
    tmp_path: Path, compose: str, own: ImageSource, expected: ImageSource | None, noted: bool
) -> None:
    """What is the same is the backend's; a name in place of what is built here is a note, with its line."""
    put(tmp_path, compose__yaml=compose, Dockerfile="FROM a AS prod\nFROM b\n")
    backend = Backend("api", tmp_path / "backend.toml", image=_in(tmp_path, own))
    made = with_fitting_image(backend, environment(tmp_path, "compose.yaml"))
    assert made.image == (None if expected is None else _in(tmp_path, expected))
    assert ("image" in notes(made, known=True)) is noted


def test_what_the_environments_own_file_says_stays(tmp_path: Path) -> None:
    """It was meant."""
    put(tmp_path, compose__yaml=NAMED)
    own = environment(tmp_path, "compose.yaml", own='[image]\nname = "api:5"\n')
    backend = Backend("api", tmp_path / "backend.toml", image=ImageSource(tmp_path / "Dockerfile", tmp_path))
    assert with_fitting_image(backend, own).image == ImageSource(name="api:5")


def _in(folder: Path, image: ImageSource) -> ImageSource:
    if image.dockerfile is None:
        return image
    return ImageSource(folder / image.dockerfile, folder, image.include, target=image.target)
