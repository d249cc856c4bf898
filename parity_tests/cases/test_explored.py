"""A field that the contract allows and one environment refuses: exploration finds it, and leaves nothing but it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from envparity.config.scenario import parse_scenarios
from envparity.model.step import Send
from parity_tests.cases.conftest import single_cause

if TYPE_CHECKING:
    from parity_tests.cases.conftest import RunCase


def test_a_field_that_one_environment_refuses_is_found_and_named(run_case: RunCase, tmp_path: Path) -> None:
    """No scenario sends it; what is kept sends it, and nothing beside it that may be left out."""
    kept = tmp_path / "kept.toml"
    run = run_case("explored", "--explore", "60", "--explore-seed", "1", "--keep", str(kept))
    (finding,) = [finding for finding in run.findings if finding.code == "EP321"]
    assert finding.environments == ("staging",)
    assert single_cause(finding) == "NOTES=off"
    assert "seed 1" in run.verdict.exploration
    (scenario,), mistakes = parse_scenarios(tomllib.loads(kept.read_text())["scenario"], "kept.toml", lambda _key: 0)
    assert mistakes == []
    assert scenario.name == finding.scenario
    (sent,) = [step.frame for step in scenario.steps if isinstance(step, Send)]
    assert set(sent) == {"type", "dish", "count", "note"}
    assert run.verdict.explored == (scenario,)
