"""Importing any module of the backend has no effect."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import netra_backend
from tests.netra_backend.running import REPOSITORY

# Runs in a fresh interpreter, with an empty environment: imports every module, and tells what happened meanwhile.
# The third-party packages are imported first; what they do is not the backend's.
PROBE = """
import importlib, json, os, sys, threading
for name in ("asyncpg", "fastapi", "jwt", "prometheus_client", "pydantic_settings", "redis.asyncio", "structlog",
             "uvicorn", "websockets", "cryptography.hazmat.primitives.serialization", "fastapi.responses",
             "starlette.websockets", "structlog.stdlib", "redis.backoff", "redis.asyncio.retry", "multiprocessing"):
    importlib.import_module(name)
seen = []
def audit(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.__new__", "subprocess.Popen", "os.putenv", "os.remove"):
        seen.append(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        seen.append("open for writing")
class Environment(type(os.environ)):
    def __getitem__(self, key):
        if sys._getframe(1).f_globals.get("__name__", "").startswith("netra_backend"):
            seen.append("environment " + key)
        return super().__getitem__(key)
    def get(self, key, default=None):
        if sys._getframe(1).f_globals.get("__name__", "").startswith("netra_backend"):
            seen.append("environment " + key)
        return super().get(key, default)
os.environ.__class__ = Environment
threads = set(threading.enumerate())
sys.dont_write_bytecode = True
sys.addaudithook(audit)
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
from netra_backend.app.core.user_execution_context import UserExecutionContext
from netra_backend.app.websocket_core.websocket_manager_factory import WebSocketManager
import gc
made = [type(one).__name__ for one in gc.get_objects() if isinstance(one, (UserExecutionContext, WebSocketManager))]
new_threads = [thread.name for thread in set(threading.enumerate()) - threads]
print(json.dumps({"seen": seen, "made": made, "threads": new_threads}))
"""


def module_names() -> list[str]:
    """Every module of the backend, `__main__` too."""
    found = pkgutil.walk_packages(netra_backend.__path__, "netra_backend.")
    return ["netra_backend", *(module.name for module in found)]


def test_importing_every_module_has_no_effect() -> None:
    """No connection, no thread, no file written, no environment read, no request-scoped object made."""
    names = module_names()
    assert len(names) > 40
    probed = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(names)],
        cwd=REPOSITORY,
        env={},
        capture_output=True,
        check=False,
        timeout=300,
        text=True,
    )
    assert probed.returncode == 0, probed.stderr
    assert json.loads(probed.stdout) == {"seen": [], "made": [], "threads": []}


def test_the_backend_knows_nothing_of_the_harness() -> None:
    """No module names it."""
    for path in (REPOSITORY / "netra_backend").rglob("*.py"):
        assert "envparity" not in path.read_text(), path
