"""The lock file, and the wheels that are made of it."""

from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envparity.launch.images.folder import default_docker_folder
from envparity.launch.images.log import ImageError
from envparity.launch.images.wheels import ensure_wheelhouse, platform_tags

BACKEND = default_docker_folder() / "backend"
LOCK = (BACKEND / "requirements.lock").read_text(encoding="utf-8")
LOCKED = re.findall(r"^([\w.\-\[\]]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", LOCK, re.MULTILINE)


def silent(_line: str) -> None:
    """Nobody listens."""


def test_every_package_is_locked_with_hashes() -> None:
    """Each requirement line is an exact version with at least one SHA-256, and no line names an index or a host."""
    starts = [line for line in LOCK.splitlines() if line and not line.startswith(("#", " "))]
    assert len(starts) == len(LOCKED) > 0
    assert not re.search(r"://|--index|--find-links|--extra", LOCK)


def test_everything_that_is_asked_for_is_locked_at_a_version_that_satisfies_it() -> None:
    """Nobody edited requirements.in and forgot to compile the lock."""
    locked = {canonicalize_name(name): version for name, version, _ in LOCKED}
    asked = [
        Requirement(line)
        for line in (BACKEND / "requirements.in").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert asked
    for requirement in asked:
        assert locked[canonicalize_name(requirement.name)] in requirement.specifier
    assert "async-timeout" in locked, "redis needs it under Python 3.11.2, which is the image's"


def test_the_newest_glibc_is_tried_first() -> None:
    """A wheel for the image's own glibc is preferred; none that needs a newer one is taken."""
    tags = platform_tags("aarch64")
    assert tags[0] == "manylinux_2_36_aarch64"
    assert tags.index("manylinux_2_28_aarch64") < tags.index("manylinux_2_17_aarch64")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the package index, with one wheel; the cache is the test's own."""
    folder = tmp_path / "index"
    folder.mkdir()
    with zipfile.ZipFile(folder / "netra_probe-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("netra_probe.py", "")
        wheel.writestr("netra_probe-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: netra-probe\nVersion: 1.0\n")
        wheel.writestr("netra_probe-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("netra_probe-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("ENVPARITY_CACHE", str(tmp_path / "cache"))
    return folder


def lock_file(folder: Path, digest: str) -> Path:
    lock = folder / "requirements.lock"
    lock.write_text(f"netra-probe==1.0 \\\n    --hash=sha256:{digest}\n", encoding="utf-8")
    return lock


def test_wheels_are_downloaded_once_for_each_lock(index: Path, tmp_path: Path) -> None:
    """The second time the index may be gone; another architecture has a wheelhouse of its own."""
    wheel = index / "netra_probe-1.0-py3-none-any.whl"
    lock = lock_file(tmp_path, hashlib.sha256(wheel.read_bytes()).hexdigest())
    wheelhouse = ensure_wheelhouse("backend", lock, "amd64", silent)
    assert [path.name for path in wheelhouse.iterdir()] == [wheel.name]
    wheel.unlink()
    assert ensure_wheelhouse("backend", lock, "amd64", silent) == wheelhouse
    with pytest.raises(ImageError):
        ensure_wheelhouse("backend", lock, "arm64", silent)


def test_a_wheel_with_another_hash_is_refused(index: Path, tmp_path: Path) -> None:
    """The message is pip's own, and nothing half-made is left to be taken for a wheelhouse."""
    with pytest.raises(ImageError, match="DO NOT MATCH THE HASHES") as refused:
        ensure_wheelhouse("backend", lock_file(tmp_path, "0" * 64), "amd64", silent)
    assert refused.value.image == "backend"
    assert list((tmp_path / "cache" / "wheels").iterdir()) == []


def test_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    """It is named, and what is known is named too."""
    with pytest.raises(ImageError, match=r"expected an engine on one of .*aarch64, got 's390x'"):
        ensure_wheelhouse("backend", tmp_path / "requirements.lock", "s390x", silent)
