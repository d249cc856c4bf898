"""Whose memory grows although nothing leaks is known by what its process has mapped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envparity.launch.runtimes import late_collector


def process(folder: Path, *mapped: str, program: bytes = b"\x7fELF") -> Path:
    """A folder as /proc has one, of process 7."""
    seven = folder / "7"
    seven.mkdir()
    lines = [f"7f0000000000-7f0000001000 r-xp 00000000 00:1f 12 {path}" for path in mapped]
    (seven / "maps").write_text("\n".join([*lines, "7ffd00000000-7ffd00001000 rw-p 00000000 00:00 0 [stack]"]))
    (seven / "exe").write_bytes(program)
    return folder


@pytest.mark.parametrize(
    ("mapped", "expected"),
    [
        ("/usr/bin/node", "Node.js"),
        ("/usr/lib/jvm/java-17/lib/server/libjvm.so", "Java"),
        ("/usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.0/libcoreclr.so", ".NET"),
        ("/usr/lib/erlang/erts-13.1/bin/beam.smp", "Erlang"),
        ("/usr/bin/python3.11", None),
        ("/opt/node/server", None),
    ],
)
async def test_a_runtime_is_known_by_its_program_or_its_library(
    tmp_path: Path, mapped: str, expected: str | None
) -> None:
    assert await late_collector(7, process(tmp_path, "/usr/lib/libc.so.6", mapped)) == expected


async def test_a_go_program_is_known_by_its_build_information(tmp_path: Path) -> None:
    """Wherever in the file that is."""
    program = b"\x7fELF" + bytes(100_000) + b"\xff Go buildinf:\x08\x02"
    assert await late_collector(7, process(tmp_path, "/srv/chat", program=program)) == "Go"


async def test_this_interpreter_frees_at_once_and_who_is_gone_is_nobody(tmp_path: Path) -> None:
    assert await late_collector(os.getpid()) is None
    assert await late_collector(7, tmp_path) is None
