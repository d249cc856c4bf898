"""Forking the processes that run a backend."""

from __future__ import annotations

import gc
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from .boot import ForkedBoot
from .child import CANNOT_START, accepts, be_a_child, become
from .command import Answer, ProgramCommand, Request, RequestRefused
from .link import OwnerLink
from .loading import observe_imports
from .preload import Preload
from .running import RunningBoots
from .watching import Watching, watch

Run = Callable[[], None]


class Forking:
    """Forks of an agent with what `preload` has loaded. `usual` is the environment that a boot's own is laid over."""

    def __init__(self, link: OwnerLink, usual: dict[str, str], preload: Preload, boots: RunningBoots) -> None:
        self._link, self._usual, self._preload, self._boots = link, usual, preload, boots
        self._watching = Watching(preload.compiled)
        self._pid = os.getpid()
        self._number = 0

    def fork(self, request: Request) -> Answer | Run:
        """Fork a process that runs the backend; in it, this returns what to run."""
        command = ProgramCommand(request)
        own = {str(name): str(value) for name, value in request.get("env", {}).items()}
        self._preload.refuse(own, self._usual)
        if request.get("port") and accepts(int(request["port"])):
            raise RequestRefused("somebody listens on port " + str(request["port"]) + " already")
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
        self._boots.add(ForkedBoot(self._number, pid, log=log, names=names, folder=folder, request=request))
        return {"boot": self._number, "pid": pid, "fork_s": round(time.monotonic() - began, 4)}
