"""The agent's loop: one thread, one client, one forked process for every boot."""

from __future__ import annotations

import gc
import json
import os
import platform
import select
import shutil
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .boot import LOG_BYTES, Boot
from .child import CANNOT_START, accepts, be_a_child, become, listening_ports
from .command import Command, Refused
from .link import Link, listen
from .loading import leftovers, observe_imports
from .preload import Preload
from .watching import Watching, watch

PROTOCOL = 1
MIN_TOKEN = 32
LISTENING_EVERY_S = 0.003
LOOK_EVERY_S = 0.25  # for those who listen on another address than this machine's own
FINISH_S = 5.0
REMEMBERED = 64
OWN_VARIABLES = "ENVPARITY_WARM_"

Run = Callable[[], None]


class Agent:
    """Meets the requests that come over `link`. `usual` is the environment that a boot's own is laid over."""

    def __init__(self, link: Link, usual: dict[str, str]) -> None:
        self._link, self._usual = link, usual
        self._pid = os.getpid()
        self._preload = Preload(self._read_all)
        self._watching = Watching(self._preload.compiled)
        self._boots: dict[int, Boot] = {}
        self._readers: dict[int, Boot] = {}
        self._number = 0
        self._look_again = 0.0
        self._requests: dict[str, Callable[[dict[str, Any]], dict[str, Any] | Run | None]] = {
            "hello": lambda _: self._hello(),
            "modules": self._modules,
            "boot": self._boot,
            "status": lambda request: self._booted(request).state,
            "log": self._log,
            "stop": self._stop,
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
        running = [one for one in self._boots.values() if one.exit is None]
        until = min([self._link.deadline, *(one.kill_at for one in running)])
        if any(one.port for one in running):
            until = min(until, time.monotonic() + LISTENING_EVERY_S)
        for descriptor in _ready([self._woken, *self._readers, *self._link.descriptors], until):
            if descriptor == self._woken:
                self._signalled()
            elif descriptor in self._readers:
                self._read(self._readers[descriptor], descriptor)
            else:
                self._link.ready(descriptor, self._hello())
        self._link.late()
        for boot in running:
            if boot.exit is None and boot.kill_at <= time.monotonic():
                boot.kill_at = time.monotonic() + 1.0
                boot.kill()
        self._tell_who_listens()

    def _read(self, boot: Boot, descriptor: int) -> None:
        goes_on = boot.read(descriptor)
        if boot.said_after_s is not None:
            self._link.tell({"event": "said", "boot": boot.number, "after_s": boot.said_after_s})
            boot.said_after_s = None
        if not goes_on:
            self._forget(descriptor)

    def _tell_who_listens(self) -> None:
        awaited = [one for one in self._boots.values() if one.exit is None and one.port]
        ports: set[int] = set()
        if awaited and time.monotonic() >= self._look_again:
            self._look_again = time.monotonic() + LOOK_EVERY_S
            ports = listening_ports()
        for boot in awaited:
            if boot.port in ports or accepts(boot.port):
                boot.port = 0
                self._link.tell({"event": "listening", "boot": boot.number, "after_s": boot.age_s})

    def _signalled(self) -> None:
        received = os.read(self._woken, 512)
        self._link.over = self._link.over or signal.SIGTERM in received or signal.SIGINT in received
        self._reap()

    def _read_all(self, descriptor: int, until: float) -> bytes:
        """What comes there, to its end, or until then, or until the agent is told to end."""
        output = bytearray()
        while time.monotonic() < until and not self._link.over:
            ready = _ready([self._woken, descriptor], until)
            if self._woken in ready:
                self._signalled()
            if descriptor in ready:
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
        except Refused as refused:
            self._link.tell({"id": identifier, "ok": False, "error": str(refused)})
        except (KeyError, TypeError, ValueError, OSError) as error:
            self._link.tell({"id": identifier, "ok": False, "error": type(error).__name__ + ": " + str(error)})
        return None

    def _hello(self) -> dict[str, Any]:
        return {
            "protocol": PROTOCOL,
            "pid": self._pid,
            "uid": os.getuid(),
            "python": platform.python_version(),
            "folder": str(Path.cwd()),
            "loaded": len(self._preload.loaded),
            "threads": leftovers()["a thread"],
        }

    def _modules(self, request: dict[str, Any]) -> dict[str, Any]:
        """Load what the backend needs from others: as its entry imports it, or as boot `learn_from` has imported it."""
        command, until = Command(request), time.monotonic() + float(request.get("timeout_s") or 60.0)
        if not request.get("learn_from"):
            return self._preload.load(command, self._preload.survey(command, until), until)
        boot = self._booted({"boot": request["learn_from"]})
        return self._preload.load(command, boot.text(boot.names), until)

    def _boot(self, request: dict[str, Any]) -> dict[str, Any] | Run:
        """Fork a process that runs the backend; in it, this returns what to run."""
        command = Command(request)
        own = {str(name): str(value) for name, value in request.get("env", {}).items()}
        self._preload.refuse(own, self._usual)
        if request.get("port") and accepts(int(request["port"])):
            raise Refused("somebody listens on port " + str(request["port"]) + " already")
        self._number += 1
        folder = Path(self._usual.get("TMPDIR") or "/tmp") / f"envparity-warm-{self._pid}-{self._number}"  # noqa: S108
        environment = {**self._usual, "TMPDIR": str(folder), **own}
        watched = [str(name) for name in request.get("watch", ())]
        existing, instead = self._watching.existing(watched), self._watching.code(watched)
        log, log_end = os.pipe2(os.O_CLOEXEC)
        names, names_end = os.pipe2(os.O_CLOEXEC)
        gc.freeze()
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            try:
                be_a_child(self._pid, log_end, keep=(names_end,) if request.get("learn") else ())
                self._link.abandon()
                become(environment, folder)
                self._preload.compiled.use(instead)
                if request.get("learn"):
                    observe_imports(names_end)
                if watched:
                    watch(watched, existing)
            except BaseException:  # noqa: BLE001  nothing may climb from here into the agent's own loop
                traceback.print_exc()
                os._exit(CANNOT_START)
            return command.run
        for end in (log_end, names_end):
            os.close(end)
        boot = self._boots[self._number] = Boot(self._number, pid, log=log, names=names, folder=folder, request=request)
        for descriptor in (log, names):
            os.set_blocking(descriptor, False)
            self._readers[descriptor] = boot
        return {"boot": boot.number, "pid": pid, "fork_s": round(time.monotonic() - began, 4)}

    def _booted(self, request: dict[str, Any]) -> Boot:
        boot = self._boots.get(request["boot"])
        if boot is None:
            raise Refused("there is no boot " + str(request["boot"]))
        return boot

    def _log(self, request: dict[str, Any]) -> dict[str, Any]:
        boot = self._booted(request)
        if boot.log in self._readers:
            boot.read(boot.log)
        tail = boot.text(boot.log)[-int(request.get("bytes") or LOG_BYTES) :]
        return {"boot": boot.number, "text": tail.decode(errors="replace"), "dropped": boot.dropped}

    def _stop(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """SIGTERM, and SIGKILL after `grace_s`; SIGKILL at once where that is 0. Answered when it has ended."""
        boot = self._booted(request)
        if boot.exit is not None:
            return boot.state
        boot.waiting.append(request["id"])
        grace_s = float(request.get("grace_s") or 0.0)
        boot.killed = "grace" if grace_s else "stop"
        if grace_s:
            boot.kill_at = time.monotonic() + grace_s
            os.kill(boot.pid, signal.SIGTERM)
        else:
            boot.kill()
        return None

    def _shutdown(self, _: dict[str, Any]) -> dict[str, Any]:
        self._link.over = True
        return {}

    # endings

    def _reap(self) -> None:
        """Take note of every child that has ended; what it has started in its own group ends with it."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            boot = next((one for one in self._boots.values() if one.pid == ended.si_pid and one.exit is None), None)
            if boot is not None:
                boot.kill()  # now, before its number is free to be another group's
            _, status, usage = os.wait4(ended.si_pid, 0)
            if boot is not None:
                self._ended(boot, status, usage)

    def _ended(self, boot: Boot, status: int, usage: Any) -> None:
        boot.ended(status, usage)
        for descriptor in (boot.log, boot.names):
            if descriptor in self._readers:
                boot.read(descriptor)
                self._forget(descriptor)
        try:
            boot.folder.rmdir()  # most leave nothing in it
        except OSError:
            shutil.rmtree(boot.folder, ignore_errors=True)
        self._link.tell({"event": "ended", **boot.state})
        for identifier in boot.waiting:
            self._link.tell({"id": identifier, "ok": True, **boot.state})
        for number in [one.number for one in self._boots.values() if one.exit is not None][:-REMEMBERED]:
            del self._boots[number]

    def _forget(self, descriptor: int) -> None:
        del self._readers[descriptor]
        os.close(descriptor)

    def _finish(self) -> None:
        """Kill every boot, and wait until they have ended."""
        until = time.monotonic() + FINISH_S
        running = [one for one in self._boots.values() if one.exit is None]
        for boot in running:
            boot.killed = "agent"
            boot.kill()
        while any(boot.exit is None for boot in running) and time.monotonic() < until:
            if _ready([self._woken], until):
                os.read(self._woken, 512)
            self._reap()
        self._link.close()


def _unknown(request: dict[str, Any]) -> None:
    raise Refused("unknown request: " + str(request["do"]))


def _ready(descriptors: list[int], until: float) -> list[int]:
    """Those that can be read, waiting for the first at most until then, and never longer than a minute."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    wait_s = min(max(0.0, until - time.monotonic()), 60.0)
    return [descriptor for descriptor, _ in poll.poll(wait_s * 1000 + 0.5)]


def main() -> Run | None:
    """Serve as the environment says. Returns None when it is over, in a forked child what to run."""
    given = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(OWN_VARIABLES)}
    token = given.get(OWN_VARIABLES + "TOKEN", "")
    if len(token) < MIN_TOKEN:
        raise SystemExit(f"envparity warm agent: {OWN_VARIABLES}TOKEN has fewer than {MIN_TOKEN} characters")
    try:
        listener = listen(given.get(OWN_VARIABLES + "LISTEN", "127.0.0.1:0"))
    except (Refused, OSError, ValueError) as error:
        raise SystemExit(f"envparity warm agent: cannot listen: {error}") from None
    gc.disable()
    host, port = listener.getsockname()[:2]
    print(f"envparity warm agent: listening on {host}:{port}", flush=True)  # noqa: T201  its one line of output
    unclaimed_s = float(given.get(OWN_VARIABLES + "UNCLAIMED_S", "60"))
    return Agent(Link(listener, token, unclaimed_s), dict(os.environ)).serve()
