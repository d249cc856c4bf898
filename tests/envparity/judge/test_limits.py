"""EP522: the most connections at the same time, held against what the server takes."""

from __future__ import annotations

import pytest

from envparity.judge import judge
from envparity.judge.evidence import Note
from envparity.model.environment import Dependency, Environment, Platform
from envparity.observe.record import most_connections
from tests.envparity.judge.builders import observation, project


@pytest.mark.parametrize(
    ("most", "server", "codes"),
    [
        (26, Dependency("mariadb", max_connections=20), ["EP522"]),
        (20, Dependency("mariadb", max_connections=20), []),
        (26, Dependency("postgres", max_connections=20), ["EP522"]),
        (18, Dependency("postgres", max_connections=20), ["EP522"]),
        (17, Dependency("postgres", max_connections=20), []),
        (26, Dependency("postgres", max_connections=20, options={"pooler": "transaction"}), []),
        (26, Dependency("postgres"), []),
    ],
    ids=["more", "as many", "more of postgres", "those of superusers", "all others", "a pooler's", "nobody says"],
)
def test_more_than_the_server_takes_is_told_with_the_number(most: int, server: Dependency, codes: list[str]) -> None:
    """Of an environment that says how many it takes, without those that the server keeps for superusers."""
    dependencies = {"postgres": server}
    staging = Environment("staging", platform=Platform(replicas=2), dependencies=dependencies)
    seen = [observation("staging", most_connections={"postgres": most, "redis": 900})]
    findings = judge(project(staging), seen).findings
    assert [finding.code for finding in findings] == codes
    for finding in findings:
        (note,) = finding.evidence
        assert isinstance(note, Note)
        assert (finding.component, f"{most} connections" in note.text) == ("postgres", True)


def test_the_most_of_all_boots_is_what_a_verdict_tells() -> None:
    counts: tuple[dict[str, int], ...] = ({"postgres": 3}, {"postgres": 7, "redis": 1}, {})
    seen = [observation("staging", most_connections=count) for count in counts]
    assert most_connections([*seen, observation("local")]) == {"staging": {"postgres": 7, "redis": 1}}
