"""Where a verdict's time went: of the run by the clock, of its boots added up, and which were the longest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from envparity.observe.record import Observation
from envparity.report.layout import Line, Span, line
from envparity.report.saved import SavedRun
from envparity.report.verdict import counted

__all__ = ["Profile", "Share", "profile_lines", "profile_of"]

_LONGEST = 5


class Share(msgspec.Struct, frozen=True):
    """Something that took time: its name, how long in seconds, and of how many that is the sum."""

    name: str
    seconds: float
    of: int = 1


class Profile(msgspec.Struct, frozen=True):
    """`clock` are the parts of `duration_s`, one after the other; `phases` those of every boot, which overlap."""

    duration_s: float
    clock: tuple[Share, ...]
    phases: tuple[Share, ...]
    boots: tuple[Share, ...]
    conversations: tuple[Share, ...]

    @property
    def booted_s(self) -> float:
        """How long all boots took, as if there had been one after the other."""
        return sum(phase.seconds for phase in self.phases)


def profile_of(run: SavedRun) -> Profile:
    """Where the time of that run went. What is not measured by itself is what is left of the whole."""
    verdict = run.verdict
    clock = [Share(name, seconds) for name, seconds in verdict.seconds.items()]
    left = verdict.duration_s - sum(share.seconds for share in clock)
    if clock and left >= 0.1:
        clock.append(Share("the rest", round(left, 1)))
    phases: dict[str, list[float]] = {}
    for observation in run.observations:
        for name, seconds in _phases(run, observation).items():
            phases.setdefault(name, []).append(seconds)
    boots = [Share(str(observation.case), round(_whole(observation), 1)) for observation in run.observations]
    played = [
        Share(f"{each.scenario} in {observation.case}", round(each.duration_s, 1))
        for observation in run.observations
        for each in observation.transcripts
    ]
    return Profile(
        verdict.duration_s,
        tuple(clock),
        _longest_first(Share(name, round(sum(each), 1), len(each)) for name, each in phases.items()),
        _longest_first(boots)[:_LONGEST],
        _longest_first(played)[:_LONGEST],
    )


def _longest_first(shares: Iterator[Share] | list[Share]) -> tuple[Share, ...]:
    return tuple(sorted(shares, key=lambda share: (-share.seconds, share.name)))


def _whole(observation: Observation) -> float:
    return observation.timings.get("boot", 0.0) + observation.timings.get("scenarios", 0.0)


def _phases(run: SavedRun, observation: Observation) -> Mapping[str, float]:
    """What that boot did, one after the other. Servers start together, and so do replicas: the slowest counts."""
    timings = observation.timings
    environment = run.project.environment(observation.case.environment)
    servers = [timings.get(name, 0.0) for name in environment.dependencies] if environment is not None else []
    replicas = [seconds for name, seconds in timings.items() if name == "ingress" or name.startswith("backend ")]
    orders = timings.get("orders", 0.0)
    known = {
        "servers": max(servers, default=0.0),
        "jobs": sum(seconds for name, seconds in timings.items() if name.startswith("job ")),
        "replicas and ingress": max(replicas, default=0.0),
        "startup of the backend": timings.get("startup", 0.0),
    }
    before = max(0.0, timings.get("boot", 0.0) - sum(known.values()))
    known |= {
        "places, networks, waiting for a turn": before,
        "orders": orders,
        "conversations": max(0.0, timings.get("scenarios", 0.0) - orders),
    }
    return {name: seconds for name, seconds in known.items() if seconds > 0}


def profile_lines(profile: Profile) -> Iterator[Line]:
    """It in words, a line for each thing."""
    yield line(Span(f"Where the time went: {profile.duration_s:.1f} s", "label"))
    yield from _lines(profile.clock, profile.duration_s)
    if profile.phases:
        yield line(f"  boots, added up: {profile.booted_s:.1f} s")
    yield from _lines(profile.phases, profile.booted_s, several=True)
    for title, shares in (("longest boots", profile.boots), ("longest conversations", profile.conversations)):
        if shares:
            yield line(f"  {title}")
            yield from _lines(shares, 0.0)


def _lines(shares: tuple[Share, ...], whole: float, *, several: bool = False) -> Iterator[Line]:
    for each_share in shares:
        share = f"{100 * each_share.seconds / whole:5.0f} %" if whole else ""
        count = f", {counted(each_share.of, 'boot')}" if several else ""
        yield line(f"    {each_share.seconds:7.1f} s{share}  {each_share.name}{count}")
