"""What is in an image is read from it once, and stands in the verdict."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from envparity.launch.images.builder import ImageBuilder
from envparity.launch.images.contents import image_records
from envparity.launch.images.folder import default_docker_folder

pytestmark = pytest.mark.docker


def test_packages_and_base_of_an_image_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a package that was unpacked beside the others; a damaged note of it is made anew."""
    monkeypatch.setenv("ENVPARITY_CACHE", str(tmp_path))
    client = docker.from_env()
    try:
        images = ImageBuilder(client, default_docker_folder(), lambda _: None).ensure(["postgres", "redis"])
        before = {container["Id"] for container in client.api.containers(all=True)}
        first = image_records(client, dict(zip(("postgres", "redis"), images.values(), strict=True)), {"a": "b"})
        assert not [
            container
            for container in client.api.containers(all=True, filters={"label": "a=b"})
            if container["Id"] not in before
        ]
        postgres, redis = first
        assert (postgres.name, postgres.reference) == ("postgres", images["postgres"])
        assert postgres.system.startswith("Debian GNU/Linux 12")
        assert postgres.base == redis.base != ""
        for record, package in ((postgres, "postgresql-15 15."), (postgres, "libc6 2."), (redis, "redis-server ")):
            assert any(kept.startswith(package) for kept in record.packages), package
        for note in (tmp_path / "image-packages").iterdir():
            note.write_bytes(b"{")
        assert image_records(client, images, {}) == first
    finally:
        client.close()


def test_packages_of_alpine_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As apk lists them, in an image that has nothing else."""
    monkeypatch.setenv("ENVPARITY_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "image"
    (folder / "lib" / "apk" / "db").mkdir(parents=True)
    listed = "C:Q1=\nP:musl\nV:1.2.5-r0\nF:lib\nR:libc.so\n\nP:redis\nV:7.2.4-r0\no:redis\n\n"
    (folder / "lib" / "apk" / "db" / "installed").write_text(listed, encoding="utf-8")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY lib /lib\n", encoding="utf-8")
    client = docker.from_env()
    try:
        image, _ = client.images.build(path=str(folder), rm=True)
        try:
            (record,) = image_records(client, {"cache": str(image.id)}, {"a": "b"})
        finally:
            client.images.remove(str(image.id), force=True)
    finally:
        client.close()
    assert (record.name, record.id, record.packages) == ("cache", image.id, ("musl 1.2.5-r0", "redis 7.2.4-r0"))
