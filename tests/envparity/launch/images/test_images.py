"""The builder, against a real engine: nothing is built twice, little is built again, a failure says why."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import pytest

from envparity.launch.images import build as image_build
from envparity.launch.images import context as image_context
from envparity.launch.images.build import IMAGE_LABEL, labelled
from envparity.launch.images.builder import ImageBuilder, ImageError
from envparity.launch.images.folder import default_docker_folder

NAME = "unit-test"


def test_the_label_goes_to_the_last_stage_before_its_steps() -> None:
    """So that a change to the last step does not repeat it, and no earlier stage is taken for the image."""
    text = "FROM debian AS a\nRUN x\nfrom a as b\nCOPY . /\n"
    assert (
        labelled(text, "backend") == f'FROM debian AS a\nRUN x\nfrom a as b\nLABEL {IMAGE_LABEL}="backend"\nCOPY . /\n'
    )
    with pytest.raises(ImageError, match="no FROM"):
        labelled("RUN x\n", "backend")


def test_the_docker_folder_of_the_repository_is_found() -> None:
    """Not installed from a wheel, the package takes the repository's own."""
    assert (default_docker_folder() / "postgres" / "Dockerfile").is_file()


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    """The real engine; what the test built is removed from it."""
    client = docker.from_env()
    yield client
    for image in client.images.list(filters={"label": f"{IMAGE_LABEL}={NAME}"}):
        client.images.remove(image.id or "", force=True)
    client.close()


@pytest.fixture
def builds(engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tags that the engine was asked to build."""
    asked: list[str] = []
    build = engine.api.build

    def counting(**options: Any) -> Any:
        asked.append(options["tag"])
        return build(**options)

    monkeypatch.setattr(engine.api, "build", counting)
    return asked


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backend of somebody else: its own Dockerfile, outside of its context."""
    monkeypatch.setenv("ENVPARITY_CACHE", str(tmp_path / "cache"))
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("print('one')\n", encoding="utf-8")
    (tmp_path / "Dockerfile").write_text("FROM debian:bookworm-slim\nCOPY app.py /app.py\n", encoding="utf-8")
    return tmp_path


def backend(builder: ImageBuilder, project: Path) -> str:
    return builder.ensure_backend(project / "Dockerfile", project / "src", name=NAME)


@pytest.mark.docker
def test_an_image_with_nothing_changed_is_not_built_again(
    engine: docker.DockerClient, builds: list[str], project: Path
) -> None:
    """Not by the same builder, not by another process's; one changed file makes another image, and back is no build."""
    builder = ImageBuilder(engine, default_docker_folder(), lambda _line: None)
    first = backend(builder, project)
    assert first.startswith(f"envparity/{NAME}:")
    assert backend(builder, project) == backend(ImageBuilder(engine, default_docker_folder(), print), project) == first
    assert builds == [first]
    app = project / "src" / "app.py"
    app.write_text("print('two')\n", encoding="utf-8")
    second = backend(builder, project)
    assert builds == [first, second]
    app.write_text("print('one')\n", encoding="utf-8")
    assert backend(builder, project) == first
    assert builds == [first, second]


@pytest.mark.docker
def test_callers_at_the_same_time_share_one_build(
    engine: docker.DockerClient, builds: list[str], project: Path
) -> None:
    """Whoever asks first builds; the others wait for it and get the same reference."""
    builder = ImageBuilder(engine, default_docker_folder(), lambda _line: None)
    together = threading.Barrier(4, timeout=10)

    def ask(_index: int) -> str:
        together.wait()
        return backend(builder, project)

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(ask, range(4)))) == 1
    assert len(builds) == 1


@pytest.mark.docker
def test_a_failed_build_says_which_step_and_shows_the_end_of_its_log(
    engine: docker.DockerClient, project: Path
) -> None:
    """The error carries what the step printed, and no image has the tag."""
    (project / "Dockerfile").write_text(
        "FROM debian:bookworm-slim\nCOPY app.py /\nRUN echo reading the leaflet && exit 7\n", encoding="utf-8"
    )
    builder = ImageBuilder(engine, default_docker_folder(), lambda _line: None)
    with pytest.raises(ImageError, match="returned a non-zero code: 7") as failed:
        backend(builder, project)
    assert failed.value.image == NAME
    assert "reading the leaflet" in failed.value.log_tail
    assert not engine.images.list(name=f"envparity/{NAME}")


