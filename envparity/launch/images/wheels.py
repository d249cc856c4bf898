"""The wheels that a lock file names, downloaded once, on the host, where index and certificates are set up."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from envparity.launch.cache import cache_folder
from envparity.launch.images.log import ImageError, run_program

__all__ = ["PYTHON_VERSION", "ensure_wheelhouse", "platform_tags"]

# Debian 12's interpreter, which is the one in the image.
PYTHON_VERSION = "3.11"
# Debian 12 has glibc 2.36, so it runs wheels made for that one and for any older one.
_GLIBC_MINOR = 36
_OLDEST_GLIBC_MINOR = 17

_MACHINES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
_DOWNLOAD_S = 600.0


def ensure_wheelhouse(image: str, lock: Path, engine_architecture: str, progress: Callable[[str], None]) -> Path:
    """A folder with exactly the wheels that `lock` names, for the engine's architecture, each checked against its hash.

    It is made once for each content of the lock. Raises `ImageError` where pip cannot have them (a hash that differs,
    no wheel for the platform, no index), `DeadlineExceeded` where it takes too long.
    """
    machine = _MACHINES.get(engine_architecture)
    if machine is None:
        raise ImageError(image, f"expected an engine on one of {', '.join(_MACHINES)}, got {engine_architecture!r}")
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    wheelhouse = cache_folder() / "wheels" / f"{digest}-cp{PYTHON_VERSION.replace('.', '')}-{machine}"
    if wheelhouse.is_dir():
        return wheelhouse
    progress(f"{image}: downloading the wheels that {lock.name} names")
    wheelhouse.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=wheelhouse.parent, prefix=".downloading-") as folder:
        arriving = Path(folder, "wheels")
        run_program(image, "pip to download the wheels", _download_command(image, lock, machine, arriving), _DOWNLOAD_S)
        try:
            arriving.rename(wheelhouse)
        except OSError:
            # Another process was faster; what it made has the same content.
            if not wheelhouse.is_dir():
                raise
    return wheelhouse


def platform_tags(machine: str) -> list[str]:
    """The wheel platforms that run on Debian 12 there (PEP 600), newest first."""
    newest_first = range(_GLIBC_MINOR, _OLDEST_GLIBC_MINOR - 1, -1)
    tags = [f"manylinux_2_{minor}_{machine}" for minor in newest_first]
    return [*tags, f"manylinux2014_{machine}", f"linux_{machine}"]


def _download_command(image: str, lock: Path, machine: str, destination: Path) -> list[str | Path]:
    command: list[str | Path] = [
        *_pip(image),
        "download",
        "--disable-pip-version-check",
        "--no-input",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        "--implementation=cp",
        f"--python-version={PYTHON_VERSION}",
    ]
    abi = f"cp{PYTHON_VERSION.replace('.', '')}"
    command += [f"--abi={tag}" for tag in (abi, "abi3", "none")]
    command += [f"--platform={tag}" for tag in platform_tags(machine)]
    return [*command, "--dest", destination, "--requirement", lock]


def _pip(image: str) -> list[str]:
    """This interpreter's pip, else the one on the path: an environment made by uv has none of its own."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        found = shutil.which(name)
        if found is not None:
            return [found]
    raise ImageError(image, "no pip to download wheels with, neither here nor on the path: apt-get install python3-pip")
