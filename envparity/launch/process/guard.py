"""The guard of a run: a process that outlives its owner by a moment, and leaves nothing of it behind.

Run as a program of its own, on the standard library alone: `guard.py FOLDER-OF-THE-PACKAGE`. It reads messages from
its input, and does its work when that ends, which is when the owner has ended, however it has. Each message is its
length (four bytes, the highest first) and a JSON array, so that no name in it can be taken for another message:

- `["process", PID, STARTED, SIGNAL]`: a leader of a process group and session. It gets that signal first, and SIGKILL
  with its group soon after.
- `["gone", PID]`: no longer
- `["folder", PATH, DEVICE, INODE]`: removed at last, if it is that very folder
- `["log", PATH, DEVICE, INODE]`: a file to which processes write their output: it is held to a bound (`log_bound`)
- `["group", PATH]`: the control group in which the run's processes are
- `["adopts", PID, SPARED...]`: orphans of the run become children of that process, but for those of these numbers:
  what does so is noted ten times a second, for when it ends they are somebody else's
- `["mark", TEXT]`: what stands in the environment of each of them

It inherits the locks of the run's folders, so that nobody else removes them while it works.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE)
LENGTH_BYTES = 4
LONGEST = 1 << 20


def main() -> None:
    """Listen until the input ends, then clean."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    sys.path.append(sys.argv[1])
    from envparity.launch.cleanup.cleaning import Leader, end_processes, remove_run_folder
    from envparity.launch.cleanup.log_bound import LogBound
    from envparity.launch.cleanup.orphans import Adopted

    logs = LogBound()
    logs.watch()
    orphans = Adopted()
    leaders: dict[int, Leader] = {}
    folders: list[tuple[Path, int, int]] = []
    mark = ""
    group: Path | None = None
    for what, *rest in messages(sys.stdin.buffer):
        if what == "process":
            leaders[rest[0]] = Leader(*rest)
        elif what == "gone":
            leaders.pop(rest[0], None)
        elif what == "folder":
            folders.append((Path(rest[0]), rest[1], rest[2]))
        elif what == "log":
            logs.hold(Path(rest[0]), rest[1], rest[2])
        elif what == "group":
            group = Path(rest[0])
        elif what == "adopts":
            orphans.watch(rest[0], rest[1:])
        elif what == "mark":
            mark = rest[0]
    end_processes(leaders.values(), mark, [path for path, _, _ in folders], group)
    orphans.end()
    for path, device, inode in folders:
        remove_run_folder(path, device, inode)


def messages(stream: BinaryIO) -> Iterator[list[Any]]:
    """Every whole message; what is no message ends them, for nothing behind it can be believed."""
    while True:
        length = int.from_bytes(head, "big") if len(head := stream.read(LENGTH_BYTES)) == LENGTH_BYTES else 0
        if not 0 < length <= LONGEST:
            return
        body = stream.read(length)
        if len(body) < length:
            return
        yield json.loads(body)


if __name__ == "__main__":
    main()
