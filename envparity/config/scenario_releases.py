"""What a scenario must say whose boot changes the release. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from envparity.model.case import Boot

__all__ = ["release_problems"]

Problem = tuple[str, str, str, str]
"""The key below the scenario, what was expected, what is there, what to do."""


def release_problems(head: Mapping[str, object]) -> Iterator[Problem]:
    """What cannot be together with a change of the release, or would have no effect."""
    boot = head.get("boot")
    if not isinstance(boot, Boot) or not boot.release:
        return
    if head.get("disruptive"):
        action = "disturb in a scenario of its own"
        yield "boot.release", "a scenario that disturbs nothing", "disruptive = true", action
    if head.get("part", "usual") != "usual":
        yield "boot.release", 'part = "usual"', repr(head["part"]), "remove one of them"
    others = msgspec.structs.replace(boot, release="", settings=())
    if not others.steady:
        yield "boot.release", "nothing beside it but settings", others.label, "remove one of them"
