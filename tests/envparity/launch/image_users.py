"""The numeric users that the images run as, read from their Dockerfiles: a file put into a container must be theirs."""

from __future__ import annotations

import re

from envparity.launch.images.folder import default_docker_folder

__all__ = ["user_of_image"]


def user_of_image(name: str) -> int:
    """The number that the image's last USER step gives to its user, which has to be that of its group too."""
    text = (default_docker_folder() / name / "Dockerfile").read_text(encoding="utf-8")
    user, group = re.findall(r"^USER (\d+):(\d+)$", text, re.MULTILINE)[-1]
    assert user == group
    return int(user)
