"""What a run writes is for its owner alone, whatever the umask and whatever was there before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from envparity.report.ndjson import NdjsonWriter
from envparity.report.outputs import Outputs
from envparity.report.private import open_private, write_private
from envparity.report.saved import Saver
from tests.envparity.judge.builders import observation
from tests.envparity.report.recorded import described, events_of


@pytest.fixture(autouse=True)
def open_to_all() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_saved_run_and_its_folders_are_its_owners(tmp_path: Path) -> None:
    """The file 0600, and every folder that was made for it 0700."""
    folder = tmp_path / ".envparity" / "runs"
    saver = Saver(described(), folder)
    for event in events_of([observation("local"), observation("staging")]):
        saver.handle(event)
    (saved,) = folder.iterdir()
    assert [mode(path) for path in (saved, folder, folder.parent)] == [0o600, 0o700, 0o700]


def test_the_stream_of_events_is_its_owners(tmp_path: Path) -> None:
    """As it is opened."""
    NdjsonWriter(tmp_path / "r.ndjson").close()
    assert mode(tmp_path / "r.ndjson") == 0o600


def test_a_report_that_was_readable_before_is_no_longer(tmp_path: Path) -> None:
    """A file of an earlier run is written anew, and is its owner's then."""
    file = tmp_path / "r.html"
    file.write_text("an earlier one", encoding="utf-8")
    file.chmod(0o644)
    write_private(file, b"this one")
    assert (file.read_bytes(), mode(file)) == (b"this one", 0o600)


@pytest.mark.parametrize("kind", ["html", "junit", "sarif", "gitlab"])
def test_every_report_is_its_owners(kind: str, tmp_path: Path) -> None:
    """Whichever is asked for."""
    handed: list[Path] = []
    outputs = Outputs({kind: tmp_path / "report"})
    saver = Saver(described(), tmp_path / "runs", [outputs.write, lambda _run: handed.append(tmp_path)])
    for event in events_of([observation("local"), observation("staging")]):
        saver.handle(event)
    assert handed
    assert mode(tmp_path / "report") == 0o600


def test_a_link_in_the_place_of_a_saved_run_is_refused(tmp_path: Path) -> None:
    """It may lead to a file of somebody else's choice."""
    (tmp_path / "0a1b2c3d.ndjson").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        open_private(tmp_path / "0a1b2c3d.ndjson", follow=False)
    assert not (tmp_path / "elsewhere").exists()


def test_what_is_no_file_is_left_as_it_is() -> None:
    """A report may go to a pipe or to nowhere."""
    before = mode(Path(os.devnull))
    write_private(Path(os.devnull), b"nothing")
    assert mode(Path(os.devnull)) == before
