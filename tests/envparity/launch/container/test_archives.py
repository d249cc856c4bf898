"""Files are put into a container as one archive for each folder: the engine mounts its root anew for each."""

from __future__ import annotations

import io
import tarfile

from envparity.launch.container.confinement import archives

_FILES = {
    "/etc/server/tls/server.crt": (b"certificate", 0o644),
    "/etc/server/tls/server.key": (b"key", 0o600),
    "/srv/settings.conf": (b"", 0o444),
}


def _members(archive: bytes) -> dict[str, tuple[bytes, int]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as whole:
        return {member.name: (_content(whole, member), member.mode) for member in whole}


def _content(whole: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = whole.extractfile(member)
    assert file is not None
    return file.read()


def test_with_a_root_that_can_be_written_to_all_files_are_one_archive() -> None:
    """Folders that the image has not are made by it, so that it begins at the root."""
    made = archives(_FILES, read_only=False)

    assert list(made) == ["/"]
    assert _members(made["/"]) == {path.lstrip("/"): file for path, file in _FILES.items()}


def test_with_a_root_that_cannot_be_written_to_each_folder_has_one() -> None:
    """A volume alone can be written to, and the engine unpacks below it."""
    made = archives(_FILES, read_only=True)

    assert {folder: _members(archive) for folder, archive in made.items()} == {
        "/etc/server/tls": {"server.crt": (b"certificate", 0o644), "server.key": (b"key", 0o600)},
        "/srv": {"settings.conf": (b"", 0o444)},
    }


def test_without_files_there_is_no_archive() -> None:
    """Each archive is a question to the engine."""
    assert archives({}, read_only=True) == {}
