"""Another user of the same machine can neither stop nor falsify a run through the file system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.envparity.running import MOMENT_S, TREE, Running
from tests.hostile.conftest import StartRun
from tests.hostile.small_run import eventually, swept

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user as well"),
]

STRANGER = 53_713
"""A number that no account has: to the kernel a user like any other, and nothing is to be removed but its files."""
ATTEMPT_S = 20.0
BASE = "envparity-0"

PLANTED = {
    "a folder": "os.mkdir(base, 0o777)",
    "a folder with a run in it": "os.makedirs(base + '/0000abcd-x'); open(base + '/0000abcd-x/owner', 'w').write('x')",
    "a link to a folder of its victim": "os.symlink(victim, base)",
    "a fifo": "os.mkfifo(base)",
    "a file": "open(base, 'w').write('x' * 100000)",
}


def stranger(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run that as the stranger."""
    return subprocess.run(
        ["/usr/bin/env", "python3", "-I", "-S", "-c", f"import os, sys, fcntl, signal\n{code}", *arguments],
        user=STRANGER,
        group=STRANGER,
        extra_groups=[],
        cwd="/",
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
        timeout=ATTEMPT_S,
    )


def test_the_stranger_can_do_what_others_can(place: Path) -> None:
    """Else no attempt below would say anything."""
    assert stranger("open(sys.argv[1] + '/x', 'w').write('x')", str(place)).stderr == ""
    assert (place / "x").stat().st_uid == STRANGER


@pytest.mark.parametrize("what", PLANTED)
def test_whoever_takes_the_name_of_the_base_folder_stops_nobody(
    start_run: StartRun, place: Path, tmp_path: Path, what: str
) -> None:
    """The run takes a name that nobody could guess, is swept when it is dead, and what was planted stays as it was."""
    (tmp_path / "0000abcd-mine").mkdir()
    tmp_path.chmod(0o755)
    planting = stranger(f"base, victim = sys.argv[1:]\n{PLANTED[what]}", str(place / BASE), str(tmp_path))
    assert planting.stderr == ""
    run = start_run()
    assert run.folder.parent.stat().st_uid == 0
    assert not run.folder.is_relative_to(place / BASE)
    run.kill(guard=True)
    assert run.folder.name in swept(place)
    eventually(f"left: {run.left()}", lambda: not run.left())
    assert [path.name for path in place.iterdir()] == [BASE]
    assert (tmp_path / "0000abcd-mine").exists()


def test_nobody_else_looks_into_a_run_or_holds_its_locks(start_run: StartRun) -> None:
    """Neither base nor folder nor lock is opened, and nothing is made, moved or removed there."""
    run = start_run()
    attempts = f"""
base, folder = {str(run.folder.parent)!r}, {str(run.folder)!r}
attempts = [
    lambda: os.listdir(base), lambda: os.listdir(folder),
    lambda: os.open(base, os.O_RDONLY), lambda: os.open(folder, os.O_RDONLY),
    lambda: os.open(folder + "/owner", os.O_RDONLY), lambda: os.open(folder + "/owner", os.O_WRONLY),
    lambda: os.mkdir(base + "/0000abcd-x"), lambda: open(folder + "/x", "w"), lambda: os.mkfifo(folder + "/x"),
    lambda: os.rename(base, base + "-x"), lambda: os.rmdir(base), lambda: os.rename(folder, folder + "x"),
    lambda: os.unlink(folder + "/owner"), lambda: os.chmod(base, 0o777),
    lambda: os.kill({run.process.pid}, signal.SIGSTOP), lambda: os.kill({run.told["guard"]}, signal.SIGSTOP),
    lambda: os.open("/proc/{run.process.pid}/fd/0", os.O_WRONLY),
]
for number, attempt in enumerate(attempts):
    try:
        attempt()
    except PermissionError:
        continue
    print(number)
print("tried", len(attempts))
"""
    tried = stranger(attempts)
    assert (tried.stdout, tried.stderr) == ("tried 17\n", "")
    run.kill(guard=False)
    eventually(f"left: {run.left()}", lambda: not run.left())


@pytest.mark.parametrize("mark", ["fifo", "link", "endless"])
def test_marks_of_strangers_are_not_even_opened(start_run: StartRun, place: Path, mark: str) -> None:
    """A fifo was waited for and a device read, once; and a stranger's file could say that a run is dead."""
    run = start_run()
    made = {
        "fifo": "os.mkfifo(note)",
        "link": "os.symlink('/dev/zero', note)",
        "endless": "os.truncate(os.open(note, os.O_CREAT | os.O_WRONLY), 1 << 40)",
    }
    for name in (f"envparity-{run.id}-x", f"{BASE}-x"):
        code = f"folder, note = sys.argv[1], sys.argv[1] + '/owner'\nos.mkdir(folder)\n{made[mark]}"
        assert stranger(code, str(place / name)).stderr == ""
    assert swept(place).strip() == "0 leftovers removed"
    assert run.sleeps()


def test_a_place_in_which_anybody_can_swap_folders_is_refused(place: Path) -> None:
    """Without the sticky bit whoever may write there may put another folder in the place of the run's."""
    place.chmod(0o777)
    code = "from envparity.launch.cleanup.run_folder import RunFolder; RunFolder.make('0000abcd')"
    environment = os.environ | {"TMPDIR": str(place)}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=TREE,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "chmod +t" in ended.stderr
    assert list(place.iterdir()) == []


def test_a_run_among_all_attempts_has_the_verdict_that_it_has_alone(
    place: Path, running: list[Running], tmp_path: Path
) -> None:
    """With every name taken that can be known beforehand, and strangers' marks of runs that never were."""
    tmp_path.chmod(0o755)
    names = [BASE, f"{BASE}-x", "envparity-0000abcd-x", "envparity"]
    for name, planted in zip(names, PLANTED.values(), strict=False):
        code = f"base, victim = sys.argv[1:]\n{planted}"
        assert stranger(code, str(place / name), str(tmp_path)).stderr == ""
    arguments = ("run", "--plain", "--launcher", "process", "--environment", "local", "--only", "conversation")
    run = Running(TREE, *arguments, env={"TMPDIR": str(place)})
    running.append(run)
    assert run.process.wait(MOMENT_S) == 0, str(run)
    assert sorted(path.name for path in place.iterdir()) == sorted(names)
    assert run.children() == []
