"""Which changes of a contract break whom: what clients send must be taken still, what they hear no more than known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envparity.config.backend import load_backend
from envparity.report.baseline.promises import changes, promises
from tests.docs.pages import TREE


def line(**said: object) -> str:
    return json.dumps({"required": True, **said}, sort_keys=True)


OPTIONAL = json.dumps({"required": False})
CHANGES = [
    # path, before, after, whether it breaks somebody
    ("sent a.x", None, line(type="string"), True),
    ("sent a.x", None, OPTIONAL, False),
    ("sent a.x", line(), None, True),
    ("sent a.x", OPTIONAL, line(), True),
    ("sent a.x", line(), OPTIONAL, False),
    ("sent a.x", line(maxLength=9), line(maxLength=8), True),
    ("sent a.x", line(maxLength=8), line(maxLength=9), False),
    ("sent a.x", line(maxLength=8), line(), False),
    ("sent a.x", line(), line(maxLength=8), True),
    ("sent a.x", line(type="integer"), line(type="number"), False),
    ("sent a.x", line(enum=["a", "b"]), line(enum=["a"]), True),
    ("sent a.x", line(enum=["a"]), line(enum=["a", "b"]), False),
    ("sent a.x", line(pattern="^a$"), line(pattern="^b$"), True),
    ("sent a", None, line(), False),
    ("received a.x", None, line(), False),
    ("received a.x", line(), None, True),
    ("received a.x", line(), OPTIONAL, True),
    ("received a.x", OPTIONAL, line(), False),
    ("received a.x", line(type="number"), line(type="integer"), False),
    ("received a.x", line(type="integer"), line(type="number"), True),
    ("received a.x", line(enum=["a"]), line(enum=["a", "b"]), True),
    ("received a.x", line(minimum=1), line(minimum=0), True),
    ("received a", None, line(), False),
    ("received a", line(), None, True),
]


@pytest.mark.parametrize(("path", "before", "after", "breaks"), CHANGES)
def test_a_change_breaks_who_relied_on_what_is_no_more(
    path: str, before: str | None, after: str | None, breaks: bool
) -> None:
    """Each by itself, in the direction in which it travels."""
    sides = [{} if said is None else {path: said} for said in (before, after)]
    (found,) = changes(*sides)
    assert (found.path, bool(found.breaks)) == (path, breaks), found


def test_what_breaks_comes_first_and_what_is_gone_is_told_once() -> None:
    """Below a message that is gone nothing is repeated."""
    before = {"received b": line(), "received b.x": line(), "received b.y[]": line(), "sent a.x": line(maxLength=1)}
    found = changes(before, {"sent a.x": line(maxLength=2)})
    assert [(change.path, bool(change.breaks)) for change in found] == [("received b", True), ("sent a.x", False)]


def test_the_reference_backends_contract_is_told_field_by_field() -> None:
    """With references followed; twice the same is no change."""
    backend = load_backend(TREE / "netra_backend" / "backend.toml")
    told = promises(backend)
    assert json.loads(told["sent user_message.text"])["type"] == "string"
    assert any(path.startswith("received agent_completed.") for path in told)
    assert changes(told, promises(backend)) == []


def test_without_a_contract_nothing_is_promised(tmp_path: Path) -> None:
    """And the baseline has an empty file for it."""
    file = tmp_path / "backend.toml"
    file.write_text('name = "chat"\n[image]\nname = "chat:1"\n', encoding="utf-8")
    assert promises(load_backend(file)) == {}
