"""The event stream as lines of JSON."""

from __future__ import annotations

import json
from pathlib import Path

from envparity.engine.events import CaseObserved, Event, RunFinished, Waiting
from envparity.judge.finding import Verdict
from envparity.model.case import Case
from envparity.observe.frame import JsonFrame
from envparity.observe.record import Observation
from envparity.observe.transcript import FrameReceived, Transcript
from envparity.report.ndjson import NdjsonWriter, read_events
from envparity.report.writer import Tee

ENTRY = FrameReceived(0.1, "a", "message", JsonFrame({"type": "pong", "nested": {"list": [1, None, "é\n"]}}))
OBSERVATION = Observation(
    case=Case("local", "b"), launcher="container", run_id="r", transcripts=(Transcript("ping", "g", (ENTRY,)),)
)


def test_what_is_written_is_read_back(tmp_path: Path, red: Verdict) -> None:
    """Every event, with the whole observation and verdict in it, survives the file."""
    events: tuple[Event, ...] = (Waiting("", "x"), CaseObserved("local", OBSERVATION, 0, 1.5), RunFinished(red))
    writer = NdjsonWriter(tmp_path / "run.ndjson")
    for event in events:
        writer.handle(event)
    writer.close()
    assert read_events(tmp_path / "run.ndjson") == events


def test_each_line_is_one_json_object_with_its_type(tmp_path: Path) -> None:
    """Any program can read it, also while the run goes on."""
    writer = NdjsonWriter(tmp_path / "run.ndjson")
    writer.handle(Waiting("local", "two\nlines"))
    lines = (tmp_path / "run.ndjson").read_text(encoding="utf-8").splitlines()
    writer.close()
    assert [json.loads(line) for line in lines] == [{"type": "Waiting", "case": "local", "waited_for": "two\nlines"}]


def test_tee_gives_every_writer_every_event(tmp_path: Path) -> None:
    """Several writers read one stream."""
    paths = [tmp_path / "one", tmp_path / "two"]
    tee = Tee([NdjsonWriter(path) for path in paths])
    tee.handle(Waiting("", "x"))
    tee.close()
    assert paths[0].read_bytes() == paths[1].read_bytes() != b""
