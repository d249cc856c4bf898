"""What is kept between runs is run: nothing is taken from a folder into which somebody else could have put it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envparity.launch.cache import cache_folder

STRANGER = 53_713

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o775])
def test_a_folder_of_our_own_is_taken(mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a group shares it, or it is made now: by nobody but us."""
    kept = tmp_path / "kept"
    monkeypatch.setenv("ENVPARITY_CACHE", str(kept))
    assert cache_folder() == kept
    assert kept.stat().st_mode & 0o777 == 0o700
    kept.chmod(mode)
    assert cache_folder() == kept


@pytest.mark.parametrize(
    ("owner", "mode", "above"),
    [
        pytest.param(os.geteuid(), 0o777, 0o755, id="anybody may write there"),
        pytest.param(os.geteuid(), 0o1777, 0o755, id="anybody may write there, each his own"),
        pytest.param(os.geteuid(), 0o700, 0o777, id="anybody may put another in its place"),
        pytest.param(STRANGER, 0o755, 0o1777, id="somebody else has made it", marks=needs_root),
    ],
)
def test_what_somebody_else_could_have_put_there_is_not_believed(
    owner: int, mode: int, above: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster with a library to load, a wheel of his own: a folder that nobody else has stands for it."""
    kept = tmp_path / "shared" / "kept"
    kept.mkdir(parents=True)
    kept.chmod(mode)
    os.chown(kept, owner, -1)
    kept.parent.chmod(above)
    monkeypatch.setenv("ENVPARITY_CACHE", str(kept))
    instead = cache_folder()
    assert instead == cache_folder() != kept
    assert (instead.stat().st_uid, instead.stat().st_mode & 0o777, list(instead.iterdir())) == (os.geteuid(), 0o700, [])
