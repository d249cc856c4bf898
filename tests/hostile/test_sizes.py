"""What is larger than anything that somebody means: read in bounded time and memory, or refused in one message."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from tests.envparity.judge.builders import handshake, observation, received, transcript
from tests.envparity.report.recorded import described, events_of
from tests.envparity.running import TREE
from tests.hostile.mutations import amount

pytestmark = pytest.mark.timeout(300)

MOST_MIB = 512
MOST_CPU_S = 60.0  # of the processor, whatever else the machine does; measured: at most 15
EXAMPLE = TREE / "docs/examples/teahouse"
STEPS = 200_000
FITTING = 200_000  # what a file of a project has room for
KEYS = amount(FITTING, 1_000_000)
NAMES = ("local", "staging")
SCENARIO = '[[scenario]]\nname = "long"\nsteps = ['


class Ended(NamedTuple):
    """How a command ended, what it said, the most memory that it had, and its time of the processor."""

    code: int
    said: str
    mib: float
    cpu_s: float


def command(folder: Path, *arguments: str) -> Ended:
    with (folder / "said").open("w+b") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "envparity", *arguments], cwd=folder, stdin=subprocess.DEVNULL, stdout=said,
            stderr=said, env=os.environ | {"PYTHONPATH": str(TREE)},
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode(errors="replace")
    return Ended(process.returncode, text, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "project"))


def steps(project: Path) -> None:
    """A scenario of so many steps, in a file that is no longer than a file may be."""
    with (project / "backend.toml").open("a") as file:
        file.write(SCENARIO + '{ connect = "none" },' + "{close=1000}," * STEPS + "]\n")


def repeated(project: Path) -> None:
    with (project / "backend.toml").open("a") as file:
        file.write(
            "".join(f'{SCENARIO.replace("long", f"long-{at}")}{{ connect = "none" }}]\n' for at in range(50_000))
        )


def settings(project: Path) -> None:
    text = 'name = "cloud"\n[settings]\n' + "".join(f"A{at:x}=1\n" for at in range(KEYS))
    (project / "environments/cloud.toml").write_text(text)


def variables(project: Path) -> None:
    (project / "many.env").write_text("".join(f"A{at:x}=1\n" for at in range(KEYS)))
    (project / "environments/cloud.toml").write_text('name = "cloud"\nextends = ["../many.env"]\n')


def objects(project: Path) -> None:
    (project / "compose.yaml").write_text(
        "services:\n  api:\n    image: x\n    environment:\n" + "".join(f"      A{at:x}: 1\n" for at in range(KEYS))
    )
    (project / "environments/cloud.toml").write_text('name = "cloud"\nextends = ["../compose.yaml#api"]\n')


def contract(project: Path) -> None:
    properties = ", ".join(f'"a{at:x}": {{}}' for at in range(KEYS))
    text = f'{{"asyncapi": "2.6.0", "info": {{"title": "x", "version": "1"}}, "channels": {{{properties}}}}}'
    (project / "contract.json").write_text(text)
    file = project / "backend.toml"
    file.write_text(f'contract = "contract.json"\n{file.read_text()}')


@pytest.mark.parametrize(
    "spoil", [steps, repeated, settings, variables, objects, contract], ids=lambda spoil: spoil.__name__
)
def test_a_file_of_that_size_is_one_message(project: Path, spoil: Callable[[Path], None]) -> None:
    spoil(project)
    ended = command(project, "check")
    assert ended.code == 2, ended.said[-900:]
    assert ended.said.count("envparity: ") == 1
    assert len(ended.said) < 20_000
    assert ended.mib < MOST_MIB
    assert ended.cpu_s < MOST_CPU_S


def test_a_frame_of_that_many_keys_is_told_in_every_report(tmp_path: Path) -> None:
    """As a saved run has it: what a backend sent, in a conversation that is shown in all of it."""
    many: dict[str, object] = {f"a{at:x}": at for at in range(KEYS)}
    seen = [observation(name, transcripts=(transcript(handshake(), received(many)),)) for name in NAMES]
    lines = (described(), *events_of(seen))
    (tmp_path / "run.ndjson").write_bytes(b"\n".join(msgspec.json.encode(line) for line in lines))
    reports = [argument for name in ("html", "sarif", "junit", "gitlab") for argument in (f"--{name}", name)]
    ended = command(tmp_path, "report", "./run.ndjson", *reports)
    assert ended.code in {0, 1}, ended.said[-900:]
    assert len(ended.said) < 50_000
    assert ended.cpu_s < MOST_CPU_S
