"""The reference in docs/ says what the schemas and the plain data say: every key, every default, and no more."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

import envparity
from envparity.auth.jwt_shared_key import Revocation
from envparity.auth.scheme import SCHEMES
from envparity.dependencies.image import ImageKeys
from envparity.dependencies.readiness import Ready
from envparity.dependencies.service import ServiceKeys
from envparity.dependency.kind import KINDS
from envparity.engine.session import exits
from envparity.model.backend import (
    Audit,
    Backend,
    Carrier,
    HealthPaths,
    ImageSource,
    Limits,
    Phases,
    Previous,
    ProcessSource,
    ReportMapping,
    Retries,
)
from envparity.model.case import Boot
from envparity.model.deployment import Credential, Deployed, OAuth2
from envparity.model.environment import DeclaredDifference, Dependency, Environment, Ingress, Platform
from envparity.model.names import DeclaredName
from envparity.model.scenario import Scenario
from envparity.model.step import ACTIONS, Expect, ExpectClose
from tests.docs.pages import prose, table, tables

BACKEND, ENVIRONMENT, SCENARIOS = "docs/backend-file.md", "docs/environment-file.md", "docs/scenarios.md"
# Kinds that know nothing of their server have a table of their own; the others share one.
OF_ANY_SERVER = {"image": ImageKeys, "service": ServiceKeys}
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
    (BACKEND, "[[tokens.carriers]]", "backend/$defs/carrier", Carrier),
    (BACKEND, "[audit]", "backend/properties/audit", Audit),
    (BACKEND, "[limits]", "backend/properties/limits", Limits),
    (BACKEND, "[retries]", "backend/properties/retries", Retries),
    (BACKEND, "[[names]]", "backend/properties/names/items", DeclaredName),
    (BACKEND, "[previous]", "backend/properties/previous", Previous),
    (BACKEND, "[phases]", "backend/properties/phases", Phases),
    (ENVIRONMENT, "The file itself", "environment", Environment),
    (ENVIRONMENT, "[platform]", "environment/$defs/platform", Platform),
    (ENVIRONMENT, "[ingress]", "environment/$defs/ingress", Ingress),
    (ENVIRONMENT, "[[differences]]", "environment/$defs/difference", DeclaredDifference),
    (ENVIRONMENT, "[deployed]", "environment/$defs/deployed", Deployed),
    (ENVIRONMENT, "Client credentials", "environment/$defs/oauth2", OAuth2),
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
    field = next(field for field in msgspec.structs.fields(kind) if field.name == key)
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
            assert said(default) == default_in_words(
                kind, {"scenario": "scenarios", "frames": "codec"}.get(key, key)
            ), key


def test_both_forms_of_a_setting_are_documented() -> None:
    """`secret` and `from`, as the schema has them."""
    assert set(table(ENVIRONMENT, "[settings]")) == set(schema_at("environment/$defs/setting")["properties"])


def test_every_key_of_a_scenario_is_documented_with_its_default() -> None:
    """Those of the scenario, and those of its boot."""
    for heading, kind in (("The scenario", Scenario), ("Boot", Boot)):
        documented = table(SCENARIOS, heading)
        assert set(documented) == set(kind.__struct_fields__)
        for key, (default, _) in documented.items():
            if default not in {"", "*required*"} and key not in {"settings", "slow"}:
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
        assert re.findall(r"`(\w+)`", options) == [option for option in options_of(kind) if option not in principal], (
            action
        )


def options_of(kind: type[msgspec.Struct]) -> list[str]:
    return list(kind.__struct_encode_fields__)


@pytest.mark.parametrize("name", SCHEMES.entries())
def test_every_key_of_a_scheme_is_documented_with_its_default(name: str) -> None:
    """Those of its struct, and the two that all have; what it makes stands among the kinds of tokens."""
    documented, kind = table(BACKEND, f'scheme = "{name}"'), SCHEMES.get(name)
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    assert set(documented) == {*fields, "scheme", "carriers"}
    for key, field in fields.items():
        default = documented[key][0]
        assert (default == "*required*") == field.required, key
        assert field.required or said(default) == default_in_words(kind, key), key
    section = prose(SCENARIOS).partition("## Kinds of tokens")[2].partition("##")[0]
    (line,) = re.findall(rf"`{name}`: ((?:`\w+`\s+)+)", section)
    assert re.findall(r"`(\w+)`", line) == list(kind.kinds)


def test_every_key_of_a_dependency_is_documented_with_its_default() -> None:
    """Those of any kind, and of each; a kind that has not all of them is named where it has it."""
    documented = table(ENVIRONMENT, "[dependencies.NAME]")
    every = {
        name: {field.name: field for field in msgspec.structs.fields(dependency_kind.keys)}
        for name, dependency_kind in KINDS.every().items()
    }
    kinds = {name: fields for name, fields in every.items() if name not in OF_ANY_SERVER}
    shared = {field.name for field in msgspec.structs.fields(Dependency)} - {"options"}
    assert set(documented) == {*shared, *(key for fields in kinds.values() for key in fields)}
    for key, (default, meaning) in documented.items():
        having = [name for name, fields in kinds.items() if key in fields]
        if having:
            assert said(default) == default_in_words(KINDS.get(having[0]).keys, key), key
        if 0 < len(having) < len(kinds):
            assert all(f"`{name}`" in meaning for name in having), key
    assert all(f"`{name}`" in documented["kind"][1] for name in every)


@pytest.mark.parametrize(("heading", "kind"), [*OF_ANY_SERVER.items(), ("ready", Ready)])
def test_every_key_of_a_server_of_ones_own_is_documented_with_its_default(
    heading: str, kind: type[msgspec.Struct]
) -> None:
    """Those of the kinds that know nothing of their server, each with a table of its own, and when one is ready."""
    documented = table(ENVIRONMENT, f'kind = "{heading}"' if heading in OF_ANY_SERVER else heading)
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    assert set(documented) == set(fields)
    for key, (default, meaning) in documented.items():
        assert meaning
        assert (default == "*required*") == fields[key].required, key
        if default not in {"", "*required*"}:
            assert said(default) == default_in_words(kind, key), key


def test_the_keys_of_a_revocation_are_documented() -> None:
    """Both."""
    assert set(table(BACKEND, "[tokens.revocation]")) == set(Revocation.__struct_fields__)


def test_every_placeholder_is_documented() -> None:
    """Those that are made, and what was captured."""
    from envparity.model.step.values import MADE

    rows = tables(SCENARIOS)["Placeholders"]
    named = {name for row in rows for name in re.findall(r"\{(\w+)", row[0])}
    assert named == MADE | {"NAME"}


def test_the_exit_codes_of_the_readme_are_those_of_the_faces() -> None:
    """0, 1, 2, 3 as the source has them, and 128 plus a signal."""
    rows = table("README.md", "As a gate")
    codes = {int(number) for cell in rows for number in re.findall(r"\d+", cell)}
    assert codes == {exits.CLEAN, exits.FINDINGS, exits.BAD_INPUT, exits.MACHINE, exits.INTERNAL, 130, 143}
    for code, word in ((exits.CLEAN, "clean"), (exits.FINDINGS, "finding"), (exits.BAD_INPUT, "wrong")):
        assert word in rows[str(code)][0]
