"""What a step, a boot and a file may ask for, and what is told of more: exit 2, a line, advice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from envparity.engine.session import engine
from envparity.engine.session.inputs import Inputs
from envparity.errors import ConfigurationError, Mistake
from envparity.support.toml.bounds import LONGEST, line_of_a_deep_key

_EXAMPLE = Path(__file__).parents[4] / "docs/examples/teahouse"
_FRAME = 'frame = { kind = "aaaaaaaaaaaaaaaaaaaa" }, pad_field = "p"'
_STEPS = {
    "a close code that is none": "close = 99999",
    "a close code that cannot be sent": "close = 1006",
    "a code that cannot be seen": "expect_close = 999",
    "a reason that no close carries": f'expect_close = [1000, "{"é" * 62}"]',
    "three of two": 'expect_close = [1000, "a", "b"]',
    "a negative flood": 'flood = { kind = "say" }, count = -5',
    "half a frame": 'flood = { kind = "say" }, count = 1.5',
    "a flood without end": 'flood = { kind = "say" }, count = "1000000*1000000"',
    "a size of 1e11": f"send_size = 100000000000, {_FRAME}",
    "a size that is less than the frame": f"send_size = 20, {_FRAME}",
    "a negative silence": "silence_s = -1",
    "a wait of a century": 'expect = "said", within_s = 3.2e9',
    "no time at all": 'expect = "said", within_s = 0',
    "a status that is none": 'connect = "valid", on = "b", status = 99',
    "two headers in one": r'connect = "valid", on = "b", headers = { A = "x\r\nB: y" }',
    "a query of two lines": r'connect = "valid", on = "b", query = "a\r\nB: c"',
    "a fragment": 'connect = "valid", on = "b", query = "a#b"',
    "an origin of two lines": r'connect = "valid", on = "b", origin = "https://a\nB: c"',
    "two subprotocols in one": 'connect = "valid", on = "b", offer = ["a, b"]',
    "a dependency that is none": 'restart = "reddis"',
    "another one": 'cut = "postgres"',
    "a placeholder that is made": 'expect = "said", capture = { user = "from" }',
    "a placeholder that none can name": 'expect = "said", capture = { "a b" = "from" }',
}
_BOOTS = {
    "a dependency that is none": 'down = ["reddis"]',
    "a step of a timeline that is none": 'timeline = ["postgres", "backend"]',
    "an order that nobody can ask for": 'order = ["a"]',
    "a setting that no process has": 'settings = { "A=B" = "c" }',
    "a setting with a zero byte": r'settings = { A = "\u0000" }',
    "a haste that makes seconds nothing": "hasten = 100000000000",
}
_SCENARIO = '[[scenario]]\nname = "x{}"\nsteps = [{{ connect = "none" }}]\n'
_MANY = '{ connect = "none" },' * 10_001
_FILES: dict[str, Callable[[str], str]] = {
    "a fragment in a path": lambda text: text.replace('"/chat"', '"/chat#x"'),
    "a zero byte in a path": lambda text: text.replace('"/healthz"', r'"/health\u0000z"'),
    "an include that names nothing": lambda text: text.replace('["server.js"]', '["server.js", "sources/**"]'),
    "an include that is longer than a path": lambda text: text.replace('["server.js"]', f'["{"a" * 9000}"]'),
    "a contract that is longer than a path": lambda text: f'contract = "{"a" * 9000}"\n{text}',
    "a setting that no process can be given": lambda text: text.replace(
        "[settings]", f'[settings]\nA = "{"a" * 200_000}"'
    ),
    "a carrier that is two subprotocols": lambda text: text.replace(
        'header = "Authorization: Bearer {token}"', 'subprotocol = "a {token}"'
    ),
    "2,001 scenarios": lambda text: text + "".join(map(_SCENARIO.format, range(2001))),
    "10,001 steps": lambda text: (
        f'{text}[[scenario]]\nname = "x"\nsteps = [{_MANY}]\n'
    ),
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(_EXAMPLE, tmp_path / "project"))


def mistakes(project: Path) -> tuple[Mistake, ...]:
    with pytest.raises(ConfigurationError) as raised:
        engine.load(Inputs.find(backend=project / "backend.toml", environments=project / "environments"))
    return raised.value.mistakes


def told_at(project: Path, added: str) -> tuple[Mistake, ...]:
    """What is told of a scenario that is added: all of it is of that scenario's line."""
    file = project / "backend.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}\n{added}", encoding="utf-8")
    told = mistakes(project)
    assert {mistake.line for mistake in told} == {len(text.splitlines()) + 1 + len(added.splitlines())}
    return told


