"""Regular expressions that take exponential time on a hostile text: each has seconds of the processor, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from envparity.conversation.contract.contract import Contract
from envparity.errors import ConfigurationError
from envparity.judge.unmatched import unmatched
from envparity.model.backend import Backend, ImageSource, ReportMapping
from envparity.model.step.payloads import bytes_pattern, text_pattern
from envparity.observe.startup import read_log
from envparity.support.patterns import Pattern, pattern_problem

pytestmark = pytest.mark.timeout(120)

_HOSTILE = "^(a|aa)+$"
_TEXT = "a" * 60 + "!"


@pytest.mark.parametrize("pattern", [_HOSTILE, "(a|aa)+b", "(a|b|aa|ab)+$"])
def test_a_pattern_ends_when_its_time_is_over(pattern: str) -> None:
    word = Pattern(pattern, within_s=0.2)
    assert word.search(_TEXT) is None
    assert word.search("ab") is None, "its time is over, or it is not there"
    assert not word.anew().spent


def test_a_log_that_no_pattern_ends_on_is_said() -> None:
    """All lines together have the time of one."""
    report = read_log([_TEXT] * 1000 + ["ready"], ReportMapping(log_passed="^ready", log_failed=_HOSTILE))
    assert report is not None
    assert report.status == "pass"
    assert [problem.split()[0] for problem in report.problems] == ["log_failed"]


def test_a_log_that_patterns_read_in_time_has_nothing_said() -> None:
    report = read_log([f"line {number}" for number in range(5000)], ReportMapping(log_passed="line 4999$"))
    assert report is not None
    assert (report.status, report.problems) == ("pass", ())


def test_a_message_that_no_pattern_ends_on_is_not_what_was_expected() -> None:
    assert text_pattern(_HOSTILE, {}).search(_TEXT) is None
    assert bytes_pattern(f"text:{_HOSTILE}", {}).search(_TEXT.encode()) is None
    assert bytes_pattern("hex:61??*", {}).search(b"ab\n") is not None


def test_a_contract_is_held_against_hostile_frames(tmp_path: Path) -> None:
    frame: dict[str, object] = {"type": "object", "required": ["type", "text"]}
    frame |= {"properties": {"text": {"pattern": _HOSTILE}}, "patternProperties": {_HOSTILE: {"type": "string"}}}
    contract = Contract.load(_contract(tmp_path, frame))
    assert contract.violations({"type": "said", "text": "aaa"}, "received") == ()
    assert contract.violations({"type": "said", "text": _TEXT}, "received")
    contract.violations({"type": "said", "text": "aaa", _TEXT: "x"}, "received")


@pytest.mark.parametrize("pattern", ["(", "[a", r"(?P<x>a)(?P=y)"])
def test_what_the_engine_cannot_run_is_refused(tmp_path: Path, pattern: str) -> None:
    assert pattern_problem(pattern)
    with pytest.raises(ValueError, match="regular expression"):
        text_pattern(pattern, {})
    with pytest.raises(ConfigurationError) as raised:
        Contract.load(_contract(tmp_path, {"properties": {"text": {"pattern": pattern}}}))
    assert raised.value.mistakes[0].line
    with pytest.raises(ConfigurationError) as raised:
        Contract.load(_contract(tmp_path, {"patternProperties": {pattern: {}}}))


def test_a_word_that_no_log_ends_is_not_called_unmatched() -> None:
    backend = Backend("b", Path("backend.toml"), ImageSource(), report=ReportMapping(log_passed="^ready"))
    assert unmatched(backend, ()) == ()


def _contract(folder: Path, payload: dict[str, object]) -> Path:
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "x", "version": "1"},
        "channels": {"c": {"address": "/", "messages": {"said": {"payload": payload}}}},
        "operations": {way: {"action": way, "channel": {"$ref": "#/channels/c"}} for way in ("send", "receive")},
    }
    file = folder / "asyncapi.yaml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file
