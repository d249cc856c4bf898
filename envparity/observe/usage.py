"""What a backend and its dependencies hold at one moment, in which no client is connected."""

from __future__ import annotations

import msgspec

__all__ = ["ReplicaUsage", "Usage", "Visits"]


class ReplicaUsage(msgspec.Struct, frozen=True):
    """What all processes of a replica hold: open descriptors, threads, memory of their own in KiB, and temporary files.

    `files` is None where nobody can tell which of the machine's are theirs.
    """

    descriptors: int
    threads: int
    memory_kib: int
    files: int | None = None


class Usage(msgspec.Struct, frozen=True):
    """What was held open at one moment in which no client was connected.

    `connections` is how many each replica had accepted by then, `replicas` what each holds (None: it could not be
    asked), `to` the open connections to each dependency, of all replicas together. `labels` is how many values each
    label of the metrics of each replica has, by `requests_total{path}`; nothing where a replica shows no metrics.
    `held` is what dependencies hold that does not end by itself, by dependency and sort, where that is asked.
    """

    connections: tuple[int, ...]
    replicas: tuple[ReplicaUsage | None, ...] = ()
    to: dict[str, int] = {}
    labels: tuple[dict[str, int], ...] = ()
    present: tuple[dict[str, float], ...] = ()  # as gauges of each replica's metrics say
    held: dict[str, dict[str, int]] = {}


class Visits(msgspec.Struct, frozen=True):
    """What dependencies hold that does not end by itself, after so many visits of one user who said nothing.

    The user came and went with the same credential each time, and every other time went without a close. `held` is by
    dependency and sort.
    """

    made: int
    held: dict[str, dict[str, int]]
