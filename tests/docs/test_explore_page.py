"""What docs/explore.md says is kept is what a scenario is, and what it says of the rules and the bytes is so."""

from __future__ import annotations

import re
import tomllib

from envparity.config.scenario import parse_scenarios
from envparity.engine.exploration.below import wire_cases
from envparity.engine.exploration.scenarios import as_toml
from envparity.faces.cli.run import run_command
from envparity.judge import every_rule
from tests.docs.pages import blocks, prose

PAGE = "docs/explore.md"


def test_what_is_kept_is_a_scenario_as_it_is_written() -> None:
    """Read and written again it is the same text."""
    (block,) = blocks(PAGE, "toml")
    scenarios, mistakes = parse_scenarios(tomllib.loads(block.text)["scenario"], PAGE, lambda _key: 0)
    assert mistakes == []
    assert as_toml(scenarios) == block.text


def test_the_rules_the_options_and_the_number_of_ways_are_so() -> None:
    text = prose(PAGE)
    codes = set(re.findall(r"EP\d{3}", text))
    assert codes <= {rule.code for rule in every_rule()}
    options = {option for parameter in run_command.params for option in parameter.opts}
    assert {option for option in re.findall(r"`(--[a-z-]+)", text) if "envparity" not in option} <= options
    assert f"{len(list(wire_cases(b'{}')))} ways to write bytes" in text
