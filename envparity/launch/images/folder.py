"""Where the images' own files are: the Dockerfiles of the servers and of the ingress, and its configuration."""

from __future__ import annotations

from pathlib import Path

__all__ = ["default_docker_folder", "image_names"]


def default_docker_folder() -> Path:
    """The folder with one folder per image: the installed package's own copy, else the repository's `docker/`."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "_docker"
    return installed if installed.is_dir() else package.parent / "docker"


def image_names(folder: Path) -> tuple[str, ...]:
    """The images that can be made of such a folder, by the names of its own folders."""
    return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
