"""What holds of every judgement, whatever was observed."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import json as msgspec_json
from msgspec.structs import replace

from envparity.judge import RULES, Judgement, Verdict, findings_for, judge, rule
from envparity.judge.normalise import report_paths
from envparity.observe.record import Observation
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import (
    BACKEND,
    DOWN,
    FAILURE,
    allows,
    departed,
    document,
    failed,
    handshake,
    judged,
    observation,
    project,
    received,
    refused,
    replica,
    report,
    transcript,
)
from tests.envparity.judge.order_builders import (
    CANONICAL,
    FORBIDDEN,
    IN_TIME,
    LATE,
    TOOLS_FIRST,
    TOOLS_LAST,
    failed_in,
    in_order,
    orders_project,
    refused_order,
    started_in,
    usual,
    when_they_come,
)

NAMES = ("local", "staging", "production")
ENVS = project("local", allows("staging", "report.release"), "production")

ORDERS = orders_project()
ORDERED = [
    usual(),
    usual("staging"),
    in_order(),
    in_order(CANONICAL, "staging", replica(started_in(release="2"))),
    in_order(TOOLS_FIRST, "local", replica(started_in(TOOLS_FIRST, release="2"))),
    in_order(TOOLS_FIRST, "staging"),
    in_order(TOOLS_LAST, "local", replica(failed_in(TOOLS_LAST, FAILURE))),
    in_order(TOOLS_LAST, "staging", transcripts=(departed("timeout", scenario="any_order"),)),
    in_order(TOOLS_LAST, "staging", warm=False),
    in_order(FORBIDDEN),
    in_order(FORBIDDEN, "staging", replica(refused_order())),
    when_they_come(LATE, "local", replica(failed_in(CANONICAL, FAILURE))),
    when_they_come(LATE, "staging", replica(exit_code=1)),
    when_they_come(IN_TIME, transcripts=(departed("frame", scenario="too_early"),)),
]

leaves = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["a", "b c", "é"])
keys = st.sampled_from(["name", "status", "mode", "a.b", "LIMIT", "value", "kind"])
documents = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)

VARIETIES: list[dict[str, Any]] = [
    {},
    {"replicas": (replica(failed()),), "transcripts": (refused(),)},
    {"replicas": (replica(document(release="2")),)},
    {"transcripts": (departed("frame", handshake(), received({"type": "x"})),)},
    {"transcripts": (transcript(handshake(), received({"type": "x"})), departed("timeout", scenario="b"))},
    {"launch_failure": "no disk"},
    {"settings": ()},
    {"replicas": (replica(exit_code=1),), "boot": DOWN},
]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(range(len(VARIETIES))), min_size=3, max_size=3), st.randoms(use_true_random=False))
def test_judging_does_not_depend_on_the_order_of_observations(kinds: list[int], chance: random.Random) -> None:
    """The baseline is the first of the project's environments, wherever its observation stands."""
    seen = [observation(name, **VARIETIES[kind]) for name, kind in zip(NAMES, kinds, strict=True)]
    shuffled = list(seen)
    chance.shuffle(shuffled)
    assert judge(ENVS, seen) == judge(ENVS, shuffled)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_three_environments_in_any_order(order: tuple[int, ...]) -> None:
    """Every permutation of three that differ, by example."""
    seen = [observation(name, **VARIETIES[kind]) for name, kind in zip(NAMES, (0, 2, 3), strict=True)]
    assert judge(ENVS, [seen[place] for place in order]) == judge(ENVS, seen)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(range(1, len(ORDERED))), max_size=8, unique=True), st.randoms(use_true_random=False))
def test_judging_orders_does_not_depend_on_the_order_of_observations(kinds: list[int], chance: random.Random) -> None:
    """Whichever boots there are; what comes of it can be saved, has a title, and each thing is said once."""
    seen = [ORDERED[0], *(ORDERED[kind] for kind in kinds)]
    shuffled = list(seen)
    chance.shuffle(shuffled)
    judgement = judge(ORDERS, seen)
    assert judgement == judge(ORDERS, shuffled)
    assert msgspec_json.decode(msgspec_json.encode(judgement), type=Judgement) == judgement
    assert len({(*finding.identity, finding.got) for finding in judgement.findings}) == len(judgement.findings)
    assert all(
        finding.title and finding.action and finding.cases and finding.environments for finding in judgement.findings
    )


