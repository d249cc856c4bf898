"""EP207–209: what ought to be the same across replicas and boots, or another in each; what is neither is told."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from envparity.judge.evidence import Note
from envparity.judge.finding import Finding
from envparity.judge.name_notes import undeclared
from envparity.judge.unmatched import unmatched
from envparity.model.case import Boot
from envparity.model.environment import Environment, FromSource
from envparity.model.names import DeclaredName
from envparity.observe.frame import JsonFrame
from envparity.observe.headers import Header
from envparity.observe.record import HttpAnswer, Observation
from envparity.observe.transcript import Event, HttpAnswered
from tests.envparity.judge.builders import (
    BACKEND,
    DOWN,
    STEADY,
    document,
    failed,
    handshake,
    judged,
    observation,
    project,
    received,
    replica,
    transcript,
)

SERVICE = "report.serviceId"
EVERYWHERE = DeclaredName(SERVICE, "boots")
AT_ONCE = DeclaredName(SERVICE, "replicas")
EACH = DeclaredName(SERVICE, "boots", "different")
EACH_AT_ONCE = DeclaredName(SERVICE, "replicas", "different")
LATER = Boot(hasten=2)
NAMED = {"EP207", "EP208", "EP209"}


def found(name: DeclaredName, *seen: Observation, environment: Environment | str = "local") -> list[Finding]:
    of = project(environment, "staging", backend=replace(BACKEND, names=(name,)))
    return [finding for finding in judged(*seen, of=of).findings if finding.code in NAMED]


def boot_of(*names: Any, boot: Boot = STEADY, environment: str = "local", **changes: Any) -> Observation:
    """A boot whose replicas go by these names."""
    replicas = [replica(document(serviceId=name), index=at) for at, name in enumerate(names)]
    return observation(environment, *replicas, boot=boot, **changes)


def notes(finding: Finding) -> list[str]:
    return [note.text for note in finding.evidence if isinstance(note, Note)]


def test_replicas_that_go_by_different_names_are_told_with_both() -> None:
    """A moment in a name is no moment to be left out: it is what is wrong."""
    (finding,) = found(EVERYWHERE, boot_of("chat-2025-09-08T01:17:51Z", "chat-2025-09-08T01:17:52Z"))
    assert (finding.code, finding.where, finding.environments, finding.cases) == (
        "EP207",
        SERVICE,
        ("local",),
        ("local",),
    )
    assert notes(finding) == [
        'local, replica 1: "chat-2025-09-08T01:17:51Z"',
        'local, replica 2: "chat-2025-09-08T01:17:52Z"',
    ]


def test_a_name_that_changes_with_every_start_shows_in_two_boots() -> None:
    """And only where it ought to be the same across boots; the two that show it are its cases."""
    boots = boot_of("chat-1"), boot_of("chat-2", boot=DOWN)
    (finding,) = found(EVERYWHERE, *boots)
    assert (finding.code, finding.nature, finding.cases) == ("EP208", "boots", tuple(seen.case.id for seen in boots))
    assert found(AT_ONCE, *boots) == []
    assert found(EVERYWHERE, boot_of("chat-1"), boot_of("chat-1", boot=DOWN)) == []


def test_what_replicas_show_by_themselves_is_not_told_of_boots_too() -> None:
    assert [finding.code for finding in found(EVERYWHERE, boot_of("a", "b"), boot_of("a", "c", boot=DOWN))] == ["EP207"]


def test_that_environments_differ_in_such_a_name_says_nothing_more() -> None:
    """EP201 would be one more entry for one defect; where each environment has its own name, that is the defect."""
    of = project("local", "staging", backend=replace(BACKEND, names=(EVERYWHERE,)))

    def codes(*of_staging: str) -> list[str]:
        boots = boot_of("a-1"), boot_of(*of_staging, environment="staging")
        return [finding.code for finding in judged(*boots, of=of).findings]

    assert codes("a-2", "a-3") == ["EP207"]
    assert codes("a-2") == codes("a-2", "a-2") == ["EP201"]


def test_two_environments_are_not_held_against_each_other() -> None:
    """What differs between them is declared elsewhere; equal findings of both are one."""
    assert found(EVERYWHERE, boot_of("a"), boot_of("b", environment="staging")) == []
    (finding,) = found(EVERYWHERE, boot_of("a", "b"), boot_of("c", "d", environment="staging"))
    assert finding.environments == ("local", "staging")


def test_two_that_ought_to_differ_and_go_by_one_name_are_told() -> None:
    (finding,) = found(EACH_AT_ONCE, boot_of("api", "api"))
    assert (finding.code, finding.nature) == ("EP209", "replicas")
    assert found(EACH_AT_ONCE, boot_of("api", "web"), boot_of("api", boot=DOWN)) == []
    (other,) = found(EACH, boot_of("api", "web"), boot_of("api", boot=DOWN))
    assert (other.code, other.nature, len(other.cases)) == ("EP209", "boots", 2)


def test_health_headers_frames_and_answers_are_looked_at_too() -> None:
    """Of a conversation each connection is the replica's that answered it, and what has to be played is known."""

    def seen(*told: str) -> Observation:
        events: list[Event] = []
        for at, name in enumerate(told):
            events += [
                handshake(connection=f"c{at}", replica=at, headers=(Header("X-Node", name),)),
                received({"type": "welcome", "node": {"name": name}}, connection=f"c{at}"),
                HttpAnswered(0.1, f"c{at}", "http", "GET /v", "/v", 200, body=JsonFrame({"node": name}), replica=at),
            ]
        replicas = [
            replica(index=at, ready=HttpAnswer("/health/ready", 200, {"node": name})) for at, name in enumerate(told)
        ]
        return observation("local", *replicas, transcripts=(transcript(*events),))

    paths = ("health.ready.node", "handshake.headers.X-Node", "frames.welcome.node.*", "http.GET:/v.body.node")
    for path in paths:
        name = DeclaredName(path, "replicas")
        (finding,) = found(name, seen("a", "b"))
        assert finding.scenario == (None if path.startswith("health") else "chat")
        assert found(name, seen("a", "a")) == []


