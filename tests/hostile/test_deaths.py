"""However a run ends, nothing of it is left: within ten seconds by its guard, else by `envparity sweep`."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from envparity.launch.process.control_group import made_group
from tests.hostile.conftest import StartRun
from tests.hostile.small_run import SLEEP, SmallRun, eventually, swept

pytestmark = pytest.mark.processes


def _can_group() -> bool:
    group = made_group(f"envparity-asked-{os.getpid()}")
    if group is None:
        return False
    group.end()
    return True


needs_groups = pytest.mark.skipif(not _can_group(), reason="this user can make no control group here")


def escaping(start_run: StartRun) -> SmallRun:
    """A run whose child starts another one, with an empty environment and in a session of its own."""
    seconds = f"4321.{time.time_ns() % 10**6:06}"
    run = start_run(["/bin/sh", "-c", f"setsid env -i {SLEEP} {seconds} & exec {SLEEP} {seconds}"])
    run.seconds = seconds
    eventually("it sleeps", run.sleeps)
    return run


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGQUIT, signal.SIGSEGV, signal.SIGXCPU])
def test_a_run_that_a_signal_ends_leaves_nothing(start_run: StartRun, number: signal.Signals) -> None:
    """Whatever signal it is, and also if it is sent to all that have the run's terminal."""
    run = start_run()
    os.killpg(run.process.pid, number)
    eventually(f"left: {run.left()}", lambda: not run.left())


@needs_groups
def test_a_child_with_an_empty_environment_and_a_session_of_its_own_ends_with_the_run(start_run: StartRun) -> None:
    run = escaping(start_run)
    run.kill(guard=False)
    eventually(f"left: {run.left()}", lambda: not run.left())


@needs_groups
def test_when_run_and_guard_are_killed_a_sweep_ends_what_they_left(start_run: StartRun, place: Path) -> None:
    """Also what nothing but its control group tells of."""
    run = escaping(start_run)
    run.kill(guard=True)
    assert run.sleeps()
    assert run.folder.name in swept(place)
    eventually(f"left: {run.left()}", lambda: not run.left())
    assert list(place.iterdir()) == []


@needs_groups
def test_what_a_child_has_started_ends_with_the_child(start_run: StartRun) -> None:
    """As in a container; the run goes on."""
    run = escaping(start_run)
    os.kill(run.told["child"], signal.SIGKILL)
    # Nobody but the run can say that it has ended, and it says so when it cleans.
    run.close()
    assert run.left() == []


@pytest.mark.parametrize("who", ["the run", "its guard"])
def test_what_a_set_clock_keeps_in_shared_memory_goes_with_the_process(start_run: StartRun, who: str) -> None:
    """Libfaketime removes it at an orderly exit of the process alone."""
    run = start_run()
    kept = [Path("/dev/shm") / f"{name}_{run.told['child']}" for name in ("faketime_shm", "sem.faketime_sem")]  # noqa: S108
    for path in kept:
        path.touch()
    if who == "the run":
        os.kill(run.told["child"], signal.SIGKILL)
        run.close()
    else:
        run.kill(guard=False)
    eventually("it is gone", lambda: not any(path.exists() for path in kept))


def test_a_server_that_overwrites_its_environment_is_known_by_where_it_works(start_run: StartRun, place: Path) -> None:
    """PostgreSQL and nginx write their titles where their environment was."""
    run = start_run()
    (run.folder / "data").mkdir()
    server = os.posix_spawn("/bin/sh", ["sh", "-c", f"cd {run.folder}/data; exec {SLEEP} {run.seconds}"], {})
    run.kill(guard=True)
    swept(place)
    assert os.waitpid(server, 0)[1] == signal.SIGKILL
    eventually(f"left: {run.left()}", lambda: not run.left())


def test_a_folder_that_cannot_be_removed_at_once_is_removed(start_run: StartRun) -> None:
    """Deeper than Python goes, with folders that keep their owner out, and links to what is not the run's."""
    run = start_run()
    victim = run.folder.parents[1] / "victim"
    victim.mkdir()
    (victim / "dear").touch()
    deep = os.open(run.folder, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=deep)
        deeper = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = deeper
    os.close(deep)
    (run.folder / "closed").mkdir(mode=0)
    (run.folder / "link").symlink_to(victim)
    run.kill(guard=False)
    eventually(f"left: {run.left()}", lambda: not run.left())
    assert (victim / "dear").exists()


@pytest.mark.parametrize("message", ["folder {}", '["folder", "{}", 0, 0]', "gone 1\nfolder {}\nmark x"])
def test_no_path_is_taken_for_another_message_to_the_guard(
    start_run: StartRun, place: Path, tmp_path: Path, message: str
) -> None:
    """A folder that is not the run's was removed so, once."""
    victim = tmp_path / "victim"
    victim.mkdir()
    where = Path(f"{place}/x\n{message.format(victim)}\ny")
    where.mkdir(mode=0o700, parents=True)
    run = start_run(where=where)
    assert run.folder.is_relative_to(where)
    run.kill(guard=False)
    eventually(f"left: {run.left()}", lambda: not run.left())
    assert victim.exists()


def test_a_guard_removes_the_very_folder_that_it_was_told_of(start_run: StartRun, place: Path) -> None:
    """And nothing that has its name later."""
    run = start_run()
    aside = place / "aside"
    run.folder.rename(aside)
    run.folder.mkdir()
    (run.folder / "dear").touch()
    run.kill(guard=False)
    eventually("its child ends", lambda: not run.sleeps())
    eventually("its guard ends", lambda: not Path(f"/proc/{run.told['guard']}").exists())
    assert (run.folder / "dear").exists()


def test_a_living_run_is_left_alone_whatever_its_age(start_run: StartRun, place: Path) -> None:
    """Its lock says that it lives, and no clock has a say in it."""
    run = start_run()
    os.utime(run.folder, (0, 0))
    os.utime(run.folder / "owner", (0, 0))
    assert swept(place).strip() == "0 leftovers removed"
    assert set(run.left()) == {str(run.folder), "its child", *filter(None, [run.told["group"]])}
