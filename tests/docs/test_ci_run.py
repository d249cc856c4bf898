"""What .ci/run says of the environments that it runs, each played here by a program that prints and exits as told."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import TREE
from tests.envparity.running import heed_ctrl_c, ignore_ctrl_c

LAUNCHED = "  launcher     container\n"
PASSED = "===== 3 passed, 1 skipped in 0.51s ====="
FAILED = "===== 1 failed, 2 passed, 1 error in 61.20s (0:01:01) ====="


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with .ci/run and nothing else: what is printed for an environment is in a file of its name."""
    program(tmp_path / ".ci" / "prepare", "exit 0")
    shutil.copy(TREE / ".ci" / "run", tmp_path / ".ci" / "run")
    program(tmp_path / ".venv" / "bin" / "tox", 'cat "says-$2"; exit "$(cat "exits-$2")"')
    command = ["git", "init", "--quiet", str(tmp_path)]
    subprocess.run(command, check=True, timeout=300)
    return tmp_path


def ran(tree: Path, **said: tuple[str, int]) -> tuple[int, list[str]]:
    """Run these environments, each of which says that and exits so; the exit code, and what was printed, by line."""
    for name, (text, code) in said.items():
        (tree / f"says-{name}").write_text(f"{text}\n", encoding="utf-8")
        (tree / f"exits-{name}").write_text(str(code), encoding="utf-8")
    settings = {key: value for key, value in os.environ.items() if key != "VERBOSE"}
    command = ["/bin/bash", str(tree / ".ci" / "run"), *said]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def test_pytests_closing_line_is_printed_as_it_is_and_all_tests_are_counted(tree: Path) -> None:
    """Who looks on from outside can tell that tests ran, and how many."""
    code, lines = ran(tree, unit=(f"noise\n{PASSED}", 0), browser=(PASSED, 0), types=("Success: no issues found", 0))
    assert code == 0
    assert lines.count(PASSED) == 2
    assert lines[-1] == "tests: 6 passed, 0 failed, 2 skipped"


def test_colours_do_not_hide_the_closing_line(tree: Path) -> None:
    """Where FORCE_COLOR asks for them."""
    coloured = "\x1b[32m===== \x1b[32m\x1b[1m3 passed\x1b[0m\x1b[32m in 0.51s\x1b[0m\x1b[32m =====\x1b[0m"
    _, lines = ran(tree, unit=(coloured, 0))
    assert lines[-1] == "tests: 3 passed, 0 failed"


def test_one_environment_that_fails_fails_the_run_and_does_not_end_it(tree: Path) -> None:
    """With what it said; those after it are run all the same."""
    code, lines = ran(tree, unit=(f"it was this\n{FAILED}", 1), browser=(PASSED, 0))
    assert code == 1
    assert "it was this" in lines
    assert lines[-1] == "tests: 5 passed, 2 failed, 1 skipped"


def test_however_much_is_said_the_run_comes_to_its_end(tree: Path) -> None:
    """Of the slowest tests twenty are shown, of failures what a reader bears; nothing that is cut off ends the run."""
    names = (f"{seconds}.00s call     tests/test_a.py::test_{seconds}{'x' * 80}" for seconds in range(1, 3000))
    durations = "\n".join(names)
    explained = "=== FAILURES ===\n" + "\n".join(f"line {number} {'x' * 80}" for number in range(5000))
    said = "=== short test summary info ===\nFAILED tests/test_a.py::test_b - it was this\nand this"
    code, lines = ran(tree, cases=(f"{explained}\n{durations}\n{said}\n{FAILED}", 1), browser=(PASSED, 0))
    assert code == 1
    assert lines[-1] == "tests: 5 passed, 2 failed, 1 skipped"
    assert sum(line.endswith("(cases)") for line in lines) == 20
    assert lines.count("cases: FAILED tests/test_a.py::test_b - it was this") == 1
    assert lines[lines.index("cases: FAILED tests/test_a.py::test_b - it was this") + 1] == "    and this"


def test_where_no_test_was_asked_for_none_is_counted(tree: Path) -> None:
    """Linters count nothing."""
    code, lines = ran(tree, lint=("All checks passed!", 0))
    assert code == 0
    assert not any(line.startswith("tests: ") for line in lines)
    assert lines[-1].split()[:2] == ["lint", "passed"]


@pytest.mark.parametrize("name", ["staging-parity", "gate"])
def test_a_verdict_that_no_container_came_to_fails_the_run(tree: Path, name: str) -> None:
    """A green run that skipped the containers is a lie."""
    assert ran(tree, **{name: (LAUNCHED + PASSED, 0)})[0] == 0
    assert ran(tree, **{name: (f"  launcher     process\n{PASSED}", 0)})[0] == 1


