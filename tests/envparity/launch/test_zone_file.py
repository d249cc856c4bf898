"""The time zone of an environment, on its way to the programs that are in it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from envparity.errors import LaunchError
from envparity.launch.container.environment_files import EnvironmentFiles
from envparity.launch.resolve import RunSecrets, resolve_settings
from envparity.launch.zone_file import zone_files
from envparity.model.backend import Backend, ImageSource
from envparity.model.case import Boot
from envparity.model.environment import Environment, Platform
from envparity.support.zones import zone_data

NEPAL = Environment("local", platform=Platform(timezone="Asia/Kathmandu"))
WHERE = "/usr/share/zoneinfo/Asia/Kathmandu"


def given(environment: Environment, boot: Boot | None = None) -> dict[str, tuple[str, str]]:
    backend = Backend("chat", Path("backend.toml"), ImageSource(name="chat"), settings={"TZ": "Europe/Paris"})
    settings = resolve_settings(backend, environment, boot or Boot(), {}, RunSecrets())
    return {setting.name: (setting.value, setting.source) for setting in settings}


def test_programs_are_told_the_name_of_the_zone() -> None:
    """Before what the backend's file says for all environments; a boot has the last word."""
    assert given(NEPAL)["TZ"] == ("Asia/Kathmandu", "platform")
    assert given(Environment("staging"))["TZ"] == ("Europe/Paris", "backend file")
    assert given(NEPAL, Boot(settings=(("TZ", "UTC"),)))["TZ"] == ("UTC", "this boot")


async def test_containers_find_the_data_of_the_zone_where_images_have_it(tmp_path: Path) -> None:
    """Beside the environment's own files, and without any."""
    async with AsyncExitStack() as exits:
        files = EnvironmentFiles(NEPAL, tmp_path)
        files.write(exits, {})
        assert list(files.places) == [WHERE]
        assert files.places[WHERE].read_bytes() == zone_data("Asia/Kathmandu")
        assert files.places[WHERE].stat().st_mode & 0o777 == 0o644
    assert not files.places[WHERE].exists()


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_utc_needs_no_file(zone: str | None) -> None:
    """A program that finds no zone is there."""
    assert zone_files(Environment("staging", platform=Platform(timezone=zone))) == {}


def test_a_machine_that_lost_the_zone_refuses_the_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program would be at UTC, and say nothing."""
    monkeypatch.setattr("envparity.launch.zone_file.zone_data", lambda _: None)
    with pytest.raises(LaunchError, match="Asia/Kathmandu"):
        zone_files(NEPAL)
