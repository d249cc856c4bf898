"""The boots that an agent has forked: what comes from them, and their ends."""

from __future__ import annotations

import os
import resource
import select
import shutil
import signal
import time

from .boot import LOG_BYTES, ForkedBoot
from .child import accepts, listening_ports
from .command import Answer, Request, RequestRefused
from .link import OwnerLink

LOOK_AFTER_S = 0.5  # a look at the kernel's table costs tens of milliseconds: for who has had the time to listen
LOOK_EVERY_S = 0.25  # for those who listen on another address than this machine's own
REMEMBERED = 64


class RunningBoots:
    """Boots by their numbers, and by the descriptors that are read of them (`readers`). `link` is told of them."""

    def __init__(self, link: OwnerLink) -> None:
        self._link = link
        self._boots: dict[int, ForkedBoot] = {}
        self.readers: dict[int, ForkedBoot] = {}
        self._look_again = 0.0

    @property
    def running(self) -> list[ForkedBoot]:
        """Those that have not ended."""
        return [boot for boot in self._boots.values() if boot.exit is None]

    def add(self, boot: ForkedBoot) -> None:
        """Take one more, and read what it writes."""
        self._boots[boot.number] = boot
        for descriptor in (boot.log, boot.names):
            os.set_blocking(descriptor, False)
            self.readers[descriptor] = boot

    def kill_all(self) -> list[ForkedBoot]:
        """Kill those that run; these are returned."""
        running = self.running
        for boot in running:
            boot.killed = "agent"
            boot.kill()
        return running

    def asked_for(self, request: Request) -> ForkedBoot:
        """The one that a request names. Raises `RequestRefused`."""
        boot = self._boots.get(request["boot"])
        if boot is None:
            raise RequestRefused("there is no boot " + str(request["boot"]))
        return boot

    def read(self, descriptor: int) -> None:
        """Take what has come there."""
        boot = self.readers[descriptor]
        goes_on = boot.read(descriptor)
        if boot.said_after_s is not None:
            self._link.tell({"event": "said", "boot": boot.number, "after_s": boot.said_after_s})
            boot.said_after_s = None
        if not goes_on:
            self._forget(descriptor)

    def tell_who_listens(self) -> None:
        """Tell of each that has begun to listen on its port."""
        awaited = [each_boot for each_boot in self.running if each_boot.port]
        ports: set[int] = set()
        if any(each_boot.age_s > LOOK_AFTER_S for each_boot in awaited) and time.monotonic() >= self._look_again:
            self._look_again = time.monotonic() + LOOK_EVERY_S
            ports = listening_ports()
        for boot in awaited:
            if boot.port in ports or accepts(boot.port):
                boot.port = 0
                self._link.tell({"event": "listening", "boot": boot.number, "after_s": boot.age_s})

    def log(self, request: Request) -> Answer:
        """The end of what it has written."""
        boot = self.asked_for(request)
        if boot.log in self.readers:
            boot.read(boot.log)
        tail = boot.text(boot.log)[-int(request.get("bytes") or LOG_BYTES) :]
        return {"boot": boot.number, "text": tail.decode(errors="replace"), "dropped": boot.dropped}

    def stop(self, request: Request) -> Answer | None:
        """SIGTERM, and SIGKILL after `grace_s`; SIGKILL at once where that is 0. Answered when it has ended."""
        boot = self.asked_for(request)
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

    def reap(self) -> None:
        """Take note of every child that has ended; what it has started in its own group ends with it."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            boot = next(
                (
                    each_boot
                    for each_boot in self._boots.values()
                    if each_boot.pid == ended.si_pid and each_boot.exit is None
                ),
                None,
            )
            if boot is not None:
                boot.kill()  # now, before its number is free to be another group's
            _, status, usage = os.wait4(ended.si_pid, 0)
            if boot is not None:
                self._ended(boot, status, usage)

    def _ended(self, boot: ForkedBoot, status: int, usage: resource.struct_rusage) -> None:
        boot.ended(status, usage)
        for descriptor in (boot.log, boot.names):
            if descriptor in self.readers:
                boot.read(descriptor)
                self._forget(descriptor)
        try:
            boot.folder.rmdir()  # most leave nothing in it
        except OSError:
            shutil.rmtree(boot.folder, ignore_errors=True)
        self._link.tell({"event": "ended", **boot.state})
        for identifier in boot.waiting:
            self._link.tell({"id": identifier, "ok": True, **boot.state})
        for number in [each_boot.number for each_boot in self._boots.values() if each_boot.exit is not None][
            :-REMEMBERED
        ]:
            del self._boots[number]

    def _forget(self, descriptor: int) -> None:
        del self.readers[descriptor]
        os.close(descriptor)


def ready(descriptors: list[int], until: float) -> list[int]:
    """Those that can be read, waiting for the first at most until then, and never longer than a minute."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    wait_s = min(max(0.0, until - time.monotonic()), 60.0)
    return [descriptor for descriptor, _ in poll.poll(wait_s * 1000 + 0.5)]
