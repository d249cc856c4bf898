"""The contract as a document: valid, complete, and in step with the code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator

from netra_backend.app.websocket_core.messages import MESSAGE_TYPES
from tests.netra_backend.running import AGENT_EVENTS, CONTRACT, REPOSITORY

DOCUMENT: dict[str, Any] = yaml.safe_load((REPOSITORY / "netra_backend" / "asyncapi.yaml").read_text())
META_SCHEMA = REPOSITORY.parent / "shared" / "schemas" / "asyncapi-3.0.0.json"


def plain(document: dict[str, Any]) -> Any:
    """As JSON has it: keys are text."""
    return json.loads(json.dumps(document))


def test_it_is_an_asyncapi_3_document() -> None:
    """The structure that AsyncAPI 3.0.0 asks for, and every reference leads to a message that is there."""
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert set(DOCUMENT) == {
        "asyncapi", "info", "defaultContentType", "servers", "channels", "operations", "components"
    }  # fmt: skip
    channel = DOCUMENT["channels"]["conversation"]
    assert channel["address"] == "/ws"
    for name, reference in channel["messages"].items():
        assert reference == {"$ref": f"#/components/messages/{name}"}
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in {"send", "receive"}
        assert operation["channel"] == {"$ref": "#/channels/conversation"}
    said = [
        message["$ref"].rpartition("/")[2] for held in DOCUMENT["operations"].values() for message in held["messages"]
    ]
    assert sorted(said) == sorted(channel["messages"]) == sorted(DOCUMENT["components"]["messages"])


if META_SCHEMA.exists():  # AsyncAPI's own JSON Schema is not ours to copy; CI has it beside the repository

    def test_it_is_valid_against_asyncapis_own_schema() -> None:
        """The whole document, by the schema that AsyncAPI publishes for 3.0.0."""
        validator = Draft7Validator(json.loads(META_SCHEMA.read_text()))
        assert [error.message for error in validator.iter_errors(plain(DOCUMENT))] == []


def objects(schema: Any) -> list[dict[str, Any]]:
    """Every schema within a schema that is of an object."""
    if not isinstance(schema, dict):
        return []
    inner = [*schema.get("properties", {}).values(), schema.get("items")]
    return ([schema] if schema.get("type") == "object" else []) + [
        found for schema in inner for found in objects(schema)
    ]


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["messages"]))
def test_a_payload_is_json_schema_2020_12_and_closed(name: str) -> None:
    """No field too many: additionalProperties is false at every depth."""
    payload = DOCUMENT["components"]["messages"][name]["payload"]
    assert payload["schemaFormat"] == "application/schema+json;version=2020-12"
    Draft202012Validator.check_schema(payload["schema"])
    found = objects(payload["schema"])
    assert found
    assert all(schema["additionalProperties"] is False for schema in found)


def test_what_a_client_may_say_is_what_the_code_reads() -> None:
    """The same types, with the same fields, the same of them required."""
    assert set(CONTRACT["listen"]) == set(MESSAGE_TYPES)
    for name, kind in MESSAGE_TYPES.items():
        schema = CONTRACT["listen"][name].schema
        assert isinstance(schema, dict)
        assert set(schema["properties"]) == set(kind.model_fields)
        required = {field for field, held in kind.model_fields.items() if held.is_required()}
        assert set(schema["required"]) == required


def test_the_five_events_are_numbered() -> None:
    """In the order in which they come."""
    numbers = []
    for name in AGENT_EVENTS:
        schema = CONTRACT["speak"][name].schema
        assert isinstance(schema, dict)
        numbers.append(schema["properties"]["sequence"]["const"])
    assert numbers == [1, 2, 3, 4, 5]


def test_codes_and_reasons_are_those_of_the_code() -> None:
    """Every reason and every error code of the document stands in the source, so that neither is left behind."""
    source = "".join(path.read_text() for path in Path(REPOSITORY, "netra_backend").rglob("*.py"))
    closes = DOCUMENT["channels"]["conversation"]["x-close-codes"]
    assert set(closes) == {1000, 1001, 1002, 1007, 1008, 1009, 1011, 1013}
    reasons = [reason for held in closes.values() for reason in held.get("reasons", [])]
    error = CONTRACT["speak"]["error"].schema
    assert isinstance(error, dict)
    for word in [*reasons, *error["properties"]["code"]["enum"]]:
        assert word.partition(":")[0] in source


def test_every_phase_has_a_deadline() -> None:
    """Seconds, or the name of a setting."""
    deadlines = DOCUMENT["channels"]["conversation"]["x-deadlines"]
    assert {"connect", "accept", "authenticate", "message", "close"} <= set(deadlines)
    assert all(isinstance(held, int | float) or held.isupper() for held in deadlines.values())
