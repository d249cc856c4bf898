"""Fields whose value is another in each boot of one environment: what is proposed for them, wherever that is seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from envparity.judge.chance import ANOTHER_SEQUENCE, another_value
from envparity.judge.compare import PARTS
from envparity.judge.evidence import ObservedDifference
from envparity.judge.finding import Finding
from envparity.judge.registry import conduct
from envparity.judge.sameness import are_alike

__all__ = ["random_fields", "with_random_fields", "without_random"]

_SHOWN = 8  # paths that are quoted


def random_fields(finding: Finding, again: Iterable[Finding], name: str) -> tuple[ObservedDifference, ...]:
    """Where the environment of that name differs from itself, at the paths of the finding.

    `again` is what a further boot of it showed, compared with its first one.
    """
    sides = f"one boot of {name}", "another"
    return tuple(
        msgspec.structs.replace(piece, baseline=sides[0], other=sides[1])
        for shown in again
        if conduct(finding).of_fields and are_alike(finding, shown)
        if (shown.code, shown.where, shown.scenario) == (finding.code, finding.where, finding.scenario)
        for piece in shown.evidence
        if isinstance(piece, ObservedDifference) and piece.path in finding.paths
    )


def without_random(finding: Finding, differences: Iterable[ObservedDifference]) -> Finding:
    """The finding about its other fields, where it prints one that differs by chance; itself where it has no others.

    What is random would hide what has a cause. The fields that are left out stand in the evidence.
    """
    by_chance = {difference.path for difference in differences}
    rest = tuple(path for path in finding.paths if path not in by_chance)
    if not rest or rest[0] == finding.paths[0]:
        return finding
    narrowed = msgspec.structs.replace(finding, paths=rest)
    for piece in finding.evidence:
        if isinstance(piece, ObservedDifference) and piece.path == rest[0]:
            of_frames = f"conversation.{finding.scenario}."
            within = of_frames if piece.path.startswith(of_frames) else f"{finding.where}."
            name = piece.path.removeprefix(within)
            more = f", and {len(rest) - 1} more" if len(rest) > 1 else ""
            expected = f"as in {piece.baseline}: {name} {piece.expected}"
            return msgspec.structs.replace(narrowed, expected=expected, got=f"{name} {piece.got}{more}")
    return narrowed


def with_random_fields(finding: Finding, differences: Sequence[ObservedDifference]) -> Finding:
    """The finding with what shows that some of its fields differ by chance, and what is proposed for these.

    Where all of them do, nothing else is to be done about it.
    """
    if not differences:
        return finding
    paths = [difference.path for difference in differences]
    proposals = [ANOTHER_SEQUENCE] if finding.nature == PARTS else list(dict.fromkeys(map(another_value, paths)))
    told = without_random(finding, differences)
    own = [finding.action] if told.paths[0] not in paths else []
    return msgspec.structs.replace(
        told, action=" ".join([*own, *proposals]), evidence=(*finding.evidence, *differences[:_SHOWN])
    )
