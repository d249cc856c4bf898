"""The least that is a run: folders with locks, a control group, a guard, a child, in a process of its own.

    run_program.py RUN-ID CHILD-ARGUMENT...

It prints a line of JSON when it stands, and ends with its input.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from envparity.launch.cleanup.leftovers import GROUP_FILE, MARK
from envparity.launch.cleanup.run_folder import RunFolder
from envparity.launch.process.child import Child, Program
from envparity.launch.process.control_group import made_group
from envparity.launch.process.guarding import Guard


def main() -> None:
    """Stand until the input ends, then clean up as a run does."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)  # whoever runs the tests in the background may have them ignored
    run_id, *argv = sys.argv[1:]
    folder = RunFolder.make(run_id)
    note = folder.path / GROUP_FILE
    note.touch(mode=0o600)
    group = made_group(f"envparity-{folder.path.name}")
    note.write_text("" if group is None else str(group.folder), encoding="utf-8")
    guard = Guard(run_id, [folder], None if group is None else group.folder)
    environment = {"PATH": os.defpath, MARK: run_id}
    child = Child(Program(argv, environment, Path("/"), folder.path / "log", group=group), guard)
    child.start()
    told = {
        "folder": str(folder.path),
        "owner": str(folder.owner),
        "guard": guard.pid,
        "child": child.pid,
        "group": None if group is None else str(group.folder),
    }
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    guard.close()
    if group is not None:
        group.end()
    folder.close()


if __name__ == "__main__":
    main()
