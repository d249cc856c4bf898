"""Whether a replica that is killed comes back: started again with the disk that it had, as a restart policy does."""

from __future__ import annotations

from contextlib import suppress

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.controls import KillsReplicas, LookedAt, ReplicaControls
from envparity.launch.port import Stack
from envparity.observe.stopping import KillSeen

__all__ = ["kill_and_start"]

_KILLED = 0
"""The replica that is killed: where there are several, the others stay."""

_STARTS = 3
"""How often it is started where it ends by itself: some remove what the one before has left, and end."""

_LOG_LINES = 20


async def kill_and_start(stack: Stack) -> KillSeen | None:
    """Kill a replica that is ready, and start it again; None where that cannot be done, or it was not ready before.

    One that was stopped is started before.
    """
    if not (isinstance(stack, ReplicaControls) and isinstance(stack, KillsReplicas)) or isinstance(stack, LookedAt):
        return None
    try:
        if (await stack.observe_replica(_KILLED)).exit_code is not None:
            await stack.start_replica(_KILLED)
        await stack.until_ready(_KILLED)
        mark = await stack.log_mark()
        await stack.kill_replica(_KILLED)
    except (DeadlineExceeded, LaunchError):  # what is wrong with it before it is killed is told elsewhere
        return None
    exit_code: int | None = None
    back, starts = False, 0
    while not back and starts < _STARTS and (exit_code is not None or not starts):
        starts += 1
        with suppress(DeadlineExceeded, LaunchError):
            await stack.start_replica(_KILLED)
            back = True
        exit_code = (await stack.observe_replica(_KILLED)).exit_code
    log = () if back else (await stack.logged_between(mark))[_KILLED]
    return KillSeen(_KILLED, back, starts, exit_code, log[-_LOG_LINES:])