def test_a_tree_that_is_not_as_it_was_fails_the_run(tree: Path) -> None:
    """Tests leave nothing behind."""
    program(tree / ".venv" / "bin" / "tox", "echo >left-behind")
    code, lines = ran(tree, unit=(PASSED, 0))
    assert code == 1
    assert "run: the tree is not as it was:" in lines


def test_two_lanes_run_at_the_same_time(tree: Path) -> None:
    """Of two environments of different lanes each fails unless the other begins; temporary files are its own."""
    meet = "for _ in {1..500}; do [ -e began-unit ] && [ -e began-hostile ] && met=1 && break; sleep 0.02; done"
    note = 'echo "$TMPDIR" >"at-$2"; cat "says-$2"; [ -n "${met:-}" ]'
    program(tree / ".venv" / "bin" / "tox", f'touch "began-$2"; {meet}; {note}')
    (tree / ".gitignore").write_text("*\n", encoding="utf-8")
    code, lines = ran(tree, hostile=(PASSED, 0), unit=(PASSED, 0))
    assert code == 0, lines
    assert lines[-1] == "tests: 6 passed, 0 failed, 2 skipped"
    assert (tree / "at-unit").read_text(encoding="utf-8") != (tree / "at-hostile").read_text(encoding="utf-8")


def test_what_starts_containers_waits_for_the_tests_that_look_for_them(tree: Path) -> None:
    """Whoever starts a container cleans away what killed runs have left, which tests of the other lane look at."""
    program(tree / ".venv" / "bin" / "tox", 'sleep 0.3; ls ended-* >"saw-$2" 2>&1; touch "ended-$2"; cat "says-$2"')
    (tree / ".gitignore").write_text("*\n", encoding="utf-8")
    code, lines = ran(tree, cases=(PASSED, 0), hostile=(PASSED, 0))
    assert code == 0, lines
    assert (tree / "saw-cases").read_text(encoding="utf-8") == "ended-hostile\n"
    assert ran(tree, cases=(PASSED, 0))[0] == 0, "what is not run is not waited for"


def test_every_environment_has_its_place_in_one_lane() -> None:
    """What stands in none would run when all the others have ended."""
    text = (TREE / ".ci" / "run").read_text(encoding="utf-8")
    (lanes,) = re.findall(r"^LANES=\((.*?)^\)", text, re.MULTILINE | re.DOTALL)
    (environments,) = re.findall(r"^ENVIRONMENTS=\((.*?)\)", text, re.MULTILINE)
    assert sorted(re.findall(r"[\w-]+", lanes)) == sorted(environments.split())


def test_what_is_left_behind_is_told_with_who_left_it(tree: Path) -> None:
    """Folders of a run in the temporary files of an environment."""
    program(tree / ".venv" / "bin" / "tox", 'mkdir "$TMPDIR/envparity-0123abcd-$2"; cat "says-$2"')
    code, lines = ran(tree, unit=(PASSED, 0), browser=(PASSED, 0))
    assert code == 1
    left = [line for line in lines if "left behind: " in line]
    assert [line.split()[:2] for line in left] == [["run:", "unit"], ["run:", "browser"]]
    assert [line.endswith(f"envparity-0123abcd-{name}") for name, line in zip(("unit", "browser"), left, strict=True)]


@pytest.mark.parametrize(
    ("number", "begin"),
    [(signal.SIGINT, heed_ctrl_c), (signal.SIGTERM, heed_ctrl_c), (signal.SIGTERM, ignore_ctrl_c)],
    ids=["Ctrl-C", "SIGTERM", "SIGTERM in the background"],
)
def test_what_interrupts_it_ends_both_lanes_and_begins_nothing_more(
    tree: Path, number: signal.Signals, begin: Callable[[], None]
) -> None:
    """Each environment that runs is interrupted once, and may clean up."""
    cleans = "trap 'touch cleaned-$2; exit 2' INT TERM; touch began-$2; while :; do sleep 0.02; done"
    program(tree / ".venv" / "bin" / "tox", cleans)
    command = ["/bin/bash", str(tree / ".ci" / "run"), "hostile", "processes", "unit", "browser"]
    with subprocess.Popen(
        command,
        cwd=tree,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=begin,  # noqa: PLW1509  no thread of this process holds a lock that it needs
    ) as run:
        deadline = time.monotonic() + 30
        while not ((tree / "began-hostile").exists() and (tree / "began-unit").exists()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        run.send_signal(number)
        assert run.wait(300) == 128 + number
    assert sorted(path.name for path in tree.glob("cleaned-*")) == ["cleaned-hostile", "cleaned-unit"]
    assert sorted(path.name for path in tree.glob("began-*")) == ["began-hostile", "began-unit"]
