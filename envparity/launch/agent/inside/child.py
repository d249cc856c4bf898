"""From a fork of the agent to a process that is the backend's alone."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from .command import first_on_path

CANNOT_START = 125  # the exit status of a child that failed before the backend's first line, as with docker run
PR_SET_PDEATHSIG = 1


def _prctl() -> Callable[[int, int], int] | None:
    """prctl(2), where this Python has ctypes: a child then dies with the agent even when that is killed."""
    try:
        import ctypes

        found: Callable[[int, int], int] = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None
    return found


_PRCTL = _prctl()


def be_a_child(agent_pid: int, output: int, keep: tuple[int, ...] = ()) -> None:
    """Have a session of its own, default signals, no input, `output` for both outputs, no other descriptor but `keep`.

    It dies with the agent, where prctl(2) is there to ask for that.
    """
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if _PRCTL is not None:
        _PRCTL(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != agent_pid:
        os._exit(CANNOT_START)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208  names are numbers here, not paths
        if int(name) > 2 and int(name) not in keep:
            with contextlib.suppress(OSError):
                os.close(int(name))
    gc.enable()


def become(environment: Mapping[str, str], folder: Path) -> None:
    """Take over the boot's environment, as a new process would have it; `folder` is made, for its temporary files."""
    folder.mkdir(mode=0o700)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None:
        vars(tempfile)["tempdir"] = None  # what it has found out before is the agent's
    first_on_path(str(Path.cwd()))


def kill_group(pid: int, *, leader: bool) -> None:
    """SIGKILL to the process group of that number; to the process too, which may not have made its group yet."""
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    if leader:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def accepts(port: int) -> bool:
    """Whether somebody accepts connections there, on this machine's own address.

    Asked by connecting: of a thousand refusals a reading of `listening_ports` costs more.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as asking:
        asking.settimeout(0.2)
        return asking.connect_ex(("127.0.0.1", port)) == 0


def listening_ports() -> set[int]:
    """The TCP ports of this network namespace on which somebody listens (proc(5), net/tcp: state 0A)."""
    ports = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        with contextlib.suppress(OSError):
            for line in table.read_text(encoding="ascii").splitlines():
                if " 0A " in line:
                    ports.add(int(line.split()[1].rpartition(":")[2], 16))
    return ports
