"""The control group of a run's processes, where this machine lets us make one (cgroups(7), version 2).

Nothing that a process does takes it out of its group: neither a session of its own nor an empty environment.
"""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

from envparity.launch.cleanup.cleaning import end_group

__all__ = ["ControlGroup", "made_group"]

_MEMBERS = "cgroup.procs"


class ControlGroup:
    """A group in which each child of the run has a group of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)

    def child(self) -> ControlGroup | None:
        """A new group in this one; None where it cannot be had."""
        folder = self.folder / f"c{next(self._numbers)}"
        try:
            folder.mkdir()
        except OSError:
            return None
        return ControlGroup(folder)

    @property
    def members(self) -> Path:
        """The file into which a process writes 0 to be in the group."""
        return self.folder / _MEMBERS

    def end(self) -> None:
        """SIGKILL to all that are in it; it is gone then."""
        end_group(self.folder)


def made_group(name: str) -> ControlGroup | None:
    """A group of that name beside this process; None where there cannot be one that is ended as a whole."""
    own = _own_folder()
    if own is None:
        return None
    folder = own / name
    try:
        folder.mkdir()
    except OSError:
        return None
    if (folder / "cgroup.kill").exists() and (folder / "cgroup.type").read_text(encoding="ascii").strip() == "domain":
        return ControlGroup(folder)
    with contextlib.suppress(OSError):
        folder.rmdir()
    return None


def _own_folder() -> Path | None:
    """The folder of this process's group: its path (proc(5), cgroup) below where the groups are mounted."""
    try:
        memberships = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    paths = [line.removeprefix("0::/") for line in memberships if line.startswith("0::/")]
    for mount in mounts:
        described, _, kind = mount.partition(" - ")
        if kind.startswith("cgroup2 ") and described.split()[3] == "/" and paths and ".." not in paths[0]:
            return Path(described.split()[4]) / paths[0]
    return None
