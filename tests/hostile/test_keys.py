"""Whatever stands at any key of a project's files: `check` reads it, or says with a line what is wrong with it."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import tomli_w
from click.testing import CliRunner, Result

from envparity.faces.cli.app import app
from tests.hostile.schema_keys import keys_of_schema, keys_of_steps, with_value

_EXAMPLE = Path(__file__).parents[2] / "docs/examples/teahouse"
_MISTAKE = re.compile(r"^  (?P<source>[^:]+\.toml)(?::(?P<line>\d+))?: ", re.MULTILINE)


def _nested(depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for _ in range(depth):
        made = {"a": made}
    return made


_TEXTS: Final = {"a zero byte": "a\0b", "a line break": "a\r\nX-Injected: b"}
_NUMBERS: Final = {"a negative number": -1, "a number of eleven digits": 100_000_000_000}
_ELSE: Final = {
    "an escape sequence": "\x1b[2J", "a text of 200,000 characters": "a" * 200_000, "a fragment": "/a#b",
    "an empty text": "", "an unknown placeholder": "{nothing:x}", "half a number": 0.5, "true": True,
    "a table 150 deep": _nested(150), "an empty array": [], "an empty table": {}, "an array of arrays": [[[[]]]],
}  # fmt: skip

_ANY_TEXT: Final = frozenset({
    "description", "differences.0.reason", "tokens.claims", "frame_type", "error_type", "volatile.0",
    "ignored_frames.0", "public_frames.0", "startup_refusal", "tokens.user", "tokens.revocation.dependency",
    "report.status", "report.order", "report.steps", "report.checks", "report.failures", "report.settings",
    "report.passed.0", "report.starting.0", "report.log_passed", "report.log_failed",
})  # fmt: skip
"""Keys whose text is compared, shown or sent in JSON, and goes nowhere else: what may stand in it is theirs."""
_ANY_NUMBER: Final = frozenset({"settings.anything", "process.variables.anything"})
_ANY_LINES: Final = _ANY_NUMBER | {
    "command.0", "process.command.0", "dependencies.anything.process.0", "jobs.anything.command.0",
    "processes.anything.command.0", "entrypoint.0", "arguments.0",
}  # fmt: skip
"""Keys whose text may have several lines."""
_ANY_JSON: Final = frozenset({"send_json.send_json", "expect_json.expect_json"})
_ANY_STEP_TEXT: Final = _ANY_JSON | {
    "send_text.send_text", "expect.expect", "expect_text.expect_text", "expect_close.reason", "send_size.pad_field",
}  # fmt: skip


class Project:
    """A copy of an example, of which one file at a time is spoiled."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(_EXAMPLE, folder)
        self.backend = folder / "backend.toml"
        self.environment = folder / "environments/cloud.toml"
        whole = tomllib.loads(self.backend.read_text(encoding="utf-8"))
        self.backend.write_text(tomli_w.dumps({**whole, "scenario": whole["scenario"][:1]}), encoding="utf-8")
        (folder / "environments/laptop.toml").unlink()

    def checked(self, file: Path, document: dict[str, Any]) -> Result:
        """What `check` says of the project with this in place of that file."""
        whole = file.read_bytes()
        file.write_text(tomli_w.dumps(document), encoding="utf-8")
        result = CliRunner().invoke(app, ["check"])
        file.write_bytes(whole)
        return result


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = Project(tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return made


def wrong(result: Result, *, refused: bool) -> str:
    """Why that is no good end of `check`; "" where it is one."""
    if result.exit_code not in ({2} if refused else {0, 2}):
        return f"exit code {result.exit_code}: {result.stderr[-300:]}"
    mistakes = list(_MISTAKE.finditer(result.stderr))
    if result.exit_code == 2 and (not mistakes or result.stderr.count("envparity: ") != 1):
        return f"no message: {result.stderr[-300:]}"
    return "" if all(mistake["line"] for mistake in mistakes) else f"no line: {result.stderr[-300:]}"


@pytest.mark.parametrize("file", ["backend", "environment"])
@pytest.mark.parametrize("what", [*_TEXTS, *_NUMBERS, *_ELSE])
def test_whatever_stands_at_a_key_is_read_or_refused(project: Project, file: str, what: str) -> None:
    """A zero byte, a line break, a negative number and one of eleven digits are refused, but where any may stand."""
    path: Path = getattr(project, file)
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    found = {}
    for place in keys_of_schema(f"{file}.schema.json"):
        key = str(place)
        refused = (what in _TEXTS and key not in _ANY_TEXT) or (what in _NUMBERS and key not in _ANY_NUMBER)
        refused = refused and not (what == "a line break" and key in _ANY_LINES)
        value = (_TEXTS | _NUMBERS | _ELSE)[what]
        found[key] = wrong(project.checked(path, with_value(document, place, value)), refused=refused)
    assert {key: why for key, why in found.items() if why} == {}
    assert len(found) > 30


@pytest.mark.parametrize("what", [*_TEXTS, *_NUMBERS, *_ELSE])
def test_whatever_stands_in_a_step_is_read_or_refused(project: Project, what: str) -> None:
    document = tomllib.loads(project.backend.read_text(encoding="utf-8"))
    value = (_TEXTS | _NUMBERS | _ELSE)[what]
    found = {}
    for action, key, step in keys_of_steps():
        steps = [{"connect": "valid"}, {**step, key: value}]
        scenario = {"name": "spoiled", "steps": steps}
        place = f"{action}.{key}"
        refused = (what in _NUMBERS and place not in _ANY_JSON) or (what in _TEXTS and place not in _ANY_STEP_TEXT)
        spoiled = {**document, "scenario": [*document["scenario"], scenario]}
        found[place] = wrong(project.checked(project.backend, spoiled), refused=refused)
    assert {place: why for place, why in found.items() if why} == {}


@pytest.mark.parametrize("where", ["backend", "environment", "step"])
@pytest.mark.parametrize("count", [3000, 300_000])
def test_a_key_of_thousands_of_parts_is_refused_where_it_stands(project: Project, where: str, count: int) -> None:
    """Soon, whatever their number: no time that goes with its square."""
    key = ".".join(["a"] * count)
    file = project.environment if where == "environment" else project.backend
    text = file.read_text(encoding="utf-8")
    added = f'[[scenario]]\nname = "x"\nsteps = [{{ send = {{ {key} = 1 }} }}]\n' if where == "step" else f"[{key}]\n"
    file.write_text(f"{text}\n{added}", encoding="utf-8")
    result = CliRunner().invoke(app, ["check"])
    assert wrong(result, refused=True) == ""
    assert "nest less" in result.stderr
    assert len(result.stderr) < 1000
