"""A frame is held against a contract in bounded time, whatever the contract refers to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from envparity.conversation.contract.bounded_schema import MOST_REFERENCES
from envparity.conversation.contract.contract import Contract

LEVELS, FORKS = 12, 9


def forking(levels: int) -> dict[str, object]:
    """A document of one message, whose schema refers to nine others, each of which refers to nine others."""
    last = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    forks = {
        f"s{at}": {"anyOf": [{"$ref": f"#/components/schemas/s{at + 1}"}] * FORKS, "title": str(at)}
        for at in range(levels)
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "t", "version": "1"},
        "channels": {"talk": {"address": "/ws", "messages": {"m": {"$ref": "#/components/messages/m"}}}},
        "operations": {"speak": {"action": "send", "channel": {"$ref": "#/channels/talk"}}},
        "components": {
            "messages": {"m": {"name": "m", "payload": {"$ref": "#/components/schemas/s0"}}},
            "schemas": {**forks, f"s{levels}": last},
        },
    }


def load(folder: Path, levels: int) -> Contract:
    file = folder / "asyncapi.yaml"
    file.write_text(yaml.safe_dump(forking(levels)), encoding="utf-8")
    return Contract.load(file)


def test_references_that_fork_are_followed_within_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 9 to the power of 12 so many; that is said of the frame, and not tried again for another of its type."""
    contract = load(tmp_path, LEVELS)
    followed: list[object] = []
    follow: Any = Draft202012Validator.VALIDATORS["$ref"]

    def counted(*given: object) -> Iterator[ValidationError]:
        followed.append(given)
        yield from follow(*given)

    monkeypatch.setitem(Draft202012Validator.VALIDATORS, "$ref", counted)
    (said,) = contract.violations({"type": "m"}, "received")
    assert str(MOST_REFERENCES) in said
    assert len(followed) == MOST_REFERENCES
    assert contract.violations({"type": "m", "other": 1}, "received") == (said,)
    assert len(followed) == MOST_REFERENCES
    assert contract.violations({"type": "m"}, "sent") == (), "nothing is said of that direction"


def test_references_within_the_bound_are_followed_to_their_end(tmp_path: Path) -> None:
    """And each frame has all of it."""
    contract = load(tmp_path, 4)
    for _ in range(8):
        assert contract.violations({"type": "m", "n": 1}, "received") == ()
        assert contract.violations({"type": "m", "n": "one"}, "received") != ()