@pytest.mark.parametrize("changes", [{"warm": True}, {"launch_failure": "no room"}], ids=["a fork", "not there"])
def test_what_says_nothing_of_others_is_left_out(changes: dict[str, Any]) -> None:
    """A fork has the names that its parent has made, and two releases may have two."""
    assert found(EACH, boot_of("a"), boot_of("a", boot=DOWN, **changes)) == []
    assert found(EVERYWHERE, boot_of("a"), boot_of("b", boot=Boot(release="upgrade"))) == []


def test_settings_that_only_the_launcher_knows_are_left_out() -> None:
    """A URL has another port in each boot; so is what the boot itself gives."""
    name = DeclaredName("report.settings.*.value", "boots")

    def seen(value: str, boot: Boot = STEADY) -> Observation:
        return observation("local", replica(document(settings=[{"name": "URL", "value": value}])), boot=boot)

    local = Environment("local", settings={"URL": FromSource("redis.url")})
    assert found(name, seen("a"), seen("b", DOWN), environment=local) == []
    assert found(name, seen("a"), seen("b", Boot(settings=(("URL", "b"),)))) == []
    assert [finding.code for finding in found(name, seen("a"), seen("b", DOWN))] == ["EP208"]


def told(*seen: Observation, names: tuple[DeclaredName, ...] = ()) -> list[str]:
    """What is declared in vain, and what varies."""
    backend = replace(BACKEND, volatile=(), names=names)
    return [note.partition(",")[0] for note in (*unmatched(backend, seen), *undeclared(backend, seen))]


def test_a_name_that_matches_nothing_is_told_and_one_that_nothing_is_compared_with() -> None:
    slip = DeclaredName("report.serviceID", "boots")
    seen = boot_of("a"), boot_of("a", boot=DOWN)
    assert told(*seen, names=(slip,)) == ["names has the path 'report.serviceID'"]
    assert told(boot_of("a"), names=(EVERYWHERE,)) == ["names has the path 'report.serviceId' across boots"]
    assert told(*seen, names=(AT_ONCE,)) == ["names has the path 'report.serviceId' across replicas"]
    assert told(boot_of("a", "a"), names=(AT_ONCE, EVERYWHERE)) == []
    assert told(*seen, names=(EVERYWHERE,)) == []


def test_what_is_declared_to_be_neither_is_told_with_where_it_varies() -> None:
    """Once, whatever environments show it; what is declared either way is not."""
    boots = boot_of("a"), boot_of("b", boot=LATER), boot_of("c", "d", environment="staging")
    (note,) = undeclared(replace(BACKEND, volatile=()), boots)
    assert note.startswith("report.serviceId is not the same between boots of local, between replicas of staging")
    assert told(*boots, names=(EVERYWHERE,)) == []


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("2025-09-08T01:17:50Z", boot_of("2025-09-08T01:17:51Z", boot=LATER)),
        (6, boot_of(7, boot=LATER)),
        ("a", boot_of("b", boot=Boot(settings=(("NAME", "b"),)))),
        ("a", observation("local", replica(failed(serviceId="b")), boot=DOWN)),
        ("a", observation("local", replica(document(serviceId="a", order=["auth"])), boot=LATER)),
    ],
    ids=["a moment", "a number", "asked for", "failed", "an order"],
)
def test_what_varies_for_a_reason_is_not_told(first: object, other: Observation) -> None:
    assert told(boot_of(first), other) == []
