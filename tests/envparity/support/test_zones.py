"""Time zones by their names."""

from __future__ import annotations

import datetime as dt
import io
import zoneinfo
from pathlib import Path

import pytest

from envparity.support.zones import known_zones, system_has, zone_data


def test_the_data_of_a_zone_is_that_of_its_name() -> None:
    """What is given to a program is what Python knows by that name."""
    data = zone_data("Asia/Kathmandu")
    assert data is not None
    zone = zoneinfo.ZoneInfo.from_file(io.BytesIO(data))
    assert dt.datetime(2025, 9, 8, tzinfo=zone).utcoffset() == dt.timedelta(hours=5, minutes=45)


@pytest.mark.parametrize(
    "name", ["Asia/Nowhere", "NPT-5:45", "../zoneinfo/Asia/Kathmandu", "/etc/localtime", "", "Asia"]
)
def test_what_is_no_name_of_a_zone_has_none(name: str) -> None:
    """Neither a string of POSIX, nor a path, nor a folder."""
    assert zone_data(name) is None
    assert name not in known_zones()
    assert not system_has(name)


def test_utc_needs_no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is known on a machine that has no zones at all."""
    monkeypatch.setattr("envparity.support.zones.SYSTEM_FOLDER", str(tmp_path))
    assert system_has("UTC")
    assert not system_has("Asia/Kathmandu")
    assert "UTC" in known_zones()
