"""Where the images' own files are: the Dockerfiles of the servers and of the ingress, and its configuration."""

from __future__ import annotations

from pathlib import Path

__all__ = ["default_docker_folder"]


def default_docker_folder() -> Path:
    """The folder with one folder per image: the installed package's own copy, else the repository's `docker/`."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "_docker"
    return installed if installed.is_dir() else package.parent / "docker"