@settings(deadline=None, max_examples=30)
@given(documents)
def test_equal_observations_of_different_environments_give_no_parity_finding(extra: Any) -> None:
    """Nothing differs but the name."""
    first, other = (observation(name, replica(document(extra=extra))) for name in ("local", "staging"))
    assert judged(first, other).findings == ()


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the leaves are."""
    if isinstance(value, dict | list) and value:
        for key, under in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(under, (*path, key))
    else:
        yield path


@settings(deadline=None, max_examples=30)
@given(documents, st.data())
def test_any_single_changed_leaf_is_a_finding_at_its_path_unless_declared(extra: Any, data: st.DataObject) -> None:
    """The report is compared whole, not field by hand-picked field."""
    before = {"status": "pass", "extra": extra}
    place = data.draw(st.sampled_from(list(places(before))))
    assume(place != ("status",))
    after = copy.deepcopy(before)
    holder: Any = after
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = "changed"
    tables = [report_paths(report(served), BACKEND) for served in (before, after)]
    changed = {path for path in tables[0].keys() | tables[1].keys() if tables[0].get(path) != tables[1].get(path)}
    assert changed
    first, other = observation("local", replica(before)), observation("staging", replica(after))
    found = judged(first, other).findings
    told = {line.partition(": ")[0] for finding in found for line in evidence_lines(finding)}
    assert {finding.code for finding in found} == {"EP201"}
    assert len(changed) > 12 or told == changed
    assert judged(first, other, of=project("local", allows("staging", "report.extra*"))).findings == ()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(range(len(VARIETIES))), min_size=3, max_size=3))
def test_a_judgement_is_plain_data_sorted_and_complete(kinds: list[int]) -> None:
    """It can be saved; every finding has a title, an action and a command; no two say the same."""
    result = judge(ENVS, [observation(name, **VARIETIES[kind]) for name, kind in zip(NAMES, kinds, strict=True)])
    assert msgspec_json.decode(msgspec_json.encode(result), type=Judgement) == result
    assert [finding.code for finding in result.findings] == sorted(finding.code for finding in result.findings)
    for finding in result.findings:
        assert finding.title
        assert finding.action
        assert finding.replay.startswith("envparity run --environment ")
        assert finding.scenario is None or finding.scenario in finding.scenarios
    assert len({(*finding.identity, finding.got) for finding in result.findings}) == len(result.findings)
    assert result.rules == len(RULES)
    assert findings_for(result) == result.findings


def test_every_code_has_one_rule_that_explains_itself() -> None:
    """Title, what it means, why it matters, what to do and an example, each in lines that fit a terminal."""
    assert sorted(rule.code for rule in RULES) == [
        *(f"EP{number}" for number in range(101, 113)),
        *(f"EP20{number}" for number in range(1, 10)),
        *(f"EP21{number}" for number in range(1, 7)),
        "EP221",
        *(f"EP{number}" for number in range(301, 314)),
        *("EP321", "EP322", "EP331", "EP332", "EP333"),
        *(f"EP40{number}" for number in range(1, 8)),
        *(f"EP50{number}" for number in range(1, 7)),
        *(f"EP51{number}" for number in range(1, 6)),
        *("EP521", "EP522", "EP523", "EP524"),
        *(f"EP90{number}" for number in range(1, 4)),
    ]
    for each_rule in RULES:
        assert each_rule is rule(each_rule.code)
        assert each_rule.title
        assert each_rule.action
        for heading in ("What it means", "Why it matters", "What to do", "Example"):
            assert f"{heading}\n" in each_rule.description
        assert max(map(len, each_rule.description.splitlines())) <= 88
        assert "  " not in each_rule.description
    with pytest.raises(KeyError, match="EP000 is no rule"):
        rule("EP000")


def test_a_verdict_is_clean_without_findings() -> None:
    """And then the exit code is 0, otherwise 1."""
    found = judged(observation(transcripts=(departed("frame"),))).findings
    clean = Verdict("r1", "container", (), NAMES, 1, 1, len(RULES), (), (), 1.0)
    assert (clean.clean, clean.exit_code) == (True, 0)
    red = replace(clean, findings=found)
    assert (red.clean, red.exit_code) == (False, 1)


def test_no_observations_no_findings() -> None:
    """An empty run is judged clean; whether it may be empty is not the judge's to say."""
    nothing: list[Observation] = []
    assert judge(ENVS, nothing) == Judgement((), (), len(RULES))
