"""`debian:bookworm-slim`, wherever the machine is: at hand, else pulled, else made from Debian's own packages."""

from __future__ import annotations

import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import docker
import requests
import urllib3
from docker.errors import DockerException, ImageNotFound

from envparity.errors import DeadlineExceeded
from envparity.launch.images.log import ImageError, run_program

__all__ = ["BASE", "ensure_base"]

BASE = "debian:bookworm-slim"
_REPOSITORY, _TAG = BASE.split(":")

_PULL_SILENCE_S = 10.0
_PULL_S = 180.0
_BOOTSTRAP_S = 600.0


def ensure_base(client: docker.DockerClient, bootstrap: Path, progress: Callable[[str], None]) -> str:
    """Have the base image in the engine; returns a digest of its layers, which the same content keeps.

    `bootstrap` is the script that writes the root file system to its standard output. Raises `ImageError` where neither
    a registry nor mmdebstrap gives the image, `DeadlineExceeded` where one takes too long.
    """
    digest = _layers(client)
    if digest is not None:
        return digest
    progress(f"{BASE}: pulling, for at most {_PULL_S:g} s ({_PULL_SILENCE_S:g} s without an answer end it)")
    refusal = _pull(client)
    digest = _layers(client)
    if digest is not None:
        return digest
    if shutil.which("mmdebstrap") is None:
        raise ImageError(
            BASE,
            f"no registry gave it ({refusal}); mmdebstrap, which makes it from Debian's packages, is not installed: "
            "apt-get install mmdebstrap",
        )
    progress(f"{BASE}: no registry gave it ({refusal}); making it from Debian's packages with mmdebstrap")
    _bootstrap(client, bootstrap)
    digest = _layers(client)
    if digest is None:
        raise ImageError(BASE, "the engine imported it, but does not know it")
    return digest


def _layers(client: docker.DockerClient) -> str | None:
    """The digests of the layers, which unlike the id survive an import; None where the engine has no such image."""
    try:
        image = client.images.get(BASE)
    except ImageNotFound:
        return None
    return " ".join(image.attrs["RootFS"]["Layers"])


def _pull(client: docker.DockerClient) -> str:
    """Try to pull the base. Returns why it did not come, or an empty string.

    The client reads a pull without a time-out, so a thread of its own does that, which may be left to itself.
    """
    events: queue.Queue[str | None] = queue.Queue()

    def pull() -> None:
        try:
            for event in client.api.pull(_REPOSITORY, tag=_TAG, stream=True, decode=True):
                events.put(str(event.get("error", "")))
        except (DockerException, requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            events.put(str(getattr(error, "explanation", None) or error))
        finally:
            events.put(None)

    threading.Thread(target=pull, name="envparity-pull", daemon=True).start()
    deadline = time.monotonic() + _PULL_S
    refusal = ""
    while True:
        try:
            event = events.get(timeout=max(0.0, min(_PULL_SILENCE_S, deadline - time.monotonic())))
        except queue.Empty:
            return str(DeadlineExceeded("the registry's next answer", min(_PULL_SILENCE_S, _PULL_S)))
        if event is None:
            return refusal
        refusal = event or refusal


def _bootstrap(client: docker.DockerClient, bootstrap: Path) -> None:
    with tempfile.TemporaryFile(prefix="envparity-base-") as root_file_system:
        run_program(BASE, "mmdebstrap to make the base image", ["sh", bootstrap], _BOOTSTRAP_S, stdout=root_file_system)
        root_file_system.seek(0)
        client.api.import_image(src=root_file_system, repository=_REPOSITORY, tag=_TAG, changes=['CMD ["bash"]'])
