"""EP521: what grows with the number of connections, and what levels off."""

from __future__ import annotations

import pytest

from envparity.judge.evidence import Note
from envparity.judge.finding import Finding
from envparity.observe.usage import ReplicaUsage, Usage
from tests.envparity.judge.builders import judged, observation

MADE = (0, 20, 40, 60)


def found(
    *held: int | None,
    made: tuple[int, ...] = MADE,
    threads: tuple[int, ...] = (5,) * 4,
    files: tuple[int | None, ...] = (2,) * 4,
    to: tuple[int, ...] = (3,) * 4,
) -> list[Finding]:
    """What is found where one replica holds so many descriptors at each point."""
    usage = tuple(
        Usage((connections,), (None if count is None else ReplicaUsage(count, of, 9000, kept),), {"redis": there})
        for connections, count, of, kept, there in zip(made, held, threads, files, to, strict=False)
    )
    return list(judged(observation("local", usage=usage)).findings)


def test_what_grows_by_one_with_each_connection_is_told_with_its_slope() -> None:
    (finding,) = found(30, 50, 70, 90)
    assert (finding.code, finding.where, finding.nature) == ("EP521", "descriptors", "grows")
    (note,) = finding.evidence
    assert isinstance(note, Note)
    assert "1.0 descriptors" in note.text
    assert "30 after 0, 90 after 60" in note.text


@pytest.mark.parametrize(
    "held",
    [(30, 30, 30, 30), (30, 50, 50, 50), (30, 50, 58, 60), (30, 50, 70, 70), (30, 31, 33, 36), (30, 60, 50, 70)],
    ids=["level", "warms up", "levels off", "once", "hardly", "comes back"],
)
def test_what_levels_off_is_no_leak(held: tuple[int, ...]) -> None:
    """A pool that fills, a cache, what happens to be still open."""
    assert found(*held) == []


def test_few_connections_say_nothing() -> None:
    assert found(30, 50, 70, 90, made=(0, 2, 4, 6)) == []
    assert found(30, 50, 70) == []
    assert found(30, None, None, 90) == []


def test_threads_and_connections_to_a_dependency_are_looked_at_too() -> None:
    (thread,) = found(30, 30, 30, 30, threads=(5, 15, 25, 35))
    assert thread.where == "threads"
    (connection,) = found(30, 30, 30, 30, to=(3, 13, 23, 33))
    assert (connection.where, connection.component) == ("connections to redis", "redis")


def test_temporary_files_that_nobody_removes_are_told_by_themselves() -> None:
    """Also where connections to a dependency grow: they explain descriptors, and no file."""
    (file,) = found(30, 30, 30, 30, files=(2, 22, 42, 62))
    assert (file.where, file.component) == ("temporary files", None)
    both = found(30, 50, 70, 90, files=(2, 22, 42, 62), to=(3, 23, 43, 63))
    assert {finding.where for finding in both} == {"temporary files", "connections to redis"}
    assert found(30, 30, 30, 30, files=(None, None, None, None)) == []


def test_the_descriptors_of_connections_to_a_dependency_are_no_second_finding() -> None:
    assert [finding.component for finding in found(30, 50, 70, 90, to=(3, 23, 43, 63))] == ["redis"]


def test_environments_that_show_it_are_one_finding() -> None:
    """With the figures of each."""
    usage = tuple(Usage((made,), (ReplicaUsage(30 + made, 5, 9000),)) for made in MADE)
    seen = [observation(name, usage=usage) for name in ("local", "staging")]
    (finding,) = judged(*seen).findings
    assert (finding.environments, len(finding.evidence)) == (("local", "staging"), 2)


def test_each_replica_is_held_against_its_own_connections() -> None:
    """The one that served nobody says nothing; the other leaks."""
    usage = tuple(Usage((0, made), (ReplicaUsage(30, 5, 9000), ReplicaUsage(30 + made, 5, 9000))) for made in MADE)
    (finding,) = judged(observation("local", usage=usage)).findings
    assert finding.where == "descriptors"


def gauged(*values: float) -> list[Finding]:
    """What is found where a gauge of two replicas together says so at each point."""
    usage = tuple(
        Usage((20 * place, 0), (ReplicaUsage(30, 5, 9000),) * 2, {}, (), ({"connections": value}, {"connections": 1.0}))
        for place, value in enumerate(values)
    )
    return list(judged(observation("local", usage=usage)).findings)


def test_a_gauge_that_keeps_who_has_gone_is_told() -> None:
    (finding,) = gauged(0, 20, 40, 60)
    assert (finding.code, finding.where, finding.nature) == ("EP521", "gauge connections", "grows")
    (note,) = finding.evidence
    assert isinstance(note, Note)
    assert "1 after 0 connections, 61 after 60" in note.text


@pytest.mark.parametrize("values", [(0, 0, 0, 0), (0, 20, 20, 20), (0, 20, 40, 2), (0, 1, 2, 3)])
def test_a_gauge_that_comes_back_is_none(values: tuple[float, ...]) -> None:
    assert gauged(*values) == []


def labelled(*values: int) -> list[Finding]:
    """What is found where a label of a metric has so many values at each point, and another one always two."""
    usage = tuple(
        Usage((20 * place,), (ReplicaUsage(30, 5, 9000),), {}, ({"messages{user}": count, "closes{code}": 2},))
        for place, count in enumerate(values)
    )
    return list(judged(observation("local", usage=usage)).findings)


def test_a_label_whose_values_grow_with_the_clients_is_told_by_its_name() -> None:
    """With the metric and the figures; in rounds of users who come back nothing is added, and it grows all the same."""
    (found_,) = labelled(0, 20, 40, 40, 60)
    assert (found_.code, found_.where, found_.nature) == ("EP521", "series of metrics by user", "grows")
    (note,) = found_.evidence
    assert isinstance(note, Note)
    assert "messages: 0 values after 0 connections, 60 after 80" in note.text


@pytest.mark.parametrize(
    "values",
    [(3, 3, 3, 3, 3), (0, 20, 40, 40, 40), (0, 20, 21, 22, 24), (0, 20, 40, 30, 60)],
    ids=["level", "once", "hardly", "taken away"],
)
def test_a_label_whose_values_are_known_is_none(values: tuple[int, ...]) -> None:
    """What comes once, what comes seldom, and what is taken away with its client."""
    assert labelled(*values) == []
