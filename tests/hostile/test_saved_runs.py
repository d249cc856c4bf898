"""A saved run is data from anywhere: a damaged one is one message and exit 2, never a traceback and never a command."""

from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from envparity.faces.cli.app import app
from tests.envparity.judge.builders import observation
from tests.envparity.report.recorded import described, events_of, startup_run
from tests.hostile.mutations import amount, changed_bytes, changed_value

_PARTS = 10
_TRIED = amount(150, 10_000)
_REPORTS = ("html", "sarif", "junit", "gitlab")


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    """The lines of a run with findings."""
    run = startup_run()
    events = events_of([observation("local"), observation("staging")])
    encoded = [msgspec.json.encode(line) for line in (described(), run.started, *events)]
    finished = json.loads(encoded[-1])
    finished["verdict"] = msgspec.to_builtins(run.verdict)
    return [*encoded[:1], *encoded[2:-1], json.dumps(finished).encode()]


@pytest.mark.parametrize("part", range(_PARTS))
def test_a_damaged_run_is_one_message(lines: list[bytes], part: int, tmp_path: Path) -> None:
    """Or it is still a run, and every report can be made of it."""
    file = tmp_path / "run.ndjson"
    outputs = [argument for name in _REPORTS for argument in (f"--{name}", str(tmp_path / name))]
    ended: dict[int, int] = {}
    for number in range(_TRIED // _PARTS):
        chance = random.Random(f"{part}.{number}")  # noqa: S311  a seed, not a secret
        if chance.random() < 0.3:
            content = changed_bytes(b"\n".join(lines), chance)
        else:
            at = chance.randrange(len(lines))
            changed = json.dumps(changed_value(json.loads(lines[at]), chance)).encode()
            content = b"\n".join([*lines[:at], changed, *lines[at + 1 :]])
        file.write_bytes(content)
        arguments = ["report", str(file), *(outputs if number % 2 else ["--github"] if number % 4 else [])]
        result = CliRunner().invoke(app, arguments)
        told = (part, number, result.exit_code, result.stderr[-900:])
        assert result.exit_code in {0, 2}, told
        assert (result.stderr.count("envparity: ") == 1) == (result.exit_code == 2), told
        assert not set(result.stdout + result.stderr) & set("\x1b\x07\u202e\u2066"), told
        ended[result.exit_code] = ended.get(result.exit_code, 0) + 1
    assert set(ended) == {0, 2}, "some are damaged, and some are not"
