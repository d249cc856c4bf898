"""The reference in docs/ says what the schemas and the plain data say: every key, every default, and no more."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

import envparity
from envparity.backend import (
    Audit,
    Backend,
    Carrier,
    HealthPaths,
    ImageSource,
    Phases,
    ProcessSource,
    ReportMapping,
    Revocation,
    Tokens,
)
from envparity.case import Boot
from envparity.environment import Credential, Dependency, Deployed, Difference, Environment, Ingress, Platform
from envparity.scenario import Scenario
from envparity.session import exits
from envparity.step import ACTIONS, Expect, ExpectClose, TokenKind
from tests.docs.pages import prose, table, tables

BACKEND, ENVIRONMENT, SCENARIOS = "docs/backend-file.md", "docs/environment-file.md", "docs/scenarios.md"
SCHEMAS = {
    name: json.loads((Path(envparity.__file__).parent / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    for name in ("backend", "environment")
}
# Page, heading, the schema's own path to the table, the plain data that it becomes.
SECTIONS = [
    (BACKEND, "The file itself", "backend", Backend),
    (BACKEND, "[image]", "backend/properties/image", ImageSource),
    (BACKEND, "[process]", "backend/properties/process", ProcessSource),
    (BACKEND, "[health]", "backend/properties/health", HealthPaths),
    (BACKEND, "[report]", "backend/properties/report", ReportMapping),
    (BACKEND, "[tokens]", "backend/properties/tokens", Tokens),
    (BACKEND, "[[tokens.carriers]]", "backend/$defs/carrier", Carrier),
    (BACKEND, "[tokens.revocation]", "backend/properties/tokens/properties/revocation", Revocation),
    (BACKEND, "[audit]", "backend/properties/audit", Audit),
    (BACKEND, "[phases]", "backend/properties/phases", Phases),
    (ENVIRONMENT, "The file itself", "environment", Environment),
    (ENVIRONMENT, "[platform]", "environment/$defs/platform", Platform),
    (ENVIRONMENT, "[ingress]", "environment/$defs/ingress", Ingress),
    (ENVIRONMENT, "[dependencies.NAME]", "environment/$defs/dependency", Dependency),
    (ENVIRONMENT, "[[differences]]", "environment/$defs/difference", Difference),
    (ENVIRONMENT, "[deployed]", "environment/$defs/deployed", Deployed),
    (ENVIRONMENT, "Credentials", "environment/$defs/credential", Credential),
]


def schema_at(path: str) -> dict[str, Any]:
    name, *keys = path.split("/")
    found: Any = SCHEMAS[name]
    for key in keys:
        found = found[key]
    return dict(found)


def default_in_words(kind: type[msgspec.Struct], key: str) -> Any:
    """The default of a field as a file would say it; None for one that is required or has no value."""
    field = next(one for one in msgspec.structs.fields(kind) if one.name == key)
    value = field.default if field.default is not msgspec.NODEFAULT else None
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    return json.loads(msgspec.json.encode(value, enc_hook=str))


def said(cell: str) -> Any:
    """The default that a cell gives, as TOML has it."""
    return None if cell == "*none*" else tomllib.loads(f"value = {cell.strip('`')}")["value"]


@pytest.mark.parametrize(("page", "heading", "path", "kind"), SECTIONS, ids=str)
def test_every_key_is_documented_with_its_default(
    page: str, heading: str, path: str, kind: type[msgspec.Struct]
) -> None:
    """The keys are the schema's; required is what the schema requires; a default is the one that is built."""
    schema, documented = schema_at(path), table(page, heading)
    assert set(documented) == set(schema["properties"])
    for key, (default, meaning) in documented.items():
        assert meaning
        assert (default == "*required*") == (key in schema.get("required", ())), key
        if default not in {"", "*required*"}:  # an empty cell stands for a table with a section of its own
            assert said(default) == default_in_words(kind, {"scenario": "scenarios"}.get(key, key)), key


def test_both_forms_of_a_setting_are_documented() -> None:
    """`secret` and `from`, as the schema has them."""
    assert set(table(ENVIRONMENT, "[settings]")) == set(schema_at("environment/$defs/setting")["properties"])


def test_every_key_of_a_scenario_is_documented_with_its_default() -> None:
    """Those of the scenario, and those of its boot."""
    for heading, kind in (("The scenario", Scenario), ("Boot", Boot)):
        documented = table(SCENARIOS, heading)
        assert set(documented) == set(kind.__struct_fields__)
        for key, (default, _) in documented.items():
            if default not in {"", "*required*"} and key != "settings":
                assert said(default) == default_in_words(kind, key), key


def test_every_step_is_documented_with_its_options() -> None:
    """The actions, and for each the fields beside the one that its own key fills."""
    documented = table(SCENARIOS, "Steps")
    assert set(documented) == set(ACTIONS)
    for action, (options, _) in documented.items():
        kind = ACTIONS[action]
        principal = {"code", "reason"} if kind is ExpectClose else {kind.__struct_fields__[0]}
        if kind is Expect:
            principal = {"types"}
        assert re.findall(r"`(\w+)`", options) == [one for one in options_of(kind) if one not in principal], action


def options_of(kind: type[msgspec.Struct]) -> list[str]:
    return list(kind.__struct_fields__)


def test_every_kind_of_token_is_documented() -> None:
    """In their order."""
    section = prose(SCENARIOS).partition("## Kinds of tokens")[2].partition("##")[0]
    assert re.findall(r"`(\w+)`", section) == list(get_args(TokenKind))


def test_every_placeholder_is_documented() -> None:
    """Those that are made, and what was captured."""
    from envparity.scenario import _MADE

    rows = tables(SCENARIOS)["Placeholders"]
    named = {name for row in rows for name in re.findall(r"\{(\w+)", row[0])}
    assert named == _MADE | {"NAME"}


def test_the_exit_codes_of_the_readme_are_those_of_the_faces() -> None:
    """0, 1, 2, 3 as the source has them, and 128 plus a signal."""
    rows = table("README.md", "As a gate")
    codes = {int(number) for cell in rows for number in re.findall(r"\d+", cell)}
    assert codes == {exits.CLEAN, exits.FINDINGS, exits.BAD_INPUT, exits.MACHINE, 130, 143}
    for code, word in ((exits.CLEAN, "clean"), (exits.FINDINGS, "finding"), (exits.BAD_INPUT, "wrong")):
        assert word in rows[str(code)][0]
