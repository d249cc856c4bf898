"""`envparity probe` as a process of its own, on an environment that says where the test's backend is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import tomli_w

from tests.monitoring.tools import TREE
from tests.netra_backend.running import AUDIENCE, ISSUER, SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

STOP_TIMEOUT_S = 15.0
SECRET_VARIABLE = "SECRET_OF_THE_LIVE_TEST"
PER_MINUTE = 600
"""More connections than any probe makes here."""


class ProbeProcess:
    """A probe that has been started."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def terminate(self) -> int:
        """Ask it to end, and give its exit status when it has."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_TIMEOUT_S)


@contextmanager
def probing(folder: Path, environment: str, backend_port: int, every: str, port: int) -> Iterator[ProbeProcess]:
    """A probe of the backend at that port, with metrics at `port` when it listens; ended at the end in any case."""
    own = folder / f"probe-{environment}"
    (own / "environments").mkdir(parents=True)
    (own / "netra_backend").symlink_to(TREE / "netra_backend")
    _write_environment(own / "environments" / f"{environment}.toml", environment, backend_port)
    with (own / "log").open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "envparity", "probe", "--environment", environment, "--every", every,
             "--metrics", f"127.0.0.1:{port}"],
            cwd=own, env={**os.environ, "PYTHONPATH": str(TREE), SECRET_VARIABLE: SECRET},
            stdout=written, stderr=written,
        )  # fmt: skip
    try:
        yield ProbeProcess(process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(STOP_TIMEOUT_S)


def _write_environment(path: Path, name: str, backend_port: int) -> None:
    """As staging.toml, but for where it runs and who signs its tokens."""
    held = tomllib.loads((TREE / "environments" / "staging.toml").read_text(encoding="utf-8"))
    held["name"] = name
    held["settings"] |= {"JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE, "ALLOWED_ORIGINS": "https://app.example"}
    held["deployed"] = {
        "url": f"ws://127.0.0.1:{backend_port}/ws",
        "secret": {"variable": SECRET_VARIABLE},
        "max_connections_per_minute": PER_MINUTE,
    }
    path.write_text(tomli_w.dumps(held))
