"""The last exception of a log, however the log has it."""

from __future__ import annotations

import json

import pytest

from envparity.judge.traceback import last_raised, without_frames
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import FAILURE, close, failed, handshake, judged, observation, replica, transcript

TRACEBACK = """\
Traceback (most recent call last):
  File "/opt/netra/app/conversation.py", line 80, in _until_ended
    self._count(refusal)
  File "/opt/site-packages/metrics.py", line 31, in labels
    raise ValueError('Incorrect label names')
ValueError: Incorrect label names"""
RAISED = ('File "/opt/netra/app/conversation.py", line 80, in _until_ended', "ValueError: Incorrect label names")
AS_JSON = json.dumps({"event": "internal error", "exception": TRACEBACK, "level": "error"})


@pytest.mark.parametrize(
    "place", ["/opt/site-packages/", "/usr/lib/python3.11/asyncio/", "/usr/lib/python3/dist-packages/"]
)
def test_what_a_library_raises_is_told_with_the_line_that_asked_it(place: str) -> None:
    """And with its own where there is no other, as of a backend that is installed."""
    within = TRACEBACK.replace("/opt/site-packages/", place)
    assert last_raised(within.splitlines()) == RAISED
    own = f'File "{place}metrics.py", line 31, in labels'
    assert last_raised(within.replace("/opt/netra/app/", place).splitlines()) == (own, RAISED[1])


@pytest.mark.parametrize(
    "log",
    [
        ("starting", *TRACEBACK.splitlines(), "serving"),
        ("{}", AS_JSON, '{"event": "serving"}'),
        (*TRACEBACK.replace("ValueError", "KeyError").splitlines(), AS_JSON),
    ],
    ids=["printed", "in JSON", "the last of two"],
)
def test_the_last_exception_is_quoted_with_its_place(log: tuple[str, ...]) -> None:
    """Where it was raised and what it was; what leads there is in the log."""
    assert last_raised(log) == RAISED


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ((), ()),
        (("Traceback (most recent call last):",), ()),
        (TRACEBACK.splitlines()[2:], ()),
        (TRACEBACK.splitlines()[:3], ('File "/opt/netra/app/conversation.py", line 80, in _until_ended',)),
        (("{Traceback (most recent call last):",), ()),
    ],
    ids=["empty", "cut off at once", "without its beginning", "without its end", "no JSON"],
)
def test_what_is_cut_off_is_quoted_as_far_as_it_goes(log: tuple[str, ...], told: tuple[str, ...]) -> None:
    """A log tail begins and ends anywhere."""
    assert last_raised(log) == told


def test_ep103_quotes_what_the_path_that_tells_clients_raised() -> None:
    """The client got 1011; the log knows why."""
    masked = transcript(handshake(), close(1011, "internal_error"))
    found = judged(observation("local", replica(failed(FAILURE), log=(AS_JSON,)), transcripts=(masked,))).findings
    hidden = next(finding for finding in found if finding.code == "EP103")
    assert [line for line in evidence_lines(hidden) if line.startswith("the log")] == [
        f"the log: {line}" for line in RAISED
    ]


def test_a_traceback_within_json_is_shown_as_what_was_raised_and_where() -> None:
    """The frames between are in the log; a line without one stays as it is."""
    shown = ('{"event": "internal error", "level": "error"}', *RAISED)
    assert tuple(without_frames([AS_JSON, '{"event": "serving"}'])) == (*shown, '{"event": "serving"}')


def test_of_a_printed_traceback_stays_where_it_was_raised_and_what() -> None:
    """One that the log cuts off is there as far as it goes, and nothing else is lost."""
    lines = ("starting", *TRACEBACK.splitlines(), "serving")
    assert tuple(without_frames(lines)) == ("starting", *RAISED, "serving")
    assert tuple(without_frames(TRACEBACK.splitlines()[:1])) == (TRACEBACK.splitlines()[0],)
    assert tuple(without_frames(TRACEBACK.splitlines()[:-1])) == RAISED[:1]
