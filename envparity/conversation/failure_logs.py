"""What was logged around the moment in which a conversation failed."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from envparity.conversation.machine import Conversation
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.port import LogMark, Stack
from envparity.observe.transcript import LoggedLines

__all__ = ["FailureLogs"]


@dataclass(frozen=True)
class FailureLogs:
    """Those of one stack. A mark before each action of a client says how far the logs had come by then."""

    stack: Stack
    marks: list[tuple[float, LogMark]] = field(default_factory=list)

    async def mark(self, now_s: float) -> None:
        """Note how far they have come now."""
        self.marks.append((now_s, await self.stack.log_mark()))

    async def give_to(self, conversation: Conversation) -> None:
        """Where it failed, what was logged since the client's last action before that."""
        failed_s = conversation.failed_s
        if failed_s is None or not self.marks:
            return
        before = [mark for at_s, mark in self.marks if at_s <= failed_s]
        with contextlib.suppress(DeadlineExceeded, LaunchError):
            mark = before[-1] if before else self.marks[0][1]
            logged = await self.stack.logged_between(mark)
            servers = await self.stack.servers_logged(mark)
            conversation.logged(
                [
                    *(LoggedLines(f"replica {index + 1}", lines) for index, lines in enumerate(logged)),
                    *(LoggedLines(name, lines, is_replica=False) for name, lines in servers.items()),
                ]
            )
