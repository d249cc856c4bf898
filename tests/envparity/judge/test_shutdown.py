"""EP501, EP502 and EP506: ends that are not clean."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from envparity.model.backend import HealthPaths
from envparity.model.environment import Environment, Platform
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import (
    BACKEND,
    codes,
    control,
    departed,
    handshake,
    judged,
    observation,
    only,
    project,
    transcript,
)


@pytest.mark.parametrize(
    ("ended", "got"),
    [
        ({"exit_code": 1}, "exit code 1"),
        ({"exit_code": 137}, "killed when the grace period was over"),
        ({"exit_code": -9}, "killed when the grace period was over"),
    ],
)
def test_ep501_a_shutdown_that_is_not_clean(ended: dict[str, Any], got: str) -> None:
    """With the grace period of that environment; the departure that follows is part of it."""
    script = departed("control", handshake(), control("stop_replica"), control("stopped", seconds=3.2, **ended))
    local = Environment(name="local", platform=Platform(stop_grace_s=7))
    found = only(observation("local", transcripts=(script,)), of=project(local))
    assert (found.code, found.where, found.got) == ("EP501", "shutdown", got)
    assert found.expected == "after SIGTERM the process ends within 7 s, with exit code 0 or 143"
    assert evidence_lines(found)[1] == "last words"


def test_ep502_liveness_that_fails_before_the_end() -> None:
    """A platform kills for it; what succeeded until the end, or was not to be had, is nothing."""
    scripts = [
        transcript(handshake(), control("stop_replica"), control("stopped", exit_code=0, liveness=status))
        for status in (503, 200, None)
    ]
    found = only(observation("local", transcripts=(scripts[0],)))
    assert (found.code, found.where, found.got) == ("EP502", "shutdown", "HTTP status 503 while it drained")
    assert [codes(observation("local", transcripts=(script,))) for script in scripts[1:]] == [[], []]


@pytest.mark.parametrize(("status", "got"), [(200, "HTTP status 200 while it drained"), (503, None), (None, None)])
def test_ep506_a_replica_that_drains_and_is_ready(status: int | None, got: str | None) -> None:
    """Of a backend that says what readiness answers then; what was not to be had is nothing."""
    script = transcript(handshake(), control("stop_replica"), control("stopped", exit_code=0, readiness=status))
    asked = project("local", backend=replace(BACKEND, health=HealthPaths(draining=503)))
    found = judged(observation("local", transcripts=(script,)), of=asked).findings
    assert [(finding.code, finding.got) for finding in found] == ([] if got is None else [("EP506", got)])


@pytest.mark.parametrize("ended", [{"exit_code": 0}, {"exit_code": 143}, {"exit_code": -15}, {}])
def test_ep501_a_clean_shutdown(ended: dict[str, Any]) -> None:
    """Of itself or of the signal; and what was never asked to stop is not judged."""
    script = transcript(handshake(), control("stop_replica"), control("stopped", **ended), control("restart", "redis"))
    assert codes(observation("local", transcripts=(script,))) == []


def test_ep501_without_knowing_the_environment() -> None:
    """Then no grace period can be named."""
    script = transcript(control("stopped", exit_code=3))
    found = only(observation("elsewhere", transcripts=(script,)))
    assert found.expected == "after SIGTERM the process ends, with exit code 0 or 143"
