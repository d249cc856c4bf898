"""One build by the engine's own (classic) builder, watched to its end; and the old tags that it leaves behind."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import docker
import requests
import urllib3
from docker.errors import APIError, ImageNotFound

from envparity.errors import DeadlineExceeded
from envparity.launch.images.context import ContextFile, archive
from envparity.launch.images.last_use import last_used
from envparity.launch.images.log import BuildFailed, ImageError, LogTail
from envparity.launch.images.work import not_called_off

__all__ = ["IMAGE_LABEL", "build", "exists", "labelled", "prune"]

IMAGE_LABEL = "io.envparity.image"

_DOCKERFILE = ".envparity/Dockerfile"
_STEP = re.compile(r"Step \d+/\d+ : ")
_NO_REGISTRY = re.compile(
    r"dial tcp|no such host|i/o timeout|TLS handshake|connection refused|Client\.Timeout|x509|proxyconnect"
    r"|toomanyrequests"
)
_FROM = re.compile(r"^[ \t]*FROM[ \t].*$", re.IGNORECASE | re.MULTILINE)
_BUILD_S = 900.0
# The longest that a step may say nothing: unpacking a large package is silent.
_SILENCE_S = 300.0
_KEEP = 8
# Another process may have asked for a tag and not yet have started a container from it.
_IN_USE_S = 3600.0


def exists(client: docker.DockerClient, reference: str) -> bool:
    """Whether the engine has an image of that name and tag."""
    try:
        client.images.get(reference)
    except ImageNotFound:
        return False
    return True


def build(
    client: docker.DockerClient,
    name: str,
    reference: str,
    dockerfile: str,
    files: Sequence[ContextFile],
    *,
    target: str = "",
) -> None:
    """Build `files` with the text of a Dockerfile into an image tagged `reference` and labelled with `name`.

    It ends with the stage `target`; "": with the last.

    Raises `ImageError` with the tail of the build's log where a step fails, `DeadlineExceeded` where it takes too long.
    """
    deadline = time.monotonic() + _BUILD_S
    log = LogTail()
    try:
        with archive(files, {_DOCKERFILE: labelled(dockerfile, name, target)}) as context:
            events = client.api.build(
                fileobj=context,
                custom_context=True,
                dockerfile=_DOCKERFILE,
                tag=reference,
                target=target or None,
                rm=True,
                forcerm=True,
                decode=True,
                timeout=int(_SILENCE_S),
            )
            failure = ""
            # Read to its end even after a failure, so that the connection is free again.
            for event in events:
                not_called_off()
                log.add(event.get("stream", ""))
                failure = failure or str(event.get("error", "")).strip()
                if time.monotonic() > deadline:
                    raise DeadlineExceeded(f"the build of image {name}", _BUILD_S, str(log))
        if failure:
            raise _failed(name, failure, str(log))
    except APIError as error:
        raise ImageError(name, f"the engine refused the build: {error.explanation or error}", str(log)) from error
    except (requests.exceptions.Timeout, requests.exceptions.ConnectionError, urllib3.exceptions.TimeoutError) as error:
        raise DeadlineExceeded(f"the next step of the build of image {name}", _SILENCE_S, str(log)) from error


def _failed(name: str, failure: str, log: str) -> ImageError:
    """Why a build ended: its Dockerfile's fault, or that an image it begins with cannot be had from here."""
    steps = [line for line in log.splitlines() if _STEP.match(line)]
    base = _STEP.sub("", steps[-1]) if steps else ""
    if base.upper().startswith("FROM ") and _NO_REGISTRY.search(failure):
        problem = f"{base.split()[1]}, which it begins with, is not here, and no registry can be reached: {failure}"
        return ImageError(name, f"{problem} (pull it first; --launcher process needs no image)")
    return BuildFailed(name, f"the build failed: {failure}", log)


def labelled(dockerfile: str, name: str, target: str = "") -> str:
    """The Dockerfile with our label as the first step of that stage, or of its last.

    The engine's own option for labels adds a last step, which every change would then repeat, at a second each.
    """
    stages = list(_FROM.finditer(dockerfile))
    last = [stage for stage in stages if not target or stage[0].split()[-1] == target][-1:]
    if not last:
        raise ImageError(name, f"its Dockerfile has no stage {target}" if stages else "its Dockerfile has no FROM")
    end = last[0].end()
    return f'{dockerfile[:end]}\nLABEL {IMAGE_LABEL}="{name}"{dockerfile[end:]}'


def prune(client: docker.DockerClient, name: str, repository: str) -> list[str]:
    """Remove the old tags of an image, but for the newest few, those used lately, and those that a container uses.

    Returns the references removed.
    """
    references = {
        reference
        for image in client.api.images(name=repository, filters={"label": f"{IMAGE_LABEL}={name}"})
        for reference in image.get("RepoTags") or ()
        if reference.startswith(f"{repository}:")
    }
    by_last_use = sorted(((last_used(name, ref.rpartition(":")[2]), ref) for ref in references), reverse=True)
    removed = []
    for used, reference in by_last_use[_KEEP:]:
        if time.time() - used < _IN_USE_S:
            continue
        try:
            client.api.remove_image(reference)
        except APIError as error:
            # In use by a container (409), or removed by another process just now (404).
            if error.status_code not in {404, 409}:
                raise
        else:
            removed.append(reference)
    return removed
