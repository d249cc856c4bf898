"""Whatever stands in a contract is the input's: `check` reads it, or says one message about it, and soon."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from envparity.faces.cli.app import app

_TREE = Path(__file__).parents[2]
_BOMB = "\n".join(
    ["x-a: &a [1,1,1,1,1,1,1,1,1,1]"]
    + [f"x-{chr(98 + level)}: &{chr(98 + level)} [{','.join([f'*{chr(97 + level)}'] * 10)}]" for level in range(9)]
)
_ADDED = {
    "a date that is none": "x-date: 2024-99-99",
    "a moment that is none": "x-at: 2024-01-01T99:99:99Z",
    "a number of 6,000 digits": "x-number: " + "9" * 6000,
    "a tag that runs something": "x-tag: !!python/object/apply:os.system ['true']",
    "a tag that nobody knows": "x-tag: !mine {a: 1}",
    "an alias of what it stands in": "x-list: &a [*a]",
    "an alias of its own mapping": "x-map: &a {b: *a}",
    "1,500 lists in one another": "x-deep: " + "[" * 1500 + "]" * 1500,
    "300 mappings in one another": "x-deep: " + "{a: " * 300 + "1" + "}" * 300,
    "aliases of aliases": _BOMB,
    "a key that is a list": "? [a, b]\n: 1",
    "a merge with a number": "x-merge: {<<: 3}",
    "a byte that is no text": "x-nul: \0",
}


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reference backend's, in a copy of its project, which is the working directory."""
    for part in ("netra_backend", "environments", "docker"):
        shutil.copytree(_TREE / part, tmp_path / part)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "netra_backend" / "asyncapi.yaml"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("added", list(_ADDED.values()), ids=list(_ADDED))
def test_what_cannot_be_borne_is_a_mistake_of_the_contract(contract: Path, added: str) -> None:
    contract.write_text(f"{contract.read_text(encoding='utf-8')}\n{added}\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["check"])
    assert (result.exit_code, result.stderr.count("envparity: ")) == (2, 1), result.stderr[-900:]
    assert str(contract) in result.stderr


@pytest.mark.parametrize("target", ["#/info/title/0", "#/info/title/words", "#/asyncapi/x", "#/nowhere", "x.yaml#/a"])
def test_a_reference_that_leads_nowhere_is_a_mistake(contract: Path, target: str) -> None:
    text = contract.read_text(encoding="utf-8")
    contract.write_text(f'{text}\nx-more: {{ $ref: "{target}" }}\n', encoding="utf-8")
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 2, result.stderr[-900:]
    assert target in result.stderr
