"""How steps are played that do something to the environment."""

from __future__ import annotations

from envparity.conversation import actions
from envparity.conversation.filling import fill
from envparity.conversation.playing import Actions, Playing
from envparity.conversation.record import Departed
from envparity.model.step import (
    Command,
    Cut,
    Disturbance,
    DisturbsDependency,
    JumpClock,
    KillReplica,
    Restart,
    Restore,
    Revoke,
    Rotate,
    StartReplica,
    Stopped,
    StopReplica,
    Throttle,
    UntilReady,
    action_of,
)
from envparity.observe.stopping import KILLED
from envparity.observe.transcript import ControlDone

__all__ = ["ControlStep", "control"]


ControlStep = (
    Command
    | StopReplica
    | KillReplica
    | Stopped
    | StartReplica
    | Restart
    | Cut
    | Restore
    | Rotate
    | Revoke
    | UntilReady
    | Disturbance
)


def control(playing: Playing, index: int, step: ControlStep) -> Actions:
    """Have it done to the environment, and wait for its outcome."""
    action = action_of(step)
    target, replica = "", None
    words = tuple(str(fill(word, playing.values)) for word in step.words) if isinstance(step, Command) else ()
    if isinstance(step, Command | Restart | Cut | Restore | Rotate | DisturbsDependency):
        target = step.dependency
    elif isinstance(step, StopReplica | KillReplica | Stopped | StartReplica | Throttle | JumpClock):
        target, replica = step.on, playing.replicas[step.on]
    elif isinstance(step, Revoke):
        target, words = playing.script.revoked[index]
    if isinstance(step, KillReplica):  # who is dead closes nothing, and keeps no contract
        playing.arrivals.killed |= {name for name, on in playing.replicas.items() if on == replica}
    playing.told.forget()
    keep = isinstance(step, Rotate) and step.keep
    disturbance = step if isinstance(step, Disturbance) or (isinstance(step, Cut) and step.for_s) else None
    while playing.told.outcome is None:
        yield actions.Control(action, target, replica, keep=keep, words=words, disturbance=disturbance)
    outcome = playing.told.outcome
    target = step.on if isinstance(step, Revoke) else target
    connection = target if replica is not None else ""
    done = (action, target, outcome.exit_code, outcome.seconds, step.words if isinstance(step, Command) else ())
    said = (outcome.liveness, outcome.readiness)
    playing.recorder.note(ControlDone(playing.told.at_s, connection, "control", *done, *said))
    if outcome.failure:
        raise Departed("control", f"{action} {target}".strip(), outcome.failure)
    if isinstance(step, Stopped) and outcome.exit_code in KILLED:
        got = f"killed, exit code {outcome.exit_code}"
        raise Departed("control", "the replica ends by itself within the grace period", got, target)
