"""A convention of refusing clients is asked only of a backend that has it."""

from __future__ import annotations

from typing import Literal

import pytest
from msgspec.structs import replace

from tests.envparity.judge.builders import (
    BACKEND,
    DOWN,
    close,
    codes,
    departed,
    failed,
    handshake,
    observation,
    project,
)
from tests.envparity.judge.builders import replica as made


def judged_with(refusal: str | Literal[False] | None, exit_code: int | None, *, down: bool = False) -> list[str]:
    """The codes of what a backend shows that closes with 1011, or ends, when its startup fails."""
    script = departed("close", handshake(), close(1011, "oops"))
    gone = made(failed(), exit_code=exit_code, live=None, ready=None)
    boot = {"boot": DOWN} if down else {}
    seen = observation("local", gone, transcripts=(script,), **boot)
    return codes(seen, of=project("local", backend=replace(BACKEND, startup_refusal=refusal)))


@pytest.mark.parametrize(("refusal", "expected"), [("later", True), (None, False), (False, False)])
def test_ep103_only_where_there_is_a_promise(refusal: str | Literal[False] | None, expected: bool) -> None:
    """Who promises nothing tells nothing wrongly; that startup failed is a finding all the same."""
    found = judged_with(refusal, None)
    assert "EP101" in found
    assert ("EP103" in found) is expected


@pytest.mark.parametrize("refusal", ["later", None])
def test_a_crash_at_start_is_one_finding(refusal: str | None) -> None:
    """What its report, its clients and the comparison with another environment say only follows from it."""
    assert judged_with(refusal, 3) == ["EP105"]


def test_one_that_exits_when_startup_fails_may_exit_where_it_must_fail() -> None:
    """With a dependency down; as it is booted otherwise, an exit is a finding."""
    assert "EP105" not in judged_with(False, 3, down=True)
    assert "EP105" in judged_with(None, 3, down=True)
    assert judged_with(False, 3) == ["EP105"]
