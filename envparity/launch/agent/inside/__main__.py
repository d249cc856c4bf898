"""The agent's loop: one thread, one client, one forked process for every boot."""

from __future__ import annotations

import gc
import json
import os
import platform
import signal
import time
from collections.abc import Callable
from pathlib import Path

from .command import Answer, ProgramCommand, Request, RequestRefused
from .forking import Forking
from .link import OwnerLink, listen
from .loading import leftovers
from .preload import Preload
from .running import RunningBoots, ready

PROTOCOL = 1
MIN_TOKEN = 32
LISTENING_EVERY_S = 0.003
FINISH_S = 5.0
OWN_VARIABLES = "ENVPARITY_WARM_"

Run = Callable[[], None]


class Agent:
    """Meets the requests that come over `link`. `usual` is the environment that a boot's own is laid over."""

    def __init__(self, link: OwnerLink, usual: dict[str, str]) -> None:
        self._link = link
        self._pid = os.getpid()
        self._preload = Preload(self._read_all)
        self._boots = RunningBoots(link)
        forking = Forking(link, usual, self._preload, self._boots)
        self._requests: dict[str, Callable[[Request], Answer | Run | None]] = {
            "hello": lambda _: self._hello(),
            "modules": self._modules,
            "boot": forking.fork,
            "status": lambda request: self._boots.asked_for(request).state,
            "log": self._boots.log,
            "stop": self._boots.stop,
            "shutdown": self._shutdown,
        }
        self._woken, self._waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)

    def serve(self) -> Run | None:
        """Until the client goes, SIGTERM, or nobody comes; then None. In a forked child it returns too: what to run."""
        try:
            while not self._link.over:
                self._wait()
                while (line := self._link.line()) is not None and not self._link.over:
                    run = self._request(line)
                    if run is not None:
                        return run
        finally:
            if os.getpid() == self._pid:
                self._finish()
        return None

    # waiting

    def _wait(self) -> None:
        """For whatever comes next, a deadline included, and deal with it; requests are left in the link."""
        running = self._boots.running
        until = min([self._link.deadline, *(each_boot.kill_at for each_boot in running)])
        if any(each_boot.port for each_boot in running):
            until = min(until, time.monotonic() + LISTENING_EVERY_S)
        for descriptor in ready([self._woken, *self._boots.readers, *self._link.descriptors], until):
            if descriptor == self._woken:
                self._signalled()
            elif descriptor in self._boots.readers:
                self._boots.read(descriptor)
            else:
                self._link.ready(descriptor, self._hello())
        self._link.late()
        for boot in running:
            if boot.exit is None and boot.kill_at <= time.monotonic():
                boot.kill_at = time.monotonic() + 1.0
                boot.kill()
        self._boots.tell_who_listens()

    def _signalled(self) -> None:
        received = os.read(self._woken, 512)
        self._link.over = self._link.over or signal.SIGTERM in received or signal.SIGINT in received
        self._boots.reap()

    def _read_all(self, descriptor: int, until: float) -> bytes:
        """What comes there, to its end, or until then, or until the agent is told to end."""
        output = bytearray()
        while time.monotonic() < until and not self._link.over:
            readable = ready([self._woken, descriptor], until)
            if self._woken in readable:
                self._signalled()
            if descriptor in readable:
                data = os.read(descriptor, 65536)
                if not data:
                    break
                output += data
        return bytes(output)

    # requests

    def _request(self, line: bytes) -> Run | None:
        identifier = None
        try:
            request = json.loads(line)
            identifier = request["id"]
            answer = self._requests.get(request["do"], _unknown)(request)
            if callable(answer):
                return answer  # this is a forked child
            if answer is not None:
                self._link.tell({"id": identifier, "ok": True, **answer})
        except RequestRefused as refused:
            self._link.tell({"id": identifier, "ok": False, "error": str(refused)})
        except (KeyError, TypeError, ValueError, OSError) as error:
            self._link.tell({"id": identifier, "ok": False, "error": type(error).__name__ + ": " + str(error)})
        return None

    def _hello(self) -> Answer:
        return {
            "protocol": PROTOCOL,
            "pid": self._pid,
            "uid": os.getuid(),
            "python": platform.python_version(),
            "folder": str(Path.cwd()),
            "loaded": len(self._preload.loaded),
            "threads": leftovers()["a thread"],
        }

    def _modules(self, request: Request) -> Answer:
        """Load what the backend needs from others: as its entry imports it, or as boot `learn_from` has imported it."""
        command, until = ProgramCommand(request), time.monotonic() + float(request.get("timeout_s") or 60.0)
        if not request.get("learn_from"):
            return self._preload.load(command, self._preload.survey(command, until), until)
        boot = self._boots.asked_for({"boot": request["learn_from"]})
        return self._preload.load(command, boot.text(boot.names), until)

    def _shutdown(self, _: Request) -> Answer:
        self._link.over = True
        return {}

    def _finish(self) -> None:
        """Kill every boot, and wait until they have ended."""
        until = time.monotonic() + FINISH_S
        running = self._boots.kill_all()
        while any(boot.exit is None for boot in running) and time.monotonic() < until:
            if ready([self._woken], until):
                os.read(self._woken, 512)
            self._boots.reap()
        self._link.close()


def _unknown(request: Request) -> None:
    raise RequestRefused("unknown request: " + str(request["do"]))


def main() -> Run | None:
    """Serve as the environment says. Returns None when it is over, in a forked child what to run."""
    given = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(OWN_VARIABLES)}
    token = given.get(OWN_VARIABLES + "TOKEN", "")
    if len(token) < MIN_TOKEN:
        raise SystemExit(f"envparity warm agent: {OWN_VARIABLES}TOKEN has fewer than {MIN_TOKEN} characters")
    try:
        listener = listen(given.get(OWN_VARIABLES + "LISTEN", "127.0.0.1:0"))
    except (RequestRefused, OSError, ValueError) as error:
        raise SystemExit(f"envparity warm agent: cannot listen: {error}") from None
    gc.disable()
    host, port = listener.getsockname()[:2]
    print(f"envparity warm agent: listening on {host}:{port}", flush=True)  # noqa: T201  its one line of output
    unclaimed_s = float(given.get(OWN_VARIABLES + "UNCLAIMED_S", "60"))
    return Agent(OwnerLink(listener, token, unclaimed_s), dict(os.environ)).serve()
