"""What docs/contracts.md says is so: its tables are read, its spellings of close codes are."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.backend import load_backend
from envparity.conversation.contract.contract import Contract
from envparity.conversation.contract.of_backend import contract_of
from tests.docs.pages import Block, blocks

PAGE = "docs/contracts.md"
DOCUMENT = """
asyncapi: 2.6.0
channels:
  kitchen: { publish: { message: { payload: { properties: { type: { const: order } } } } } }
"""
BACKEND = """
name = "kitchen"
{contract}
[process]
command = ["true"]
"""


@pytest.mark.parametrize("block", blocks(PAGE, "toml"), ids=lambda block: f"line {block.line}")
def test_a_contract_is_named_as_the_page_says(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "backend.toml"
    text = BACKEND.format(contract=block.text)
    if "view" not in block.text:
        text += '[[scenario]]\nname = "orders"\nsteps = [{ connect = "none" }, { send = { type = "order" } }]\n'
    (tmp_path / "asyncapi.yaml").write_text(DOCUMENT)
    file.write_text(text)
    contract = contract_of(load_backend(file))
    assert contract is not None
    assert [message.name for message in contract.messages("sent")] == ["kitchen"]


@pytest.mark.parametrize("block", blocks(PAGE, "yaml"), ids=lambda block: f"line {block.line}")
def test_every_spelling_of_close_codes_is_read(block: Block, tmp_path: Path) -> None:
    """4001 goes with one reason, and what is not there is refused."""
    file = tmp_path / "asyncapi.yaml"
    file.write_text(f"{DOCUMENT}{block.text}")
    contract = Contract.load(file)
    reason = "Unauthorized" if "Unauthorized" in block.text else "connected_elsewhere"
    assert contract.close_violations(4001, reason) == ()
    assert contract.close_violations(4001, "other") != ()
    assert contract.close_violations(1011, "") != ()
