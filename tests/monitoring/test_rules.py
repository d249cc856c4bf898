"""The alert rules: accepted, fire when they should and not when they nearly should, and say what they mean."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.pages import page
from tests.monitoring.exposed import TARGET_LABELS, exposed
from tests.monitoring.faster import faster, shortened
from tests.monitoring.promql import labels_asked, labels_grouped, metrics_of
from tests.monitoring.tools import CONFIGURATION, MONITORING, RULES, promtool

READ: dict[str, Any] = yaml.safe_load(RULES.read_text(encoding="utf-8"))
EVERY = [rule for group in READ["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in EVERY if "alert" in rule}
SEPARATE = MONITORING / "prometheus" / "tests"


def parts(expression: str) -> list[tuple[str, str]]:
    """The operands of `and`, `or` and `unless` that are in no parentheses, each with the operator before it."""
    found, depth, begun, operator = [], 0, 0, ""
    for token in re.finditer(r"[()]|\b(?:and|or|unless)\b(?: on \([^)]*\))?", expression):
        if token[0] in "()":
            depth += 1 if token[0] == "(" else -1
        elif depth == 0:
            found.append((operator, expression[begun : token.start()].strip()))
            begun, operator = token.end(), token[0]
    return [*found, (operator, expression[begun:].strip())]


def mutants() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every alert, made wrong: it fires always, never, at once, or without one of its conditions."""
    for name, rule in ALERTS.items():
        yield name, "always", rule | {"expr": 'label_replace(vector(1), "environment", "staging", "", "")'}
        yield name, "never", rule | {"expr": f"({rule['expr']}) and on () vector(1) > 2"}
        if "for" in rule:
            yield name, "at once", rule | {"for": "0s"}
        pieces = parts(rule["expr"])
        for left_out in range(len(pieces)) if len(pieces) > 1 else ():
            kept = [piece for index, piece in enumerate(pieces) if index != left_out]
            expression = " ".join(
                f"{operator} {text}" if index else text for index, (operator, text) in enumerate(kept)
            )
            yield name, f"without {pieces[left_out][1][:40]}", rule | {"expr": expression}


@pytest.mark.monitoring
def test_prometheus_accepts_configuration_and_rules() -> None:
    """By promtool: the example configuration, and the rules that it names."""
    accepted, said = promtool("check", "config", CONFIGURATION)
    assert accepted, said
    assert f"{len(EVERY)} rules found" in promtool("check", "rules", RULES)[1]


def test_every_alert_has_a_test_of_its_own() -> None:
    """And there is no test of an alert that is gone."""
    assert {path.stem for path in SEPARATE.glob("*.yaml")} == set(ALERTS)


@pytest.mark.monitoring
@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_fires_when_it_should_and_not_when_it_nearly_should(name: str) -> None:
    """The unit tests beside the rules, by promtool."""
    passed, said = promtool("test", "rules", SEPARATE / f"{name}.yaml")
    assert passed, said


@pytest.mark.monitoring
@pytest.mark.parametrize(
    ("name", "how", "rule"), [pytest.param(*mutant, id=f"{mutant[0]}, {mutant[1]}") for mutant in mutants()]
)
def test_its_tests_notice_when_an_alert_is_wrong(name: str, how: str, rule: dict[str, Any], tmp_path: Path) -> None:
    """No alert can be made to fire always, never, too early or without one of its conditions unseen."""
    wrong = {
        "groups": [
            {**group, "rules": [rule if each_rule.get("alert") == name else each_rule for each_rule in group["rules"]]}
            for group in READ["groups"]
        ]
    }
    (tmp_path / RULES.name).write_text(yaml.safe_dump(wrong, sort_keys=False))
    assert promtool("check", "rules", tmp_path / RULES.name)[0], "the mutant itself is no rule file"
    (tmp_path / "tests").mkdir()
    shutil.copy(SEPARATE / f"{name}.yaml", tmp_path / "tests")
    assert not promtool("test", "rules", tmp_path / "tests" / f"{name}.yaml")[0], how


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_it_means_and_where_to_read_on(name: str) -> None:
    """Severity, summary, description, and a section of docs/monitoring.md under its name."""
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert all(text and not text.isspace() for text in rule["annotations"].values())
    document, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor == name.lower()
    assert f"### {name}\n" in page(document)


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_for_metrics_that_exist(rule: dict[str, Any]) -> None:
    """By the names and with the labels that the backend and the probe give them."""
    known = exposed()
    named = metrics_of(rule["expr"])
    assert named
    assert named <= set(known), named - set(known)
    for metric, label in labels_asked(rule["expr"]):
        assert label in known[metric] | TARGET_LABELS, f"{metric} has no label {label}"
    labels = frozenset[str]().union(*(known[metric] for metric in named)) | TARGET_LABELS
    assert labels_grouped(rule["expr"]) <= labels
    annotations = " ".join(rule.get("annotations", {}).values())
    assert set(re.findall(r"\$labels\.(\w+)", annotations)) <= labels


def test_the_faster_rules_differ_in_their_times_alone() -> None:
    """No time is left as it was, nothing else is changed: the live test runs these rules, not others."""
    fast = [rule for group in faster(READ, 30)["groups"] for rule in group["rules"]]
    durations = re.compile(r"\b\d+(?:ms|s|m|h|d)\b|(?<=_seconds [<>] )[\d.]+")
    for slow, quick in zip(EVERY, fast, strict=True):
        was, now = durations.findall(slow["expr"]), durations.findall(quick["expr"])
        assert len(was) == len(now)
        assert not set(was) & set(now)
        assert durations.sub("T", slow["expr"]) == durations.sub("T", quick["expr"])
        assert {**quick, "expr": "", "for": ""} == {**slow, "expr": "", "for": ""}
        assert ("for" in slow) == ("for" in quick)
    assert shortened("5m", 30) == "10000ms"
