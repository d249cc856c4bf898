"""The dashboard: Grafana can read it, Prometheus can read its expressions, and they are about metrics that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.monitoring.exposed import TARGET_LABELS, exposed
from tests.monitoring.promql import labels_asked, labels_grouped, metrics_of
from tests.monitoring.tools import DASHBOARD, promtool

READ: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = READ["panels"]
SCHEMA = json.loads((Path(__file__).parent / "schemas" / "dashboard.schema.json").read_text(encoding="utf-8"))
VARIABLES = {"$environment": ".*", "$__rate_interval": "5m"}
"""What Grafana would put in, for Prometheus to read the rest."""


def queries() -> Iterator[tuple[str, str, str]]:
    """Every expression: the panel's title, the expression with its variables filled in, and the legend."""
    for panel in PANELS:
        for target in panel.get("targets", []):
            yield panel["title"], filled_in(target["expr"]), target["legendFormat"]
    for annotation in READ["annotations"]["list"]:
        yield annotation["name"], filled_in(annotation["expr"]), annotation["textFormat"] + annotation["titleFormat"]


def filled_in(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, expression
    return expression


QUERIES = [pytest.param(*query, id=f"{query[0]}, {query[2]}") for query in queries()]


def test_it_has_the_form_of_a_dashboard() -> None:
    """Of Grafana's classic model, as far as it is used here; every data source is the variable's."""
    Draft202012Validator.check_schema(SCHEMA)
    validator = Draft202012Validator(SCHEMA)
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(READ)] == []
    assert [(variable["name"], variable["type"]) for variable in READ["templating"]["list"]] == [
        ("datasource", "datasource"),
        ("environment", "query"),
    ]


def test_no_two_panels_are_one_or_lie_upon_each_other() -> None:
    """Ids are unique, no panel reaches beyond the grid's 24 columns, none covers another."""
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    cells = {panel["id"]: panel["gridPos"] for panel in PANELS}
    assert all(cell["x"] + cell["w"] <= 24 for cell in cells.values())
    for (panel, here), (other, there) in combinations(cells.items(), 2):
        beside = here["x"] + here["w"] <= there["x"] or there["x"] + there["w"] <= here["x"]
        apart = here["y"] + here["h"] <= there["y"] or there["y"] + there["h"] <= here["y"]
        assert beside or apart, f"panels {panel} and {other}"
    for panel in PANELS:
        references = [target["refId"] for target in panel.get("targets", [])]
        assert len(set(references)) == len(references)


@pytest.mark.monitoring
def test_prometheus_can_read_every_expression(tmp_path: Path) -> None:
    """All of them as a rule file, which promtool checks."""
    rules = [{"record": f"panel:{index}:query", "expr": expr} for index, (_, expr, _) in enumerate(queries())]
    (tmp_path / "panels.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    accepted, said = promtool("check", "rules", tmp_path / "panels.yaml")
    assert accepted, said


@pytest.mark.parametrize(("title", "expression", "legend"), QUERIES)
def test_a_panel_asks_for_what_exists(title: str, expression: str, legend: str) -> None:
    """Metrics and labels by the names that they have, legends of labels that the result has, of one environment."""
    known, named = exposed(), metrics_of(expression)
    assert named
    assert named <= set(known), named - set(known)
    for metric, label in labels_asked(expression):
        assert label in known[metric] | TARGET_LABELS, f"{metric} has no label {label}"
    labels = frozenset[str]().union(*(known[metric] for metric in named)) | TARGET_LABELS
    grouped = labels_grouped(expression)
    assert grouped <= labels
    assert set(re.findall(r"\{\{(\w+)\}\}", legend)) <= (grouped or labels)
    assert 'environment=~".*"' in expression


def test_every_metric_of_ours_is_on_it() -> None:
    """What the backend and the probe count, somebody can see; but for what says the same in other words."""
    shown = frozenset[str]().union(*(metrics_of(expression) for _, expression, _ in queries()))
    families = {re.sub(r"_(bucket|count|sum|created|total)$", "", name) for name in shown}
    ours = {
        re.sub(r"_(bucket|count|sum|created|total)$", "", name)
        for name in exposed()
        if name.startswith(("netra_", "envparity_"))
    }
    said_otherwise = {
        "netra_build_info",
        "envparity_probe_alerting",
        "envparity_probe_last_run_timestamp_seconds",
    }
    assert ours - families == said_otherwise & ours