@pytest.mark.parametrize("step", list(_STEPS.values()), ids=list(_STEPS))
def test_what_no_step_may_ask_for(project: Path, step: str) -> None:
    steps = f'steps = [{{ connect = "valid" }}, {{ {step} }}]'
    told = told_at(project, f'[[scenario]]\nname = "spoiled"\n{steps}')
    assert all(mistake.action or "scenario" in mistake.key for mistake in told)
    assert "nothing was started" in str(ConfigurationError(told))


@pytest.mark.parametrize("boot", list(_BOOTS.values()), ids=list(_BOOTS))
def test_what_no_boot_may_ask_for(project: Path, boot: str) -> None:
    told_at(project, f'[[scenario]]\nname = "spoiled"\nsteps = [{{ connect = "valid" }}]\nboot = {{ {boot} }}')


@pytest.mark.parametrize("spoiled", list(_FILES.values()), ids=list(_FILES))
def test_what_no_file_may_say(project: Path, spoiled: Callable[[str], str]) -> None:
    file = project / "backend.toml"
    file.write_text(spoiled(file.read_text(encoding="utf-8")), encoding="utf-8")
    told = mistakes(project)
    assert len(told) == 1
    assert told[0].line
    assert told[0].source.endswith("backend.toml")


@pytest.mark.parametrize("host", ["a" * 64 + ".example", ".".join(["a" * 60] * 5)])
def test_labels_are_as_long_as_names_may_be(project: Path, host: str) -> None:
    file = project / "environments/cloud.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("tea.example", host), encoding="utf-8")
    assert [(mistake.key, bool(mistake.line)) for mistake in mistakes(project)] == [("ingress.host", True)]


@pytest.mark.parametrize(
    ("value", "step"),
    [
        ('"-1000"', '{ expect = "said", within_s = "5+{setting:ODD}" }'),
        ("100000000000", '{ flood = { kind = "say" }, count = "{setting:ODD}" }'),
        ('"soon"', '{ expect = "said", within_s = "{setting:ODD}" }'),
        (r'"a\r\nB: c"', '{ connect = "valid", on = "b", headers = { A = "{setting:ODD}" } }'),
        ('"a b"', '{ connect = "valid", on = "b", query = "x={setting:ODD}" }'),
    ],
)
def test_what_settings_come_to_is_checked_too(project: Path, value: str, step: str) -> None:
    file = project / "backend.toml"
    text = file.read_text(encoding="utf-8").replace("[settings]", f"[settings]\nODD = {value}")
    file.write_text(text, encoding="utf-8")
    told = told_at(project, f'[[scenario]]\nname = "spoiled"\nsteps = [{{ connect = "valid" }}, {step}]')
    assert {mistake.key.split(":")[0] for mistake in told} == {"scenario spoiled"}
    assert len(told) == 2, "one for each environment"


def test_no_device_and_no_endless_file_is_read(project: Path) -> None:
    file = project / "backend.toml"
    file.unlink()
    file.symlink_to("/dev/zero")
    assert [mistake.key for mistake in mistakes(project)] == ["(file)"]
    file.unlink()
    with file.open("wb") as sparse:
        sparse.truncate(LONGEST + 1)
    assert [mistake.key for mistake in mistakes(project)] == ["(file)"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\n" + ".".join(["b"] * 101) + " = 1", 2),
        ('a = """\n' + ".".join(["b"] * 200) + '\n"""', 0),
        ("a = '" + ".".join(["b"] * 200) + "'", 0),
        ("# " + ".".join(["b"] * 200), 0),
        ("a = { " + " . ".join(['"b"'] * 200) + " = 1 }", 1),
        (".".join(["b"] * 100) + " = 1", 0),
    ],
)
def test_long_keys_are_told_from_texts(text: str, line: int) -> None:
    assert line_of_a_deep_key(text) == line


@pytest.mark.timeout(60)
def test_a_long_word_takes_no_time_by_its_square() -> None:
    """By its square this would take an hour."""
    assert line_of_a_deep_key("a" * LONGEST) == 0
