"""EP201 and EP202: what the reports of environments show differently."""

from __future__ import annotations

from msgspec.structs import replace

from envparity.model.case import Boot
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import (
    DOWN,
    codes,
    document,
    failed,
    judged,
    observation,
    only,
    project,
    refused,
    replica,
)


def check(**changes: object) -> dict[str, object]:
    return {"redis:tls": [{"component": "redis", "critical": True, "status": "pass", "observed": "off"} | changes]}


def test_ep201_one_finding_for_a_group_of_paths() -> None:
    """A check that differs in two fields is one finding, at a path that can be declared."""
    strict = observation("staging", replica(document(checks=check(critical=False, observed="on"))))
    found = only(observation("local"), strict)
    assert (found.code, found.where) == ("EP201", "report.checks.redis:tls")
    assert (found.environments, found.cases) == (("staging",), ("local", "staging"))
    assert found.expected == "as in local: redis.critical true"
    assert found.got == "redis.critical false, and 1 more"
    assert evidence_lines(found) == (
        "report.checks.redis:tls.redis.critical: local true, staging false",
        'report.checks.redis:tls.redis.observed: local "off", staging "on"',
    )
    assert found.replay == "envparity run --environment local,staging"


def test_ep201_the_same_difference_in_two_environments_is_one_finding() -> None:
    """Both are named; a third value is a finding of its own."""
    envs = project("local", "staging", "production")
    other = [observation(name, replica(document(version="2"))) for name in ("staging", "production")]
    found = only(observation("local"), *other, of=envs)
    assert found.environments == ("staging", "production")
    assert (found.where, found.got, found.expected) == ("report.version", '"2"', "as in local: absent")
    assert len(evidence_lines(found)) == 2
    third = observation("production", replica(document(version="3")))
    assert codes(observation("local"), other[0], third, of=envs) == ["EP201", "EP201"]


def test_ep201_replicas_of_one_environment_are_held_to_the_same() -> None:
    """Two replicas that start differently differ, even with nothing else to compare with."""
    seen = observation("local", replica(), replica(document(release="2"), index=1))
    assert only(seen).where == "report.release"


def test_ep201_only_equal_boots_are_compared() -> None:
    """And of those only reports that can be read."""
    odd = replica(document(release="2"))
    special = Boot(settings=(("A", "1"),))
    assert codes(observation("local"), observation("staging", odd, boot=special)) == []
    assert codes(observation("local", boot=special), observation("staging", odd, boot=special)) == ["EP201"]
    starting = observation("staging", replica(document(status="starting")))
    assert "EP201" not in codes(observation("local"), starting)


def test_ep202_passes_here_and_fails_there() -> None:
    """The report's other differences follow from it; EP101 says why."""
    envs = project("local", "staging", "production")
    bad = observation("staging", replica(failed()), transcripts=(refused(),))
    found = judged(observation("local"), bad, observation("production"), of=envs).findings
    assert [finding.code for finding in found] == ["EP101", "EP202"]
    assert found[1].expected == "passes, as in local, production"
    assert found[1].got == "fails: auth"
    assert found[1].environments == ("staging",)
    assert evidence_lines(found[1]) == ("staging: auth: FACTORY: made at import",)
    assert found[1].replay == "envparity run --environment local,staging,production"


def test_ep202_not_where_all_fail_or_nothing_is_known() -> None:
    """Failing everywhere is no difference; being gone is EP105's."""
    bad = [observation(name, replica(failed()), transcripts=(refused(),)) for name in ("local", "staging")]
    assert codes(*bad) == ["EP101"]
    gone = observation("staging", replica(startup=None, exit_code=1))
    assert codes(observation("local"), gone) == ["EP105"]
    alone = observation("local", transcripts=())
    for other in (replica(), replica(startup=None, exit_code=0, index=1)):
        mixed = observation("staging", replica(failed()), other, transcripts=())
        assert [code for code in codes(alone, mixed) if code != "EP105"] == ["EP101", "EP202"]
    bad = [observation("staging", replica(failed()), transcripts=())]
    for here in ((replica(), replica(startup=None, exit_code=1)), (replica(document(status="starting")),)):
        assert "EP202" not in codes(observation("local", *here, transcripts=()), *bad)
    assert "EP202" not in codes(observation("local", transcripts=(), replicas=()), *bad)


def test_ep202_says_which_boot_it_is_about() -> None:
    """A boot with a setting of its own that passes in one place and fails in the other."""
    told = replace(refused(), departure=None)
    few = Boot(settings=(("LIMIT", "1"),))
    up = observation("local", boot=few, transcripts=())
    found = only(up, observation("staging", replica(failed()), boot=few, transcripts=(told,)))
    assert (found.code, found.where) == ("EP202", "startup, LIMIT=1")
    assert found.replay == "envparity run --environment local,staging --only chat"


def test_ep202_is_silent_where_a_dependency_is_down() -> None:
    """There the one that passes is wrong, not the one that fails; EP104 has said so."""
    told = replace(refused(), departure=None)
    up = observation("local", boot=DOWN, transcripts=())
    assert codes(up, observation("staging", replica(failed()), boot=DOWN, transcripts=(told,))) == ["EP104"]
