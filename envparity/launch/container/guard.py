"""The guard of a run's containers: a process that outlives its owner by a moment, and leaves nothing of it behind.

It waits for the end of its input, which is when the owner has ended, however it has. Then it removes what carries the
run's label, and the run's temporary folder, until nothing has come for a while: the engine may still be at what the
owner has asked it for. An engine that does not answer is waited for. An owner that has cleaned by itself says `done`
before. It inherits the lock of the run's folder, so that nobody else takes the run for dead while it works.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from envparity.launch.cleanup.run_folder import RunFolder

__all__ = ["ContainerGuard"]

_QUIET_S = 3.0  # so long after the owner's end the engine may make what it was asked for
_UNTIL_S = 9.0  # an engine that answers has done by then
_PATIENCE_S = 600.0  # for one that does not
_ANSWER_S = 10
_EVERY_S = 0.3
_DONE_S = 15.0
_DONE = b"done"


class ContainerGuard:
    """The run's side: the guard is started when this is made."""

    def __init__(self, run_id: str, folder: RunFolder) -> None:
        found = folder.path.lstat()
        which = [str(folder.path), str(found.st_dev), str(found.st_ino)]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "envparity.launch.container.guard", run_id, *which],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(text).resolve()) for text in sys.path)},
            start_new_session=True,
            pass_fds=[folder.descriptor],
        )

    def done(self) -> None:
        """There is nothing left to remove; the guard ends."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self._process.communicate(_DONE, timeout=_DONE_S)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def main(run_id: str, path: str, device: str, inode: str) -> None:
    """Listen until the input ends, then clean; no client of the engine is imported for that before."""
    if sys.stdin.buffer.read() == _DONE:
        return
    ended_s = time.monotonic()
    import docker
    from docker.errors import DockerException
    from requests import RequestException

    from envparity.launch.cleanup.cleaning import remove_run_folder
    from envparity.launch.cleanup.sweep import remove_run

    quiet_s, until_s = ended_s + _QUIET_S, ended_s + _UNTIL_S
    while time.monotonic() < min(quiet_s, until_s):
        try:
            with contextlib.closing(docker.from_env(timeout=_ANSWER_S)) as client:
                if remove_run(client, run_id):
                    quiet_s = time.monotonic() + _QUIET_S
        except (DockerException, RequestException, OSError):
            # It may have done a part; so long as it does not answer, nobody knows.
            if time.monotonic() < ended_s + _PATIENCE_S:
                quiet_s, until_s = time.monotonic() + _QUIET_S, time.monotonic() + _UNTIL_S
        time.sleep(_EVERY_S)
    remove_run_folder(Path(path), int(device), int(inode))


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    main(*sys.argv[1:])
