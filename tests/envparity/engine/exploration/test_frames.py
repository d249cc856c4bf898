"""What is made of a contract: valid frames are valid, broken ones break it in one place, and a seed makes the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from envparity.conversation.contract.contract import Contract
from envparity.engine.exploration.frames import ClientTurn, sequences
from envparity.engine.exploration.values import values

ROOT = Path(__file__).parents[4]
SCHEMAS = {
    "every type": """
        {type: object, required: [a, b, c, d, e], properties: {a: {type: integer, minimum: 3, maximum: 4},
         b: {type: boolean}, c: {type: "null"},
         d: {type: array, items: {type: string, minLength: 2}, minItems: 1, uniqueItems: true},
         e: {type: number, exclusiveMinimum: 0}}}""",
    "formats and patterns": """
        {required: [i, w, p], properties: {i: {type: string, format: uuid}, w: {type: string, format: date-time},
         p: {type: string, pattern: "^[a-z]{2}[0-9]$"}}}""",
    "branches": """
        {oneOf: [{required: [k, x], properties: {k: {const: x}, x: {type: integer}}},
         {required: [k], properties: {k: {enum: [y, z]}}}]}""",
    "parts": """{allOf: [{required: [a], properties: {a: {type: integer}}},
         {required: [b], properties: {b: {type: string}}}]}""",
    "itself": "{properties: {next: {$ref: '#/components/messages/m/payload'}, n: {type: integer, multipleOf: 5}}}",
    "types": "{required: [v], properties: {v: {type: [string, integer, 'null']}}}",
    "any": "{properties: {v: true, w: {}}}",
}  # fmt: skip


def contract_of(folder: Path, schema: str) -> Contract:
    path = folder / "asyncapi.yaml"
    path.write_text(
        "asyncapi: 3.0.0\nchannels: {c: {address: /, messages: {m: {$ref: '#/components/messages/m'}}}}\n"
        f"operations: {{r: {{action: receive, channel: {{$ref: '#/channels/c'}}}}}}\n"
        f"components: {{messages: {{m: {{payload: {schema}}}}}}}\n"
    )
    return Contract.load(path)


def examples(strategy: st.SearchStrategy[Any], count: int, by: int = 1) -> list[Any]:
    """So many examples, by that seed."""
    made: list[Any] = []

    @seed(by)
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck), derandomize=False)  # fmt: skip
    @given(strategy)
    def collect(frame: Any) -> None:
        made.append(frame)

    collect()
    return made


@pytest.mark.parametrize("schema", list(SCHEMAS.values()), ids=list(SCHEMAS))
def test_nearly_all_that_is_made_of_a_schema_is_valid(tmp_path: Path, schema: str) -> None:
    """The rest is left out by whoever takes it."""
    contract = contract_of(tmp_path, schema)
    (message,) = contract.messages("sent")
    assert message.schema is not None
    made = examples(values(contract.documents, message.schema), 60)
    valid = [frame for frame in made if message.validator.is_valid(frame)]
    assert len(valid) >= 0.9 * len(made), [frame for frame in made if not message.validator.is_valid(frame)][:3]


@pytest.mark.parametrize("schema", list(SCHEMAS.values())[:4], ids=list(SCHEMAS)[:4])
def test_what_is_broken_breaks_the_contract_and_the_rest_does_not(tmp_path: Path, schema: str) -> None:
    contract = contract_of(tmp_path, schema)
    turns: list[ClientTurn] = [turn for turns in examples(sequences(contract, {}), 60) for turn in turns]
    assert {bool(turn.broken) for turn in turns} == {True, False}
    for turn in turns:
        assert bool(contract.violations(turn.frame, "sent")) == bool(turn.broken), turn


def test_a_seed_makes_the_same_again(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, SCHEMAS["every type"])
    assert examples(sequences(contract, {}), 30, 7) == examples(sequences(contract, {}), 30, 7)
    assert examples(sequences(contract, {}), 30, 7) != examples(sequences(contract, {}), 30, 8)


def test_what_the_backend_gave_is_said_to_it(tmp_path: Path) -> None:
    """As the placeholder that an earlier step fills."""
    contract = contract_of(tmp_path, "{required: [thread_id], properties: {thread_id: {type: string}}}")
    frames = [turn.frame for turns in examples(sequences(contract, {"thread_id": "thread"}), 60) for turn in turns]
    assert {"thread_id": "{thread}"} in frames


def test_the_reference_backends_contract_is_explored() -> None:
    """Each of its messages is made."""
    contract = Contract.load(ROOT / "netra_backend" / "asyncapi.yaml")
    turns = [turn for turns in examples(sequences(contract, {}), 150) for turn in turns]
    assert {turn.message for turn in turns} == {message.name for message in contract.messages("sent")}
