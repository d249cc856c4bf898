"""Which modules are not the backend's own, and having them in the agent."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .child import CANNOT_START, be_a_child, kill_group
from .command import ProgramCommand, RequestRefused, first_on_path, folder_of
from .compiled import Compiled
from .loading import import_each, leftovers, observe_imports

Found = dict[str, object]
Work = Callable[[int], None]
ReadAll = Callable[[int, float], bytes]


class Preload:
    """The modules imported ahead. `read_all(descriptor, until)` reads a pipe to its end, at most until then."""

    def __init__(self, read_all: ReadAll) -> None:
        self._read_all = read_all
        self.compiled = Compiled()
        self.loaded: list[str] = []
        self.reads: dict[str, list[str]] = {}  # a variable, and the modules that have read it while they were imported
        self.unfit = ""  # why nothing can be forked from here, if so

    def survey(self, command: ProgramCommand, until: float) -> bytes:
        """The names of all modules that the imports at the top of what is run lead to, a line each.

        Done in a forked child that is thrown away.
        """

        def work(pipe: int) -> None:
            first_on_path(str(Path.cwd()))
            observe_imports(pipe)
            command.import_without_running()

        return self._in_worker(work, until)

    def load(self, command: ProgramCommand, names: bytes, until: float) -> Found:
        """Import those of them that are not the backend's own and bear it; say which, and which not and why.

        A forked child shows first that each can be imported and leaves neither a thread nor a descriptor behind.
        """
        own_names, own_folders = command.own_names(), command.own_folders()
        own, wanted = [], []
        folders: dict[str, Path | None] = {}
        for name in dict.fromkeys(names.decode(errors="replace").split()):
            top = name.partition(".")[0]
            if top not in folders:
                folders[top] = folder_of(top)
            if top in own_names or folders[top] in own_folders:
                own.append(name)
            elif name not in sys.modules and not name.endswith("__main__"):
                wanted.append(name)
        good, left_out = self._bearable(wanted, until)
        imported = self._import(good)
        smuggled = sorted(module for module in sys.modules if module.partition(".")[0] in own_names)
        if smuggled:
            self.unfit = "a third-party module has imported the backend's own " + ", ".join(smuggled)
        self.compiled.compile(command, until)
        gc.collect()
        return {
            "imported": imported,
            "left_out": left_out,
            "own": own,
            "reads": self.reads,
            "loaded": len(self.loaded),
            "unfit": self.unfit,
        }

    def refuse(self, environment: dict[str, str], usual: dict[str, str]) -> None:
        """Raise `RequestRefused` where a fork cannot do what a new process would, rather than boot something else."""
        if self.unfit:
            raise RequestRefused(self.unfit)
        if leftovers()["a thread"] != 1:
            raise RequestRefused("the agent has more than one thread")
        for name, value in environment.items():
            if usual.get(name) == value:
                continue
            if name.startswith("PYTHON"):
                raise RequestRefused(name + " is read by the interpreter when it starts")
            if name in self.reads:
                readers = ", ".join(self.reads[name][:3])
                raise RequestRefused(name + " is read by " + readers + " when imported, which has happened already")

    def _bearable(self, names: list[str], until: float) -> tuple[list[str], list[Found]]:
        left_out: list[Found] = []
        while True:
            good, failed, culprit = self._trial(names, until)
            if culprit is None:
                return good, left_out + failed
            left_out.append(culprit)
            names = [name for name in names if name != culprit["name"]]

    def _trial(self, names: list[str], until: float) -> tuple[list[str], list[Found], Found | None]:
        """Those that can be imported, those that raise, and the first that leaves something or ends the process.

        Raises `RequestRefused` where one hangs.
        """

        def work(pipe: int) -> None:
            for found in import_each(names):
                os.write(pipe, json.dumps(found).encode() + b"\n")

        good: list[str] = []
        failed: list[Found] = []
        begun = ""
        for line in self._in_worker(work, until).splitlines():
            found = json.loads(line)
            begun = found.get("begin", "")
            if begun:
                continue
            if found["leaves"]:
                reason = "its import leaves " + " and ".join(found["leaves"]) + " behind"
                return good, failed, {"name": found["name"], "reason": reason}
            if found["error"] is None:
                good.append(found["name"])
            elif not found["error"].startswith("ModuleNotFoundError"):  # optional, and not installed
                failed.append({"name": found["name"], "reason": found["error"]})
        if begun and time.monotonic() >= until:
            raise RequestRefused("the import of " + begun + " did not end in time")
        return good, failed, {"name": begun, "reason": "its import ends the process"} if begun else None

    def _import(self, names: list[str]) -> list[Found]:
        imported = []
        for found in import_each(names):
            if "begin" in found:
                continue
            if found["leaves"] or found["error"]:
                what = found["error"] or "leaves " + " and ".join(found["leaves"])
                self.unfit = "the import of " + found["name"] + " in the agent: " + what
            for variable in found["reads"]:
                self.reads.setdefault(variable, []).append(found["name"])
            self.loaded.append(found["name"])
            imported.append({"name": found["name"], "file": found["file"], "seconds": found["seconds"]})
        return imported

    def _in_worker(self, work: Work, until: float) -> bytes:
        """Do that in a forked child, which is thrown away; returns what it has written into the pipe until then."""
        agent_pid = os.getpid()
        read_end, write_end = os.pipe2(os.O_CLOEXEC)
        pid = os.fork()
        if pid == 0:
            try:
                be_a_child(agent_pid, os.open(os.devnull, os.O_WRONLY), keep=(write_end,))
                work(write_end)
            finally:
                os._exit(CANNOT_START)  # whatever was raised: nothing may climb from here into the agent's own loop
        os.close(write_end)
        os.set_blocking(read_end, False)
        try:
            return self._read_all(read_end, until)
        finally:
            os.close(read_end)
            kill_group(pid, leader=True)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
