"""An owner is called dead only when that is certain."""

from __future__ import annotations

import subprocess
import sys

from envparity.launch.owner import owner_is_dead, this_owner


def test_this_process_lives() -> None:
    """A run never sweeps itself."""
    assert not owner_is_dead(this_owner())


def test_a_process_that_ended_is_dead() -> None:
    """What it left may go at once."""
    script = "from envparity.launch.owner import this_owner; print(this_owner())"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert owner_is_dead(ended.stdout.strip())


def test_a_later_process_with_the_same_number_is_not_the_owner() -> None:
    """The start time tells them apart."""
    boot, pid, started = this_owner().split(":")
    assert owner_is_dead(f"{boot}:{pid}:{int(started) - 1}")


def test_an_owner_on_another_host_may_live() -> None:
    """Nothing is known of it, so only its age counts."""
    assert not owner_is_dead("another-boot:1:1")
    assert not owner_is_dead("")