@pytest.mark.docker
def test_old_images_go_but_for_the_newest_and_those_in_use(
    engine: docker.DockerClient, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond those kept, only what no container uses and what nobody asked for lately is removed."""
    monkeypatch.setattr(image_build, "_KEEP", 1)
    builder = ImageBuilder(engine, default_docker_folder(), lambda _line: None)

    def version(number: int) -> str:
        (project / "src" / "app.py").write_text(f"print({number})\n", encoding="utf-8")
        return backend(builder, project)

    def kept() -> set[str]:
        return {tag for image in engine.images.list(name=f"envparity/{NAME}") for tag in image.tags}

    used, unused = version(1), version(2)
    container = engine.containers.create(used, ["true"])
    try:
        assert kept() == {used, unused}, "asked for within the hour, so another process may be about to use it"
        monkeypatch.setattr(image_build, "_IN_USE_S", 0.0)
        newest = version(3)
        newest = version(4)
        assert kept() >= {used, newest}
        assert unused not in kept()
    finally:
        container.remove(force=True)


def test_what_is_not_there_is_said_before_the_engine_is_asked(project: Path) -> None:
    """A missing Dockerfile, a context without a chosen file, an unknown name, a lock that a Dockerfile wants."""
    builder = ImageBuilder(docker.DockerClient("tcp://127.0.0.1:9", version="1.41"), default_docker_folder(), print)
    with pytest.raises(ImageError, match="expected a Dockerfile at"):
        builder.ensure_backend(project / "nowhere", project / "src")
    with pytest.raises(ImageError, match=r"\*\.rs chooses no file below"):
        builder.ensure_backend(project / "Dockerfile", project / "src", ["*.rs"])
    with pytest.raises(ImageError, match="expected one of backend, base"):
        builder.ensure(["mongo"])
    (project / "Dockerfile").write_text("FROM scratch\nCOPY .envparity/wheelhouse /w\n", encoding="utf-8")
    with pytest.raises(ImageError, match=r"requirements\.lock, there is none"):
        backend(builder, project)


CANARY = "canary-7f3a-of-an-image"


def told_of(engine: docker.DockerClient, reference: str) -> str:
    """All that the engine tells of an image to who asks it: its history, its record, what is in it."""
    made = engine.api.create_container(reference, command=["/nothing-is-run"])["Id"]
    try:
        whole = b"".join(engine.api.export(made))
    finally:
        engine.api.remove_container(made)
    image = engine.images.get(reference)
    return f"{image.history()} {image.attrs} {whole.decode(errors='replace')}"


def with_canaries(project: Path) -> Path:
    """The project with secrets where they commonly lie, and a Dockerfile that takes all that it is given."""
    for name in (".env", "tls/server.key", ".npmrc", ".envparity/runs/1.ndjson"):
        (project / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (project / "src" / name).write_text(f"TOKEN={CANARY}\n", encoding="utf-8")
    text = "FROM debian:bookworm-slim\nCOPY . /app/\nRUN cat /app/.env /app/tls/server.key || echo none\n"
    (project / "Dockerfile").write_text(text, encoding="utf-8")
    return project


@pytest.mark.docker
def test_no_canary_is_in_an_image_or_its_history(
    engine: docker.DockerClient, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither of the project's own folder, nor of the variables of whoever builds it."""
    monkeypatch.setenv("API_TOKEN", CANARY)
    monkeypatch.setenv("HTTPS_PROXY", f"http://app:{CANARY}@127.0.0.1:9")
    builder = ImageBuilder(engine, default_docker_folder(), lambda _line: None)
    assert CANARY not in told_of(engine, backend(builder, with_canaries(project)))


@pytest.mark.docker
def test_without_what_is_left_out_a_canary_is_in_the_image(
    engine: docker.DockerClient, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the test before would see it."""
    monkeypatch.setattr(image_context, "_NOT_UNASKED", ())
    builder = ImageBuilder(engine, default_docker_folder(), lambda _line: None)
    assert CANARY in told_of(engine, backend(builder, with_canaries(project)))
