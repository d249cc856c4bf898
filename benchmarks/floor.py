"""The floor, run by the image's own Python: a bare process forks and runs the backend.

Reads from the environment FLOOR, a JSON object {modules, bytecode, module, port, boots: [settings, …]}; prints one
JSON object {seconds: […], reports: […], cold_seconds}. A time runs from the fork until the startup report has decided,
asked for every 2 ms from the same machine. `cold_seconds` is the same for one new `python3 -m module`.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import py_compile
import runpy
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

POLL_S = 0.002
BOOT_S = 60.0


def main() -> None:
    """Measure, and print."""
    task = json.loads(os.environ.pop("FLOOR"))
    for name in task["modules"]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    compile_ahead(task["module"], task["bytecode"])
    gc.collect()
    gc.freeze()
    seconds, reports = [], []
    for settings in task["boots"]:
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            run(task, settings)
        report = decided(task["port"])
        seconds.append(time.monotonic() - began)
        reports.append({"status": report["status"], "order": report["order"]})
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    print(json.dumps({"seconds": seconds, "reports": reports, "cold_seconds": cold(task)}))


def run(task: dict[str, Any], settings: dict[str, str]) -> None:
    """In the fork: be the backend. Never returns."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.environ.update(settings)
    sys.pycache_prefix = task["bytecode"]
    sys.argv = ["-m"]
    runpy.run_module(task["module"], run_name="__main__", alter_sys=True)
    os._exit(0)


def compile_ahead(package: str, folder: str) -> None:
    """Have bytecode of the backend: the agent has it too."""
    spec = importlib.util.find_spec(package)
    sys.pycache_prefix = folder
    for root in (spec.submodule_search_locations or ()) if spec is not None else ():
        for file in Path(root).rglob("*.py"):
            py_compile.compile(str(file), quiet=2)
    sys.pycache_prefix = None


def cold(task: dict[str, Any]) -> float:
    """A new interpreter that imports everything."""
    command = [sys.executable, "-m", task["module"]]
    began = time.monotonic()
    with subprocess.Popen(
        command, env={**os.environ, **task["cold"]}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        decided(task["port"])
        seconds = time.monotonic() - began
        process.kill()
    return seconds


def decided(port: int) -> dict[str, Any]:
    """The startup report, once it has decided."""
    deadline = time.monotonic() + BOOT_S
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(b"GET /health/startup HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
            report = json.loads(answer.partition(b"\r\n\r\n")[2])
        except (OSError, ValueError):
            report = {"status": "starting"}
        if report["status"] != "starting":
            return dict(report)
        time.sleep(POLL_S)
    raise TimeoutError(f"port {port} has not decided within {BOOT_S:g} s")


if __name__ == "__main__":
    main()
