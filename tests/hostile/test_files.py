"""Whatever stands in a project's files is the input's: read, or refused with every mistake, and nothing else."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from envparity.faces.cli.app import app
from tests.hostile.mutations import amount, changed_bytes

_EXAMPLE = Path(__file__).parents[2] / "docs/examples/teahouse"
_PARTS = 5
_TRIED = amount(150, 5000)


@pytest.mark.parametrize("part", range(_PARTS))
def test_a_damaged_file_is_one_message(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`check` reads the backend's file and those of the environments; contracts are `test_contracts.py`'s."""
    project = tmp_path / "project"
    shutil.copytree(_EXAMPLE, project)
    monkeypatch.chdir(project)
    files = [file for file in sorted(project.rglob("*")) if file.suffix in {".toml", ".yaml", ".yml"}]
    ended: dict[int, int] = {}
    for number in range(_TRIED // _PARTS):
        chance = random.Random(f"{part}.{number}")  # noqa: S311  a seed, not a secret
        file = chance.choice(files)
        whole = file.read_bytes()
        file.write_bytes(changed_bytes(whole, chance))
        result = CliRunner().invoke(app, ["check"])
        told = (part, number, file.name, result.exit_code, result.stderr[-900:])
        assert result.exit_code in {0, 2}, told
        assert (result.stderr.count("envparity: ") == 1) == (result.exit_code == 2), told
        ended[result.exit_code] = ended.get(result.exit_code, 0) + 1
        file.write_bytes(whole)
    assert 2 in ended, "some are damaged"
