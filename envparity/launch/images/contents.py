"""Reads what is in an image: its system, and its packages of Debian or Alpine. An image does not change: read once."""

from __future__ import annotations

import contextlib
import io
import shlex
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import docker
import msgspec
import requests
from docker.errors import DockerException

from envparity.launch.cache import cache_folder
from envparity.launch.engine_stream import archive_of
from envparity.observe.image import ImageRecord

__all__ = ["image_records"]

_SYSTEM: Final = "/usr/lib/os-release"
_PACKAGES: Final = ("/var/lib/dpkg/status", "/var/lib/dpkg/status.d")  # the second where no dpkg was left in the image
_ALPINE: Final = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")  # the second where /lib is a part of /usr
_LONGEST: Final = 16 << 20
_NOBODYS: Final = ["/nothing-is-run"]  # an image may name no command, and the container is never started


def image_records(
    client: docker.DockerClient, images: Mapping[str, str], labels: Mapping[str, str]
) -> tuple[ImageRecord, ...]:
    """What each of these is made of, by name; with what could be read.

    Where an image was not read before, a container is made of it with these labels, not started, and removed.
    """
    return tuple(_record(client, name, reference, labels) for name, reference in sorted(images.items()))


def _record(client: docker.DockerClient, name: str, reference: str, labels: Mapping[str, str]) -> ImageRecord:
    image = client.images.get(reference)
    layers = image.attrs.get("RootFS", {}).get("Layers") or [""]
    read = _read(client, str(image.id), labels)
    digests = tuple(map(str, image.attrs.get("RepoDigests") or ()))
    return ImageRecord(
        name, reference, str(image.id), read.system, str(layers[0]), digests=digests, packages=read.packages
    )


class _Read(msgspec.Struct, frozen=True):
    system: str = ""
    packages: tuple[str, ...] = ()


def _read(client: docker.DockerClient, image: str, labels: Mapping[str, str]) -> _Read:
    kept = cache_folder() / "image-packages" / f"{image.rpartition(':')[2]}.json"
    with contextlib.suppress(OSError, msgspec.DecodeError):  # a damaged one is made anew
        return msgspec.json.decode(kept.read_bytes(), type=_Read)
    try:
        read = _read_from_container(client, image, labels)
    except (DockerException, requests.RequestException, tarfile.TarError):
        return _Read()
    with contextlib.suppress(OSError):
        _keep(kept, msgspec.json.encode(read))
    return read


def _keep(kept: Path, content: bytes) -> None:
    """Whole or not at all."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    making = kept.with_suffix(".making")
    making.write_bytes(content)
    making.replace(kept)


def _read_from_container(client: docker.DockerClient, image: str, labels: Mapping[str, str]) -> _Read:
    made = client.api.create_container(image, command=_NOBODYS, labels=dict(labels))["Id"]
    try:
        system = "".join(_texts(client, made, _SYSTEM))
        stanzas = _stanzas(client, made, _PACKAGES)
        of_alpine = _stanzas(client, made, _ALPINE)
    finally:
        client.api.remove_container(made, force=True, v=True)
    installed = {package for stanza in stanzas if (package := _package(stanza))}
    installed |= {package for stanza in of_alpine if (package := _alpine_package(stanza))}
    return _Read(_pretty_name(system), tuple(sorted(installed)))


def _texts(client: docker.DockerClient, container: str, path: str) -> Iterator[str]:
    """The files at that path of the container: one, or those of a folder; none where there is nothing, or too much."""
    archive = archive_of(client, container, path, _LONGEST)
    if not archive:
        return
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isreg() and not member.name.endswith(".md5sums") else None
            if file is not None:
                yield file.read().decode(errors="replace")


def _stanzas(client: docker.DockerClient, container: str, paths: tuple[str, ...]) -> list[str]:
    return [stanza for path in paths for text in _texts(client, container, path) for stanza in text.split("\n\n")]


def _alpine_package(stanza: str) -> str:
    """`name version` of a package in apk's list, where P: is its name and V: its version; "" of what is none."""
    fields = dict(line.split(":", 1) for line in stanza.splitlines() if line[1:2] == ":")
    return f"{fields['P']} {fields.get('V', '')}".strip() if "P" in fields else ""


def _package(stanza: str) -> str:
    """`name version` of an installed package; "" of any other."""
    fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and not line.startswith(" "))
    if "Package" not in fields or not fields.get("Status", "installed").endswith("installed"):
        return ""
    return f"{fields['Package']} {fields.get('Version', '')}".strip()


def _pretty_name(release: str) -> str:
    for line in release.splitlines():
        name, _, value = line.partition("=")
        if name == "PRETTY_NAME":
            with contextlib.suppress(ValueError):
                return " ".join(shlex.split(value))
    return ""
