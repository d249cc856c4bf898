"""Which plays of scenarios kept to their script, and which of several is judged."""

from __future__ import annotations

from collections.abc import Iterable

from envparity.observe.transcript import Transcript, violations_of

__all__ = ["in_order_of_interest", "is_broken", "kept_to_script"]


def in_order_of_interest(
    played: Iterable[Transcript], control: Iterable[Transcript]
) -> tuple[tuple[Transcript, ...], tuple[Transcript, ...]]:
    """The plays that are judged, one of each scenario, and all the others.

    What left its script in any play is judged by the first of those; else by the first play of all.
    """
    plays: dict[str, list[Transcript]] = {}
    for transcript in (*played, *control):
        plays.setdefault(transcript.scenario, []).append(transcript)
    judged = {name: next(filter(is_broken, several), several[0]) for name, several in plays.items()}
    others = [
        each_transcript
        for several in plays.values()
        for each_transcript in several
        if each_transcript is not judged[each_transcript.scenario]
    ]
    return tuple(judged.values()), tuple(others)


def is_broken(transcript: Transcript) -> bool:
    """Whether it left its script, or broke the contract."""
    return transcript.departure is not None or any(map(violations_of, transcript.events))


def kept_to_script(played: Iterable[Transcript]) -> frozenset[str]:
    """The scenarios none of whose plays left its script or broke the contract."""
    plays = list(played)
    return frozenset({play.scenario for play in plays} - {play.scenario for play in plays if is_broken(play)})
