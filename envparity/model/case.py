"""A case: exactly what is needed to boot once, and to boot again."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

__all__ = ["BACKEND", "Boot", "Case", "ReleaseChange"]

BACKEND = "backend"
"""The word of a timeline that starts the backend."""

_SINCE = ("other_host", "silent_start")

ReleaseChange = Literal["", "upgrade", "rolling", "rollback"]
"""How one release follows another on the same data: all at once, some replicas only, or there and back again."""


class Boot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, order=True):
    """How this boot departs from the environment's usual one.

    `down` names the dependencies that cannot be reached for as long as the boot lasts; `settings` overrides
    settings; `order` is the initialisation order asked for (empty: the backend's own); `timeline` is the sequence in
    which things happen: "backend" starts it, "postgres" makes a dependency reachable, "-postgres" takes it away again.
    What a timeline names is out of reach until its turn. `hasten` makes every idle time that many times shorter: the
    ingress's, and the backend's `idle_settings`. Raises `ValueError` for a timeline that does not start the backend
    exactly once, and for idle times that are not to be shorter. `clocks` are the seconds by which the clock of each
    replica is ahead of this machine's (the last is that of all behind it); none: they have this machine's.
    `release` boots the previous release first, lets its clients talk, and then changes it on the data that it left:
    "upgrade" every replica, "rolling" half of them, "rollback" every one, and back again.
    `slow` are dependencies whose answers come so many seconds late for as long as the boot lasts. `apart_s` are the
    seconds by which each replica is started after the one before it; 0: all of them are started in the same moment.
    `other_host` are dependencies whose servers present a certificate of the run's authority for another host.
    `silent_start` are dependencies that fall silent before the replicas start; the first replica is told to stop once
    it waits for one of them.
    """

    down: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    order: tuple[str, ...] = ()
    timeline: tuple[str, ...] = ()
    hasten: int = 1
    clocks: tuple[float, ...] = ()
    release: ReleaseChange = ""
    slow: tuple[tuple[str, float], ...] = ()
    apart_s: float = 0.0
    other_host: tuple[str, ...] = ()
    silent_start: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.hasten < 1:
            raise ValueError(f"a hasten of at least 1, got {self.hasten}")
        if self.timeline and self.timeline.count(BACKEND) != 1:
            raise ValueError(f"a timeline with {BACKEND!r} in it once, got {', '.join(self.timeline)}")

    @property
    def steady(self) -> bool:
        """Nothing is asked for beyond the environment itself."""
        return self == Boot()

    @property
    def unasked(self) -> bool:
        """Whether a thorough run makes such boots by itself, for no scenario, and with rules of their own."""
        return bool(self.other_host or self.silent_start)

    @property
    def says_when(self) -> bool:
        """Whether it says itself which dependencies the backend finds when it starts."""
        return bool(self.timeline or self.down or self.silent_start)

    @property
    def withheld(self) -> tuple[str, ...]:
        """The dependencies that a backend which is right cannot use for as long as the boot lasts."""
        return (*self.down, *self.other_host)

    @property
    def before_start(self) -> tuple[str, ...]:
        """What the timeline lets happen before the backend starts."""
        return self.timeline[: self.timeline.index(BACKEND)] if self.timeline else ()

    @property
    def after_start(self) -> tuple[str, ...]:
        """What the timeline lets happen once the backend has started."""
        return self.timeline[self.timeline.index(BACKEND) + 1 :] if self.timeline else ()

    @property
    def unreachable_at_start(self) -> tuple[str, ...]:
        """The dependencies that the backend does not find when it starts, sorted."""
        named = {text.removeprefix("-") for text in self.timeline} - {BACKEND}
        reachable: set[str] = set()
        for text in self.before_start:
            if text.startswith("-"):
                reachable.discard(text[1:])
            else:
                reachable.add(text)
        return tuple(sorted({*self.down, *(named - reachable)}))

    def clock_of(self, replica: int) -> float | None:
        """By how many seconds that replica's clock is ahead; None where it has the machine's own."""
        return self.clocks[min(replica, len(self.clocks) - 1)] if self.clocks else None

    @property
    def label(self) -> str:
        """The departure in a few words, for people: `postgres down`."""
        parts = [f"{name} down" for name in self.down]
        parts += [f"{name} with a certificate for another host" for name in self.other_host]
        if self.silent_start:
            parts.append(f"stopped while it waits for {' or '.join(self.silent_start)}")
        parts += [f"{name}={value}" for name, value in self.settings]
        if self.order:
            parts.append("order " + ",".join(self.order))
        if self.timeline:
            parts.append("then ".join(f"{text} " for text in self.timeline).strip())
        if self.hasten > 1:
            parts.append(f"idle times {self.hasten} times shorter")
        parts += [f"{name} {by_s:g} s late" for name, by_s in self.slow]
        if self.clocks:
            parts.append("clocks " + ", ".join(f"{by_s:+g} s" for by_s in self.clocks))
        if self.apart_s:
            parts.append(f"replicas {self.apart_s:g} s apart")
        if self.release:
            parts.append(f"{self.release} from the previous release")
        return ", ".join(parts) or "as it is"


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True, order=True):
    """One environment, one backend, one way to boot it. Equal cases are booted once per run."""

    environment: str
    backend: str
    boot: Boot = Boot()

    @property
    def id(self) -> str:
        """Short and stable: the environment's name and 6 hexadecimal digits of what departs from it."""
        if self.boot.steady:
            return self.environment
        said = msgspec.to_builtins(self)
        for key in _SINCE:  # the ids of all other boots are those of runs that were saved before there was that key
            if not getattr(self.boot, key):
                del said["boot"][key]
        digest = hashlib.sha256(msgspec.json.encode(said)).hexdigest()
        return f"{self.environment}-{digest[:6]}"

    def __str__(self) -> str:
        return self.environment if self.boot.steady else f"{self.environment} ({self.boot.label})"
