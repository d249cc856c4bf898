"""A forked backend, seen from the agent."""

from __future__ import annotations

import os
import re
import resource
import signal
import time
from pathlib import Path

from .child import kill_group
from .command import Answer, Request

LOG_BYTES = 256 << 10
NAMES_BYTES = 4 << 20
LIFETIME_S = 120.0


class ForkedBoot:
    """One forked process: what it writes, its deadline, how it ended.

    `log` and `names` are descriptors to read: its output, and the modules that it imports (where it tells).
    `kill_at` is when it is killed, `killed` why it then was: "lifetime", "grace", "stop" or "agent".
    """

    def __init__(self, number: int, pid: int, *, log: int, names: int, folder: Path, request: Request) -> None:
        self.number, self.pid, self.log, self.names, self.folder = number, pid, log, names, folder
        self.began = time.monotonic()
        self.kill_at = self.began + float(request.get("lifetime_s") or LIFETIME_S)
        self.killed = "lifetime"
        self.port = int(request.get("port") or 0)  # 0 once it has been seen to listen there
        self.words = [re.compile(str(word)) for word in request.get("words", ())]  # empty once one was seen in a line
        self.said_after_s: float | None = None  # when that was, until it has been told
        self._line = b""
        self.exit: dict[str, object] | None = None
        self.waiting: list[int] = []  # the requests that are answered when it has ended
        self.dropped = 0
        self._text = {log: bytearray(), names: bytearray()}

    def read(self, descriptor: int) -> bool:
        """Take what is there to read. False at its end."""
        kept = self._text[descriptor]
        while True:
            try:
                data = os.read(descriptor, 65536)
            except BlockingIOError:
                return True
            if not data:
                return False
            kept += data
            if self.words and descriptor == self.log:
                self._look(data)
            limit = LOG_BYTES if descriptor == self.log else NAMES_BYTES
            if len(kept) > limit:
                self.dropped += len(kept) - limit if descriptor == self.log else 0
                del kept[:-limit]

    def _look(self, data: bytes) -> None:
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace")
            if any(word.search(text) for word in self.words):
                self.words.clear()
                self.said_after_s = self.age_s

    def text(self, descriptor: int) -> bytes:
        """What is kept of what was read there."""
        return bytes(self._text[descriptor])

    def kill(self) -> None:
        """SIGKILL, to it and to what it has started in its own process group."""
        kill_group(self.pid, leader=self.exit is None)

    def ended(self, status: int, usage: resource.struct_rusage) -> None:
        """Keep its exit status, wait(2)'s, and what it used, getrusage(2)'s."""
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        self.exit = {
            "code": 128 + number if number is not None else os.WEXITSTATUS(status),
            "signal": number,
            "killed": self.killed if number == signal.SIGKILL else None,
            "wall_s": self.age_s,
            "user_s": round(usage.ru_utime, 4),
            "system_s": round(usage.ru_stime, 4),
            "max_rss_kib": usage.ru_maxrss,
        }

    @property
    def age_s(self) -> float:
        """Seconds since it was forked."""
        return round(time.monotonic() - self.began, 4)

    @property
    def state(self) -> Answer:
        """As the client is told it."""
        return {"boot": self.number, "running": self.exit is None, "exit": self.exit}
