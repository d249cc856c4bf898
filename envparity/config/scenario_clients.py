"""What a scenario may say of several clients that play it at the same time, and what would have no effect. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from envparity.model.case import Boot
from envparity.model.scenario import Rate
from envparity.model.step import Connect, Step, action_of, placeholders

__all__ = ["client_problems"]

Problem = tuple[str, str, str, str]
"""The key below the scenario, what was expected, what is there, what to do."""

_OF_SEVERAL = "clients = 2 or more beside it"


def client_problems(head: Mapping[str, object], steps: Sequence[Step | None]) -> Iterator[Problem]:
    """What is wrong with the clients of a scenario. `steps` has None for each that could not be read."""
    clients = head.get("clients", 1)
    if not isinstance(clients, int):
        return
    if clients == 1:
        yield from _of_nobody(head, steps)
        return
    if head.get("part", "usual") != "usual":
        yield "clients", 'part = "usual"', repr(head["part"]), "remove one of them"
    if "second" in head:
        yield "second", "a scenario of one client", f"clients = {clients}, of which none comes back", "remove it"
    boot = head.get("boot")
    if isinstance(boot, Boot) and boot.release:
        yield "boot.release", "a scenario of one client", f"clients = {clients}", "remove one of them"
    served = head.get("served")
    if isinstance(served, int) and served > clients:
        yield "served", f"at most clients = {clients}", f"{served}", "more cannot be served"
    if head.get("rate") == Rate():
        yield "rate", "connections or messages in a second", "neither", "say one, or remove it"
    for index, step in enumerate(steps):
        if isinstance(step, Connect) and step.other_worker_than:
            key = f"steps[{index}].{action_of(step)}.other_worker_than"
            yield key, "a scenario of one client", f"clients = {clients}", "who answers whom cannot be seen among many"


def _of_nobody(head: Mapping[str, object], steps: Sequence[Step | None]) -> Iterator[Problem]:
    """What only says something of several clients, where there is one."""
    for key in ("barrier", "rate", "served"):
        if head.get(key) is not None:
            yield key, _OF_SEVERAL, "one client", "say how many, or remove it"
    for index, step in enumerate(steps):
        ids = step.user_id if isinstance(step, Connect) else ""
        if any(name == "client" for name, _ in placeholders((step, ids))):
            yield f"steps[{index}]", _OF_SEVERAL, "{client} of one client", "say how many, or what is meant"
